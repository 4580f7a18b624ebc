#include "ctrl/model/cross_load.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "ctrl/model/own_load.hpp"
#include "tests/unit/model/trace.hpp"

namespace braidway::ctrl::model {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr CrossLoad unknown{.load = 1, .censored = true};

TEST(CrossLoadOf, AQueueShowsItAndElseThereIsABound) {
  // What came in is what went out and what the queue grew by.
  EXPECT_EQ(cross_load({.capacity = 1000, .own = 300, .growth = 0, .queued = true}), measured(0.7F));
  EXPECT_EQ(cross_load({.capacity = 1000, .own = 300, .growth = 100, .queued = true}), measured(0.8F));
  EXPECT_EQ(cross_load({.capacity = 1000, .own = 300, .growth = -200, .queued = true}), measured(0.5F));
  EXPECT_EQ(cross_load({.capacity = 1000, .own = 300, .growth = 777, .queued = false}), bound(0.7F));
  EXPECT_TRUE(cross_load({.capacity = 1000, .own = 0, .growth = 0, .queued = false}).unknown())
      << "a path is not free because we left it";
}

TEST(CrossLoadOf, WhatCannotBeIsUnknownOrCut) {
  EXPECT_EQ(cross_load({.capacity = 1000, .own = 300, .growth = 800, .queued = true}), measured(1));
  EXPECT_EQ(cross_load({.capacity = 1000, .own = 1300, .growth = -100, .queued = true}), measured(0));
  EXPECT_EQ(cross_load({.capacity = 1000, .own = -1, .growth = 0, .queued = true}), unknown)
      << "a counter was reset";
  EXPECT_EQ(cross_load({.capacity = 0, .own = 0, .growth = 0, .queued = true}), unknown)
      << "a tick was missed";
  EXPECT_EQ(cross_load({.capacity = -5, .own = 0, .growth = 0, .queued = true}), unknown)
      << "the clock went back";
  EXPECT_EQ(cross_load({.capacity = 1000, .own = nan, .growth = 0, .queued = true}), unknown);
  EXPECT_EQ(cross_load({.capacity = 1000, .own = 1, .growth = nan, .queued = true}), unknown);
  EXPECT_EQ(cross_load({.capacity = nan, .own = 1, .growth = 0, .queued = true}), unknown);
  EXPECT_EQ(cross_load({.capacity = 1000, .own = 300, .growth = nan, .queued = false}), bound(0.7F))
      << "not asked";
}

TEST(CrossLoadOf, ABoundSaysOnlyWhatItExcludes) {
  EXPECT_EQ(completed(measured(0.4F), 0.9F), 0.4F);
  EXPECT_EQ(completed(bound(0.4F), 0.9F), 0.4F);
  EXPECT_EQ(completed(bound(0.4F), 0.1F), 0.1F);
  EXPECT_FLOAT_EQ(error_of(0.9F, bound(0.4F)), 0.5F);
  EXPECT_EQ(error_of(0.1F, bound(0.4F)), 0);
  EXPECT_FLOAT_EQ(error_of(0.1F, measured(0.4F)), 0.3F);
  EXPECT_EQ(error_of(1, unknown), 0);
}

/// Our own load is told a bin late, so that its changes look like somebody's.
float leaked(float now, float before) { return 0.3F + 0.5F * (now - before); }

TEST(OwnLoad, WhatGoesWithItIsNotTheOthers) {
  OwnLoad own_load;
  float before = 0;
  float worst = 0;
  for (int bin = 0; bin < 40'000; ++bin) {
    const float own = square(bin, 100, 30, 0.1F, 0.6F);
    const CrossLoad cleaned = own_load.clean(measured(leaked(own, before)), own);
    before = own;
    if (bin > 20'000) worst = std::max(worst, std::abs(cleaned.load - 0.3F));
  }
  EXPECT_LT(worst, 0.03F) << "0.25 as measured";
}

TEST(OwnLoad, OthersThatChangeAtOtherTimesStay) {
  OwnLoad own_load;
  float worst = 0;
  for (int bin = 0; bin < 40'000; ++bin) {
    const float others = square(bin, 170, 60, 0.2F, 0.7F);
    const float own = square(bin, 100, 30, 0.1F, 0.6F);
    const CrossLoad cleaned = own_load.clean(measured(others), own);
    if (bin > 20'000) worst = std::max(worst, std::abs(cleaned.load - others));
  }
  EXPECT_LT(worst, 0.15F);
  EXPECT_EQ(own_load.clean(bound(0.4F), 0.6F), bound(0.4F));
}

}  // namespace
}  // namespace braidway::ctrl::model
