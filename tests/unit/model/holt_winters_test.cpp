#include "ctrl/model/holt_winters.hpp"

#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/unit/model/sanity.hpp"

namespace braidway::ctrl::model {
namespace {

const Shape one{.paths = 1, .bins = bins_per_tick, .horizons = {1, 5, 100}};

TEST(HoltWinters, AConstantLoadGoesOn) {
  HoltWinters model(one);
  Ticks ticks(1);
  for (int i = 0; i < 10'000; ++i) ticks.show(model, [](std::size_t) { return measured(0.37F); });
  for (std::size_t horizon = 0; horizon < 3; ++horizon) {
    EXPECT_NEAR(model.forecast(0, horizon).load, 0.37F, 1e-5);
  }
}

TEST(HoltWinters, ARampGoesOnByLessEachTick) {
  HoltWinters model(one);
  Ticks ticks(1);
  for (int i = 0; i < 50; ++i) ticks.show(model, [&](std::size_t) { return measured(0.01F * float(i)); });
  const float next = model.forecast(0, 0).load;
  const float fifth = model.forecast(0, 1).load;
  const float last = model.forecast(0, 2).load;
  EXPECT_GT(next, 0.47F);
  EXPECT_GT(fifth, next + 0.01F);
  EXPECT_LT(fifth, next + 0.04F);
  EXPECT_LT(last, next + 9 * 0.01F);
}

TEST(HoltWinters, ABoundCutsAndNothingKnownChangesLittle) {
  HoltWinters model(one);
  Ticks ticks(1);
  for (int i = 0; i < 100; ++i) ticks.show(model, [](std::size_t) { return measured(0.6F); });
  for (int i = 0; i < 100; ++i) ticks.show(model, [](std::size_t) { return bound(0.8F); });
  for (int i = 0; i < 100; ++i) ticks.show(model, [](std::size_t) { return CrossLoad{}; });
  EXPECT_NEAR(model.forecast(0, 0).load, 0.6F, 1e-4);
  for (int i = 0; i < 100; ++i) ticks.show(model, [](std::size_t) { return bound(0.2F); });
  EXPECT_LE(model.forecast(0, 0).load, 0.201F);
}

TEST(HoltWinters, APathThatBeginsAnewHasNoPast) {
  HoltWinters model(one);
  Ticks ticks(1);
  for (int i = 0; i < 9; ++i) ticks.show(model, [&](std::size_t) { return measured(0.1F * float(i)); });
  model.forget(0);
  EXPECT_EQ(model.forecast(0, 2).load, 0);
  ticks.show(model, [](std::size_t) { return measured(0.25F); });
  EXPECT_FLOAT_EQ(model.forecast(0, 2).load, 0.25F);
}

TEST(HoltWinters, SaysNumbersAndTakesNoMemory) {
  const Shape three{.paths = 3, .bins = bins_per_tick, .horizons = {1, 5, 100}};
  HoltWinters model(three);
  expect_sane_whatever_comes(model, three);
}

TEST(HoltWinters, RefusesWhatItCannotWorkWith) {
  EXPECT_THROW(HoltWinters(one, {.level = 1.5F}), std::invalid_argument);
  EXPECT_THROW(HoltWinters(one, {.damping = 1}), std::invalid_argument);
}

}  // namespace
}  // namespace braidway::ctrl::model
