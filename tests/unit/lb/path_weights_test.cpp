#include "lb/path_weights.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace braidway::lb {
namespace {

constexpr PathWeights::Parameters parameters{};

/// One message in which path i was heard with delay delays[i].
void tell(PathWeights& weights, const std::vector<float>& delays) {
  std::vector<PathDelay> heard;
  heard.reserve(delays.size());
  heard.reserve(delays.size());
  for (std::size_t i = 0; i < delays.size(); ++i) {
    heard.push_back({.path = static_cast<PathId>(i), .mean_ns = delays[i], .max_ns = delays[i]});
  }
  weights.update(heard);
}

TEST(PathWeights, DelayThatAllPathsShareMovesNothing) {
  PathWeights weights(std::vector<float>{1, 0.5F, 0.25F});
  for (const float delay : {0.0F, 1e3F, 1e6F, 5e4F}) {
    tell(weights, {delay, delay, delay});
    EXPECT_EQ(weights.weights()[0], 1.0F);
    EXPECT_EQ(weights.weights()[1], 0.5F);
    EXPECT_EQ(weights.weights()[2], 0.25F);
    EXPECT_EQ(weights.shares()[2], 0.25F);
    EXPECT_EQ(weights.relative_delay_ns(PathId{0}), 0.0F);
  }
}

TEST(PathWeights, APathThatFlowsLeftIsTriedAgainOnceItsQueueHasDrained) {
  PathWeights weights(std::vector<float>(4, 1.0F), {.stale = 10});
  tell(weights, {90'000, 0, 0, 0});
  ASSERT_TRUE(weights.outlying(PathId{0}));
  const auto others = [&] {
    const std::vector<PathDelay> heard{{.path = PathId{1}}, {.path = PathId{2}}};
    weights.update(heard);
  };
  for (int i = 0; i < 9; ++i) others();
  EXPECT_TRUE(weights.outlying(PathId{0})) << "it may stand yet";
  others();
  EXPECT_FALSE(weights.outlying(PathId{0}));
  const float weight = weights.weights()[0];
  EXPECT_EQ(weights.shares()[0], weight);
  EXPECT_LT(weight, 0.9F) << "what it was is not forgotten";
  for (int i = 0; i < 300; ++i) others();
  EXPECT_GT(weights.shares()[0], 0.5F + weight / 2) << "but recovers";
}

TEST(PathWeights, RestWhileTheReceiverIsCongestedAndAWhileAfter) {
  PathWeights weights(std::vector<float>(4, 1.0F));
  tell(weights, {500'000, 101'000, 300'000, 0});
  for (unsigned i = 0; i < parameters.rest; ++i) {
    for (const float share : weights.shares()) ASSERT_EQ(share, 1.0F);
    EXPECT_EQ(weights.relative_delay_ns(PathId{0}), 0.0F);
    EXPECT_FALSE(weights.outlying(PathId{0}));
    if (i + 1 < parameters.rest) tell(weights, {90'000, 0, 0, 0});
  }
  tell(weights, {90'000, 0, 0, 0});
  EXPECT_LE(weights.shares()[0], parameters.trickle) << "it is late by itself";
}

TEST(PathWeights, APathThatIsNotHeardForLongIsTriedAgain) {
  PathWeights weights(std::vector<float>(4, 1.0F), {.forgotten = 50});
  for (int i = 0; i < 20; ++i) tell(weights, {0, 0, 0, 90'000});
  EXPECT_LE(weights.shares()[3], parameters.trickle);
  for (int i = 0; i < 49; ++i) tell(weights, {0, 0, 0});
  EXPECT_LE(weights.shares()[3], parameters.trickle);
  weights.update({});
  EXPECT_EQ(weights.shares()[3], 1.0F);
  EXPECT_EQ(weights.relative_delay_ns(PathId{3}), 0.0F);
  tell(weights, {0, 0, 0, 90'000});
  EXPECT_LE(weights.shares()[3], parameters.trickle) << "it is as slow as it was";
  for (int i = 0; i < 49; ++i) tell(weights, {0, 0, 0});
  EXPECT_LE(weights.shares()[3], parameters.trickle) << "counted from when it was last heard";
}

TEST(PathWeights, HalfOfThePathsBeingLateIsTheirs) {
  PathWeights weights(std::vector<float>(4, 1.0F));
  tell(weights, {500'000, 500'000, 0, 0});
  EXPECT_LE(weights.shares()[0], parameters.trickle);
}

TEST(PathWeights, DifferencesOfAFairSplitMoveNothing) {
  PathWeights weights(std::vector<float>(4, 1.0F));
  for (int i = 0; i < 1'000; ++i) {
    tell(weights, {20'000, 22'000, 19'000, i % 2 == 0 ? 18'000.0F : 23'000.0F});
    for (const float weight : weights.weights()) ASSERT_EQ(weight, 1.0F);
  }
}

TEST(PathWeights, AnOutlierIsCutToATrickleAtOnceAndReturns) {
  PathWeights weights(std::vector<float>(4, 1.0F));
  tell(weights, {100'000, 1'000, 1'000, 1'000});
  EXPECT_LE(weights.shares()[0], parameters.trickle);
  EXPECT_GT(weights.relative_delay_ns(PathId{0}), 90'000);
  EXPECT_TRUE(weights.outlying(PathId{0}));
  EXPECT_FALSE(weights.outlying(PathId{1}));
  for (int i = 0; i < 10; ++i) tell(weights, {100'000, 1'000, 1'000, 1'000});
  EXPECT_LT(weights.weights()[0], 0.5F);
  EXPECT_GE(weights.weights()[1], 1.0F) << "the others take over";
  tell(weights, {1'000, 1'000, 1'000, 1'000});
  EXPECT_GE(weights.shares()[0], parameters.floor) << "no queue, no trickle";
  for (int i = 0; i < 1'000; ++i) tell(weights, {1'000, 1'000, 1'000, 1'000});
  EXPECT_GT(weights.weights()[0], 0.9F) << "within 100 ms";
}

TEST(PathWeights, AMessageMovesAWeightNoFurtherThanItsSteepest) {
  PathWeights weights(std::vector<float>(2, 1.0F));
  tell(weights, {1e9F, 0});
  EXPECT_GE(weights.weights()[0], parameters.steepest_cut);
  EXPECT_LE(weights.weights()[1], parameters.steepest_raise);
}

TEST(PathWeights, AQueueThatFillsCountsBeforeItsMeanDoes) {
  PathWeights weights(std::vector<float>(2, 1.0F));
  weights.update(std::vector<PathDelay>{{.path = PathId{0}, .mean_ns = 1'000, .max_ns = 30'000},
                                        {.path = PathId{1}, .mean_ns = 1'000, .max_ns = 1'000}});
  EXPECT_NEAR(weights.relative_delay_ns(PathId{0}), 15'500 - 1'000 - 1'200, 1);
}

TEST(PathWeights, APathAloneIsComparedWithNothing) {
  PathWeights weights(std::vector<float>(3, 1.0F));
  for (int i = 0; i < 100; ++i) tell(weights, {1e6F});
  EXPECT_EQ(weights.weights()[0], 1.0F);
  EXPECT_EQ(weights.shares()[0], 1.0F);
}

TEST(PathWeights, WhoIsNotHeardIsNotMoved) {
  PathWeights weights(std::vector<float>(3, 1.0F));
  for (int i = 0; i < 100; ++i) tell(weights, {1e6F, 0});
  EXPECT_EQ(weights.weights()[2], 1.0F);
}

TEST(PathWeights, APathConfiguredAwayStaysAway) {
  PathWeights weights(std::vector<float>{1, 1, 0});
  for (int i = 0; i < 100; ++i) tell(weights, {50'000, 40'000, 0});
  EXPECT_EQ(weights.shares()[2], 0.0F);
}

TEST(PathWeights, ABiasTellsAtOnceAndMovesNoWeight) {
  PathWeights weights(std::vector<float>{1, 1, 0.5F});
  weights.set_biases(std::vector<float>{0.25F, 1, 2});
  EXPECT_EQ(weights.shares()[0], 0.25F);
  EXPECT_EQ(weights.shares()[1], 1.0F);
  EXPECT_EQ(weights.shares()[2], 1.0F);
  for (int i = 0; i < 100; ++i) tell(weights, {1'000, 1'000, 1'000});
  EXPECT_EQ(weights.weights()[0], 1.0F);
  EXPECT_EQ(weights.reactive_shares()[0], 1.0F);
  EXPECT_EQ(weights.shares()[0], 0.25F) << "messages do not wear it off";
  weights.set_biases(std::vector<float>(3, 1.0F));
  EXPECT_EQ(weights.shares()[0], 1.0F);
}

TEST(PathWeights, ABiasLeavesATrickleAndAddsNoneToWhatHasLess) {
  PathWeights weights(std::vector<float>{1, 1, 0});
  weights.set_biases(std::vector<float>{0, 1, 2});
  EXPECT_EQ(weights.shares()[0], parameters.trickle);
  EXPECT_EQ(weights.shares()[2], 0.0F) << "configured away";
  for (int i = 0; i < 100; ++i) tell(weights, {100'000, 0});
  EXPECT_LT(weights.shares()[0], parameters.trickle);
  EXPECT_EQ(weights.shares()[0], weights.reactive_shares()[0]);
}

RC_GTEST_PROP(PathWeightsProperty, StayWithinTheirBoundsWhateverIsSaid, ()) {
  const auto configured = *rc::gen::container<std::vector<float>>(
      5, rc::gen::map(rc::gen::inRange(1, 1'000), [](int n) { return static_cast<float>(n) / 100; }));
  PathWeights weights(configured);
  const auto messages = *rc::gen::container<std::vector<std::vector<float>>>(
      rc::gen::container<std::vector<float>>(5, rc::gen::map(rc::gen::inRange(0, 1'300), [](int n) {
                                               return std::pow(10.0F, static_cast<float>(n) / 100);
                                             })));
  for (const auto& delays : messages) {
    tell(weights, delays);
    for (std::size_t i = 0; i < configured.size(); ++i) {
      const float weight = weights.weights()[i];
      RC_ASSERT(weight >= 0.999F * parameters.floor * configured[i]);
      RC_ASSERT(weight <= 1.001F * parameters.ceiling * configured[i]);
      RC_ASSERT(weights.shares()[i] <= weight);
      RC_ASSERT(weights.shares()[i] >= 0.999F * parameters.trickle * weight);
    }
  }
}

}  // namespace
}  // namespace braidway::lb
