#include "ctrl/model/naive.hpp"

#include <algorithm>
#include <cmath>
#include <deque>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/unit/model/trace.hpp"

namespace braidway::ctrl::model {
namespace {

const Shape one{.paths = 1, .bins = bins_per_tick, .horizons = {1, 20}};

template <typename Model>
void show_tick(Model& model, CrossLoad load) {
  show(model, 1, [&](std::size_t, std::size_t) { return load; });
}

TEST(Naive, WhatWasGoesOn) {
  LastValue last(one);
  Ewma smoothed(one, 4);
  for (const float load : {0.5F, 0.9F}) {
    show_tick(last, measured(load));
    show_tick(smoothed, measured(load));
  }
  for (const std::size_t horizon : {0U, 1U}) {
    EXPECT_NEAR(last.forecast(0, horizon).load, 0.9F, 1e-6);
    EXPECT_NEAR(smoothed.forecast(0, horizon).load, 0.125F + (0.9F - 0.125F) / 4, 1e-6);
  }
  EXPECT_EQ(last.forecast(0, 0).burst, 0);
  EXPECT_EQ(last.forecast(0, 0).quantile(0.99F), last.forecast(0, 0).load);
}

TEST(Naive, ABoundCutsAndNothingKnownChangesNothing) {
  LastValue last(one);
  Ewma smoothed(one);
  RunningMedian median(one, 9);
  const auto all = [&](CrossLoad load, int ticks) {
    for (int i = 0; i < ticks; ++i) {
      show_tick(last, load);
      show_tick(smoothed, load);
      show_tick(median, load);
    }
  };
  all(measured(0.6F), 50);
  all(bound(0.8F), 50);
  EXPECT_NEAR(last.forecast(0, 0).load, 0.6F, 1e-6);
  EXPECT_NEAR(smoothed.forecast(0, 0).load, 0.6F, 1e-6);
  EXPECT_NEAR(median.forecast(0, 0).load, 0.6F, 1e-6);
  all(bound(1), 50);
  EXPECT_NEAR(median.forecast(0, 0).load, 0.6F, 1e-6);
  all(bound(0.2F), 50);
  EXPECT_NEAR(last.forecast(0, 0).load, 0.2F, 1e-6);
  EXPECT_NEAR(smoothed.forecast(0, 0).load, 0.2F, 1e-6);
  EXPECT_NEAR(median.forecast(0, 0).load, 0.2F, 1e-6);
}

TEST(Naive, APathThatBeginsAnewHasNoPast) {
  LastValue last(one);
  Ewma smoothed(one);
  RunningMedian median(one, 9);
  for (Forecaster* model : std::initializer_list<Forecaster*>{&last, &smoothed, &median}) {
    show_tick(*model, measured(0.9F));
    model->forget(0);
    EXPECT_EQ(model->forecast(0, 0).load, 0) << model->name();
    show_tick(*model, measured(0.25F));
    EXPECT_LE(model->forecast(0, 0).load, 0.2501F) << model->name();
  }
}

RC_GTEST_PROP(RunningMedianProperty, IsTheMedianOfTheLastTicksToAStep, ()) {
  RunningMedian median(one, 15);
  std::deque<float> last;
  for (const unsigned value : *rc::gen::container<std::vector<unsigned>>(rc::gen::inRange(0U, 1001U))) {
    const float load = static_cast<float>(value) / 1000;
    show_tick(median, measured(load));
    last.push_back(load);
    if (last.size() > 15) last.pop_front();
    std::vector<float> sorted(last.begin(), last.end());
    std::ranges::sort(sorted);
    const float lower = sorted[(sorted.size() - 1) / 2];
    RC_ASSERT(std::abs(median.forecast(0, 0).load - lower) <= 1.0F / 128 + 1e-5F);
  }
}

}  // namespace
}  // namespace braidway::ctrl::model
