#include "ctrl/model/seasonal.hpp"

#include <cmath>
#include <stdexcept>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/unit/model/sanity.hpp"

namespace braidway::ctrl::model {
namespace {

const Shape one{.paths = 1, .bins = bins_per_tick, .horizons = {1, 5, 20, 100}};

/// Bursts of a quarter of `period` ticks.
float burst(std::size_t tick, std::size_t period) { return tick % period < (period + 3) / 4 ? 0.8F : 0.1F; }

TEST(Seasonal, SaysWhatWasUntilItIsAskedToLearn) {
  Seasonal model(one);
  Ticks ticks(1);
  for (std::size_t i = 0; i < 2'000; ++i) {
    ticks.show(model, [&](std::size_t) { return measured(burst(i, 37)); });
    for (std::size_t k = 0; k < 4; ++k) EXPECT_EQ(model.forecast(0, k).load, burst(i, 37));
  }
  EXPECT_EQ(model.period(0), 0);
}

RC_GTEST_PROP(SeasonalProperty, FindsAPeriodAndForeseesItsBursts, ()) {
  const auto period = *rc::gen::inRange<std::size_t>(2, 257);
  Seasonal model(one, {.ticks = 1'024});
  Ticks ticks(1);
  std::size_t now = 0;
  for (; now < 1'500; ++now) ticks.show(model, [&](std::size_t) { return measured(burst(now, period)); });
  model.refit(0);
  RC_ASSERT(model.period(0) == period);
  for (; now < 1'900; ++now) {
    for (std::size_t k = 0; k < 4; ++k) {
      RC_ASSERT(model.forecast(0, k).load == burst(now - 1 + one.horizons[k], period));
    }
    ticks.show(model, [&](std::size_t) { return measured(burst(now, period)); });
  }
}

TEST(Seasonal, FindsThePeriodInNoiseAndThroughBounds) {
  Seasonal model(one);
  Ticks ticks(1);
  Chance chance(3);
  for (std::size_t i = 0; i < 5'000; ++i) {
    ticks.show(model, [&](std::size_t) {
      const float load = burst(i, 50) + 0.1F * chance();
      return load < 0.5F && chance() < 0.5F ? bound(0.4F) : measured(load);
    });
  }
  model.refit(0);
  EXPECT_EQ(model.period(0) % 50, 0U);
  EXPECT_NE(model.period(0), 0U);
}

TEST(Seasonal, NoSeasonInNoiseNorInWhatChangesSlowlyNorInAConstant) {
  for (const float memory : {0.0F, 0.9F, 0.95F}) {
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      Seasonal model(one);
      Ticks ticks(1);
      Chance chance(seed * 1'000);
      float load = 0.5F;
      for (std::size_t i = 0; i < 5'000; ++i) {
        load = memory * load + (1 - memory) * chance();
        ticks.show(model, [&](std::size_t) { return measured(load); });
      }
      model.refit(0);
      EXPECT_EQ(model.period(0), 0U) << memory << ' ' << seed;
    }
  }
  Seasonal model(one);
  Ticks ticks(1);
  for (int i = 0; i < 5'000; ++i) ticks.show(model, [](std::size_t) { return measured(0.7F); });
  model.refit(0);
  EXPECT_EQ(model.period(0), 0U);
}

TEST(Seasonal, APeriodThatStopsIsForgottenByRefits) {
  Seasonal model(one, {.ticks = 512});
  Ticks ticks(1);
  for (std::size_t i = 0; i < 600; ++i)
    ticks.show(model, [&](std::size_t) { return measured(burst(i, 40)); });
  model.refit(0);
  EXPECT_EQ(model.period(0), 40U);
  for (int i = 0; i < 600; ++i) ticks.show(model, [](std::size_t) { return measured(0.3F); });
  model.refit(0);
  EXPECT_EQ(model.period(0), 0U);
  EXPECT_EQ(model.forecast(0, 3).load, 0.3F);
}

TEST(Seasonal, APathThatBeginsAnewHasNoPast) {
  Seasonal model(one);
  Ticks ticks(1);
  for (std::size_t i = 0; i < 999; ++i) ticks.show(model, [&](std::size_t) { return measured(burst(i, 9)); });
  model.refit(0);
  model.forget(0);
  EXPECT_EQ(model.forecast(0, 0).load, 0);
  ticks.show(model, [](std::size_t) { return measured(0.25F); });
  model.refit(0);
  EXPECT_EQ(model.forecast(0, 3).load, 0.25F);
}

TEST(Seasonal, SaysNumbersAndTakesNoMemory) {
  const Shape three{.paths = 3, .bins = bins_per_tick, .horizons = {1, 5, 100}};
  Seasonal model(three);
  expect_sane_whatever_comes(model, three);
}

TEST(Seasonal, RefusesWhatItCannotWorkWith) {
  EXPECT_THROW(Seasonal(one, {.ticks = 1'000}), std::invalid_argument);
  EXPECT_THROW(Seasonal(one, {.ticks = 8'192}), std::invalid_argument);
  EXPECT_THROW(Seasonal(one, {.strength = 0}), std::invalid_argument);
}

}  // namespace
}  // namespace braidway::ctrl::model
