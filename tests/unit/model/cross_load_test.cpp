#include "ctrl/model/cross_load.hpp"

#include <array>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

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

TEST(CrossLoadOf, WhatHopsTellHasLeftIsOthersAndOursAndABoundWhereOursChanged) {
  EXPECT_EQ(cross_load({.capacity = 1000, .own = 300, .left_by = 800}), measured(0.5F));
  EXPECT_EQ(cross_load({.capacity = 1000, .own = 0, .left_by = 0}), measured(0)) << "free, though we left it";
  EXPECT_EQ(cross_load({.capacity = 1000, .own = 300, .own_change = 90, .left_by = 800}), measured(0.5F));
  EXPECT_EQ(cross_load({.capacity = 1000, .own = 300, .own_change = 200, .left_by = 800}), bound(0.7F));
  EXPECT_EQ(cross_load({.capacity = 1000, .own = 300, .own_change = 600, .left_by = 800}), bound(0.8F));
  EXPECT_EQ(cross_load({.capacity = 1000, .own = 900, .left_by = 800}), measured(0));
  EXPECT_EQ(cross_load({.capacity = 1000, .own = nan, .left_by = 800}), unknown);
  EXPECT_EQ(cross_load({.capacity = 1000, .own = 300, .left_by = nan}), bound(0.7F)) << "not told";
  EXPECT_EQ(cross_load({.capacity = 1000, .own = 300, .left_by = 1000, .growth = 100, .queued = true}),
            measured(0.8F))
      << "what came in is more than what left";
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

TEST(CrossLoadOf, WhatIsNoNumberIsUnknown) {
  const auto none = static_cast<float>(nan);
  for (const bool censored : {false, true}) {
    const CrossLoad sample{.load = none, .censored = censored};
    EXPECT_TRUE(sample.unknown());
    EXPECT_EQ(completed(sample, 0.4F), 0.4F);
    EXPECT_EQ(error_of(0.4F, sample), 0);
  }
}

TEST(CrossLoadOf, ATimeIsAsItsMeasuredBinsIfTheyAreHalfOfIt) {
  EXPECT_EQ(over(std::array{measured(0.5F), bound(0.9F), measured(0.75F), bound(1)}), measured(0.625F));
  EXPECT_EQ(over(std::array{measured(0.5F), bound(1), bound(1), bound(1)}), bound(0.875F));
  EXPECT_TRUE(over(std::array{bound(1), bound(1)}).unknown());
  EXPECT_EQ(over({}).censored, true);
}

}  // namespace
}  // namespace braidway::ctrl::model
