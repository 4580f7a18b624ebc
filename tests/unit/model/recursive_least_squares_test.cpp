#include "ctrl/model/recursive_least_squares.hpp"

#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/unit/model/sanity.hpp"

namespace braidway::ctrl::model {
namespace {

const Shape one{.paths = 1, .bins = bins_per_tick, .horizons = {1, 5, 100}};
const Shape two{.paths = 2, .bins = bins_per_tick, .horizons = {1, 5, 100}};
const Shape far{.paths = 1, .bins = bins_per_tick, .horizons = {5}};

TEST(RecursiveLeastSquares, AtFirstWhatWasGoesOn) {
  RecursiveLeastSquares model(one);
  Ticks ticks(1);
  ticks.show(model, [](std::size_t) { return measured(0.4F); });
  for (std::size_t k = 0; k < 3; ++k) EXPECT_FLOAT_EQ(model.forecast(0, k).load, 0.4F);
}

TEST(RecursiveLeastSquares, LearnsAWaveAtEachHorizon) {
  RecursiveLeastSquares model(one);
  Ticks ticks(1);
  const auto wave = [](double tick) { return static_cast<float>(0.5 + 0.3 * std::sin(tick / 7)); };
  for (int i = 0; i <= 5'000; ++i) ticks.show(model, [&](std::size_t) { return measured(wave(i)); });
  for (std::size_t k = 0; k < 3; ++k) {
    EXPECT_NEAR(model.forecast(0, k).load, wave(5'000.0 + one.horizons[k]), 0.01F) << one.horizons[k];
  }
}

TEST(RecursiveLeastSquares, LearnsFromAnotherPath) {
  RecursiveLeastSquares model(two);
  Ticks ticks(2);
  Chance chance(5);
  float leader = 0;
  float before = 0;
  double error = 0;
  for (int i = 0; i < 3'000; ++i) {
    before = leader;
    leader = chance();
    if (i >= 2'000) error += std::abs(model.forecast(1, 0).load - before) / 1'000;
    ticks.show(model, [&](std::size_t path) { return measured(path == 0 ? leader : before); });
  }
  EXPECT_LT(error, 0.01);
}

/// Forgetting without news would let the covariance grow by 1/f each tick: beyond any number here.
TEST(RecursiveLeastSquares, AConstantLoadBlowsNothingUp) {
  RecursiveLeastSquares model(two);
  Ticks ticks(2);
  double largest = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    ticks.show(model, [](std::size_t path) { return measured(path == 0 ? 0.37F : 0.0F); });
    if (i % 1'000 == 0) largest = std::max(largest, model.largest_covariance(i / 1'000 % 2));
  }
  EXPECT_LT(largest, 2'000);
  EXPECT_NEAR(model.forecast(0, 2).load, 0.37F, 1e-3);
  EXPECT_NEAR(model.forecast(1, 2).load, 0, 1e-3);
  for (int i = 0; i < 2'000; ++i) ticks.show(model, [](std::size_t) { return measured(0.8F); });
  for (std::size_t k = 0; k < 3; ++k) EXPECT_NEAR(model.forecast(0, k).load, 0.8F, 1e-2);
}

TEST(RecursiveLeastSquares, NothingKnownTeachesNothing) {
  RecursiveLeastSquares model(one);
  Ticks ticks(1);
  for (int i = 0; i < 1'000; ++i) ticks.show(model, [](std::size_t) { return measured(0.6F); });
  for (int i = 0; i < 100'000; ++i) ticks.show(model, [](std::size_t) { return CrossLoad{}; });
  EXPECT_NEAR(model.forecast(0, 0).load, 0.6F, 0.01F);
  for (int i = 0; i < 1'000; ++i) ticks.show(model, [](std::size_t) { return bound(0.2F); });
  for (std::size_t k = 0; k < 3; ++k) EXPECT_LE(model.forecast(0, k).load, 0.21F);
}

TEST(RecursiveLeastSquares, APathThatBeginsAnewHasNoPast) {
  RecursiveLeastSquares model(far);
  Ticks ticks(1);
  Chance chance(1);
  for (int i = 0; i < 500; ++i) ticks.show(model, [&](std::size_t) { return measured(chance()); });
  model.forget(0);
  EXPECT_EQ(model.forecast(0, 0).load, 0);
  ticks.show(model, [](std::size_t) { return measured(0.25F); });
  EXPECT_FLOAT_EQ(model.forecast(0, 0).load, 0.25F);
}

TEST(RecursiveLeastSquares, SaysNumbersAndTakesNoMemory) {
  const Shape three{.paths = 3, .bins = bins_per_tick, .horizons = {1, 5, 100}};
  RecursiveLeastSquares model(three);
  expect_sane_whatever_comes(model, three);
}

TEST(RecursiveLeastSquares, RefusesWhatItCannotWorkWith) {
  EXPECT_THROW(RecursiveLeastSquares(one, {.forgetting = 1.01}), std::invalid_argument);
  EXPECT_THROW(RecursiveLeastSquares(one, {.ridge = 0}), std::invalid_argument);
  EXPECT_THROW(RecursiveLeastSquares({.paths = 1, .bins = 10, .horizons = {}}), std::invalid_argument);
}

}  // namespace
}  // namespace braidway::ctrl::model
