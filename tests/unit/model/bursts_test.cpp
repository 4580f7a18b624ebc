#include "ctrl/model/bursts.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/unit/model/trace.hpp"

namespace braidway::ctrl::model {
namespace {

const Shape one{.paths = 1, .bins = bins_per_tick, .horizons = {1, 5, 20, 100}};

/// Shows ticks of a load that is given by bin, and judges what was said of each 20 ticks before.
class Shown {
 public:
  static constexpr std::size_t judged = 2;  ///< horizon
  static constexpr std::size_t ahead = 20;

  template <typename Load>
  void run(std::size_t ticks, Load load) {
    for (std::size_t i = 0; i < ticks; ++i, ++tick) {
      float sum = 0;
      show(model, 1, [&](std::size_t, std::size_t bin) {
        const CrossLoad sample = load(static_cast<double>(tick * bins_per_tick + bin));
        sum += sample.load / bins_per_tick;
        return sample;
      });
      if (said.size() >= ahead) error = std::abs(said[said.size() - ahead] - sum);
      errors.push_back(error);
      said.push_back(model.forecast(0, judged).load);
    }
  }
  /// Mean error of the last ticks.
  [[nodiscard]] float mean_error(std::size_t ticks) const {
    float sum = 0;
    for (std::size_t i = errors.size() - ticks; i < errors.size(); ++i) sum += errors[i];
    return sum / static_cast<float>(ticks);
  }

  Bursts model{one};
  std::size_t tick = 0;
  float error = 0;
  std::vector<float> said;
  std::vector<float> errors;
};

TEST(BurstsOf, AJobIsLearntAndForecastToAFractionOfATick) {
  Shown shown;
  shown.run(2'000, [](double bin) { return measured(square(bin, 173, 52, 0.1F, 0.8F)); });
  ASSERT_EQ(shown.model.jobs(0), 1U);
  EXPECT_NEAR(shown.model.job(0, 0).period(), 173, 0.5);
  EXPECT_NEAR(shown.model.job(0, 0).length(), 52, 0.5);
  EXPECT_NEAR(shown.model.job(0, 0).height(), 0.7F, 0.01F);
  EXPECT_LT(shown.mean_error(1'000), 0.02F);
  const Forecast forecast = shown.model.forecast(0, 0);
  EXPECT_NEAR(forecast.lower, 0.1F, 0.01F);
  EXPECT_NEAR(forecast.upper, 0.8F, 0.01F);
}

TEST(BurstsOf, TwoJobsOfOneHeightAreToldApart) {
  Shown shown;
  const auto load = [](double bin) {
    return measured(square(bin, 110, 20, 0, 0.4F) + square(bin + 37, 290, 60, 0, 0.4F));
  };
  shown.run(6'000, load);
  EXPECT_LT(shown.mean_error(2'000), 0.06F) << "0.2 if nothing were known";
}

TEST(BurstsOf, AChangedPeriodIsLearntAnew) {
  Shown shown;
  shown.run(2'000, [](double bin) { return measured(square(bin, 100, 30, 0, 0.8F)); });
  shown.run(3'000, [](double bin) { return measured(square(bin, 170, 30, 0, 0.8F)); });
  EXPECT_LT(shown.mean_error(1'000), 0.03F);
  ASSERT_EQ(shown.model.jobs(0), 1U);
  EXPECT_NEAR(shown.model.job(0, 0).period(), 170, 1);
}

TEST(BurstsOf, AJobThatStopsIsForgottenWithinAFewPeriods) {
  Shown shown;
  shown.run(2'000, [](double bin) { return measured(square(bin, 100, 30, 0.05F, 0.8F)); });
  shown.run(80, [](double) { return measured(0.05F); });
  EXPECT_EQ(shown.model.jobs(0), 0U);
  for (std::size_t horizon = 0; horizon < 4; ++horizon) {
    EXPECT_NEAR(shown.model.forecast(0, horizon).load, 0.05F, 0.01F);
    EXPECT_EQ(shown.model.forecast(0, horizon).burst, 0);
  }
}

TEST(BurstsOf, WhatIsHiddenIsNotHeldAgainstAJob) {
  Shown shown;
  const auto load = [](double bin) { return measured(square(bin, 100, 30, 0, 0.8F)); };
  shown.run(2'000, load);
  shown.run(500, [](double) { return bound(1); });
  ASSERT_EQ(shown.model.jobs(0), 1U) << "it was not seen to stop";
  shown.run(100, load);
  EXPECT_LT(shown.mean_error(60), 0.05F) << "the phase was kept";
}

TEST(BurstsOf, BurstsThatOnlyShowBesideOurOwnLoadAreLearnt) {
  Shown shown;
  // With 0.5 of ours a queue stands only during bursts.
  shown.run(3'000, [](double bin) {
    const float load = square(bin, 130, 40, 0, 0.8F);
    return load > 0.5F ? measured(load) : bound(0.5F);
  });
  ASSERT_EQ(shown.model.jobs(0), 1U);
  EXPECT_NEAR(shown.model.job(0, 0).period(), 130, 1);
  EXPECT_NEAR(shown.model.job(0, 0).length(), 40, 2);
}

TEST(BurstsOf, LoadsWithoutBurstsHaveNone) {
  Shown constant;
  constant.run(3'000, [](double) { return measured(0.4F); });
  EXPECT_EQ(constant.model.jobs(0), 0U);
  EXPECT_NEAR(constant.model.forecast(0, 3).load, 0.4F, 1e-5);
  Shown unknown;
  unknown.run(3'000, [](double) { return bound(1); });
  EXPECT_EQ(unknown.model.jobs(0), 0U);
  EXPECT_EQ(unknown.model.forecast(0, 3).burst, 0);
  Shown noise;
  Chance chance(3);
  noise.run(20'000, [&](double) { return measured(chance()); });
  EXPECT_EQ(noise.model.jobs(0), 0U);
}

TEST(BurstsOf, APathThatBeginsAnewHasNoJobs) {
  Shown shown;
  shown.run(2'000, [](double bin) { return measured(square(bin, 100, 30, 0, 0.8F)); });
  shown.model.forget(0);
  EXPECT_EQ(shown.model.jobs(0), 0U);
  EXPECT_EQ(shown.model.forecast(0, 1).load, 0);
}

TEST(BurstsOf, AShapeThatCannotBeIsRefused) {
  EXPECT_THROW(Bursts({.paths = 0, .bins = 10, .horizons = {1}}), std::invalid_argument);
  EXPECT_THROW(Bursts({.paths = 1, .bins = 0, .horizons = {1}}), std::invalid_argument);
  EXPECT_THROW(Bursts({.paths = 1, .bins = 10, .horizons = {}}), std::invalid_argument);
}

RC_GTEST_PROP(BurstsProperty, ForecastsAreLoadsWhateverIsShown, ()) {
  Bursts model(one);
  Chance chance(*rc::gen::inRange(0U, 1'000'000U));
  float level = chance();
  int left = 0;
  for (int tick = 0; tick < 300; ++tick) {
    show(model, 1, [&](std::size_t, std::size_t) -> CrossLoad {
      if (--left < 0) {
        left = static_cast<int>(chance() * 60);
        level = chance();
      }
      return {.load = level, .censored = chance() < 0.2F};
    });
    for (std::size_t horizon = 0; horizon < 4; ++horizon) {
      const Forecast forecast = model.forecast(0, horizon);
      for (const float value : {forecast.load, forecast.burst, forecast.lower, forecast.upper}) {
        RC_ASSERT(value >= 0 && value <= 1);
      }
    }
  }
}

}  // namespace
}  // namespace braidway::ctrl::model
