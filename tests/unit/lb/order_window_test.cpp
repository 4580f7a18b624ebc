// Which packet goes on when: sequence, watermarks, timer, paths, epochs.
#include "lb/order_window.hpp"

#include <algorithm>
#include <cstdint>

#include <gtest/gtest.h>

#include "tests/unit/lb/sink.hpp"

namespace braidway::lb {
namespace {

TEST(OrderWindow, HandsOnAtOnceWhatIsNext) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 0, .path = 0}), Numbers{0});
  EXPECT_EQ(sink.push({.sequence = 1, .path = 1}), Numbers{1});
  EXPECT_EQ(sink.window.counters().in_order, 2U);
}

TEST(OrderWindow, HoldsWhatIsAheadUntilTheMissingComes) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 1, .path = 1}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 3, .path = 1}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 0, .path = 0}), (Numbers{2, 0}));
  EXPECT_EQ(sink.push({.sequence = 2, .path = 0}), (Numbers{3, 1}));
  EXPECT_EQ(sink.window.held_packets(), 0U);
  EXPECT_EQ(sink.window.counters().late, 0U);
}

TEST(OrderWindow, GivesAGapUpOnceEveryPathHasDeliveredSomethingHigher) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 2, .path = 0}), Numbers{}) << "path 1 may still bring 0";
  EXPECT_EQ(sink.push({.sequence = 4, .path = 1}), (Numbers{0, 1}))
      << "it has passed 0; 3 may still come over path 0";
  EXPECT_EQ(sink.push({.sequence = 5, .path = 0}), (Numbers{2, 3}));
  EXPECT_EQ(sink.window.counters().gaps_by_watermark, 2U);
  EXPECT_EQ(sink.window.counters().gaps_by_timer, 0U);
}

TEST(OrderWindow, AGapOnTheOnlyPathIsALoss) {
  Sink sink;
  constexpr SpraySet one{.paths = {PathId{3}}, .count = 1};
  EXPECT_EQ(sink.push({.sequence = 0, .path = 3, .set = &one}), Numbers{0});
  EXPECT_EQ(sink.push({.sequence = 7, .path = 3, .set = &one}), Numbers{1});
}

TEST(OrderWindow, DoesNotWaitForADeadPath) {
  Sink sink;
  sink.window.path_down(gateway, PathId{1});
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0}), Numbers{0});
  sink.window.path_up(gateway, PathId{1});
  EXPECT_EQ(sink.push({.sequence = 3, .path = 0}), Numbers{});
  sink.window.path_down(gateway, PathId{1});
  EXPECT_EQ(sink.poll_after(0), Numbers{1});
  EXPECT_EQ(sink.window.counters().gaps_by_timer, 0U);
}

TEST(OrderWindow, APathThatDiesIsNewsToEveryFlowThatHolds) {
  Sink sink;
  for (std::uint32_t round = 0; round < 3; ++round) {
    sink.window.path_up(gateway, PathId{1});
    for (std::uint32_t flow = 0; flow < 3 + round; ++flow) {
      EXPECT_EQ(sink.push({.sequence = 1 + 2 * round, .path = 0, .flow = flow}), Numbers{});
    }
    sink.window.path_down(gateway, PathId{1});
    EXPECT_EQ(sink.poll_after(0).size(), 3 + round);
    EXPECT_EQ(sink.window.held_packets(), 0U);
  }
  EXPECT_EQ(sink.window.counters().gaps_by_timer, 0U);
}

TEST(OrderWindow, FlowsThatHoldNoLongerTakeNobodysTurn) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0, .flow = 1}), Numbers{});
  sink.window.path_down(gateway, PathId{5});
  EXPECT_EQ(sink.poll_after(0), Numbers{}) << "flow 1 has had its turn";
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0, .flow = 2}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0, .flow = 3}), Numbers{});
  for (std::uint32_t flow = 1; flow <= 3; ++flow) {
    EXPECT_EQ(sink.push({.sequence = 0, .path = 1, .flow = flow}).size(), 2U);
  }
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0, .flow = 4}), Numbers{});
  sink.window.path_down(gateway, PathId{1});
  EXPECT_EQ(sink.poll_after(0), Numbers{6});
}

TEST(OrderWindow, ManyFlowsAreLookedAtAFewAPoll) {
  Sink sink(OrderWindow::Parameters{.flows = 400, .packets = 400});
  for (std::uint32_t flow = 0; flow < 300; ++flow) {
    EXPECT_EQ(sink.push({.sequence = 1, .path = 0, .flow = flow}), Numbers{});
  }
  sink.window.path_down(gateway, PathId{1});
  for (std::size_t held = 300; held > 0; held -= std::min<std::size_t>(64, held)) {
    EXPECT_EQ(sink.window.held_packets(), held);
    EXPECT_EQ(sink.poll_after(0).size(), std::min<std::size_t>(64, held));
  }
}

TEST(OrderWindow, AFlowThatHoldsIsNotForgotten) {
  // Silence is told to 1,024 ns: it may seem to be that long before the time-out has passed.
  constexpr Nanoseconds longest{1'000'000'000};
  Sink sink(OrderWindow::Parameters{.flows = 8, .packets = 8, .timeout = longest, .forget = longest});
  sink.now = Nanoseconds{1'023};
  EXPECT_EQ(sink.push({.sequence = 1}), Numbers{});
  EXPECT_EQ(sink.poll_after(value(longest) - 1), Numbers{});
  EXPECT_EQ(sink.window.flows(), 1U);
  EXPECT_EQ(sink.poll_after(1), Numbers{0});
}

TEST(OrderWindow, WhatADeadPathBringsWhenItLivesAgainIsNoReordering) {
  Sink sink;
  sink.window.path_down(gateway, PathId{1});
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0}), Numbers{0});
  sink.window.path_up(gateway, PathId{1});
  EXPECT_EQ(sink.push({.sequence = 0, .path = 1}), Numbers{1}) << "late";
  EXPECT_EQ(sink.window.counters().late, 1U);
  EXPECT_EQ(sink.window.counters().fifo_violations, 0U);
}

TEST(OrderWindow, APathThatReordersProvesNothingAnyMore) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 5, .path = 1}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 3, .path = 1}), Numbers{});
  EXPECT_EQ(sink.window.fifo_violations(gateway, PathId{1}), 1U);
  EXPECT_EQ(sink.push({.sequence = 6, .path = 0}), Numbers{}) << "path 1 may still bring 0";
  EXPECT_EQ(sink.poll_after(150'000), (Numbers{1, 0, 2}));
  EXPECT_EQ(sink.window.counters().gaps_by_timer, 2U);

  sink.window.path_up(gateway, PathId{1});
  EXPECT_EQ(sink.push({.sequence = 8, .path = 0}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 9, .path = 1}), (Numbers{3, 4})) << "trusted again";
}

TEST(OrderWindow, WhatComesAfterItsPathHadPassedItIsAReordering) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 2, .path = 1}), (Numbers{0, 1}));
  EXPECT_EQ(sink.push({.sequence = 0, .path = 1}), Numbers{2});
  EXPECT_EQ(sink.window.counters().late, 1U);
  EXPECT_EQ(sink.window.fifo_violations(gateway, PathId{1}), 1U);
}

TEST(OrderWindow, TheTimerRunsFromThePacketThatShowsTheGap) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0}), Numbers{});
  EXPECT_EQ(sink.poll_after(100'000), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 3, .path = 0}), Numbers{});
  EXPECT_EQ(sink.poll_after(49'999), Numbers{});
  EXPECT_EQ(sink.poll_after(1), Numbers{0});
  EXPECT_EQ(sink.poll_after(99'999), Numbers{});
  EXPECT_EQ(sink.poll_after(1), Numbers{1});
  EXPECT_EQ(sink.window.counters().gaps_by_timer, 2U);
  EXPECT_EQ(sink.push({.sequence = 2, .path = 1}), Numbers{2}) << "late";
  EXPECT_EQ(sink.window.counters().fifo_violations, 0U) << "path 1 is slow, no more";
}

TEST(OrderWindow, NoPacketWaitsLongerForTwoGapsThanForOne) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 6, .path = 0}), Numbers{});
  EXPECT_EQ(sink.poll_after(10'000), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 3, .path = 1, .set = nullptr}), Numbers{});
  EXPECT_EQ(sink.poll_after(140'000), (Numbers{1, 0}));
}

TEST(OrderWindow, WithoutAnAnnouncedSetTheTimerDecides) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0, .set = nullptr}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 2, .path = 1, .set = nullptr}), Numbers{});
  EXPECT_EQ(sink.poll_after(150'000), (Numbers{0, 1}));
}

TEST(OrderWindow, AfterAChangeOfTheSetTheOldPathsAreWaitedForUntilNothingIsUnderWay) {
  Sink sink;
  constexpr SpraySet other{.paths = {PathId{1}, PathId{2}}, .count = 2};
  EXPECT_EQ(sink.push({.sequence = 1, .path = 1}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 2, .path = 2, .set = &other}), Numbers{}) << "path 0 may still bring 0";
  EXPECT_EQ(sink.push({.sequence = 4, .path = 2, .set = &other}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 0, .path = 0, .set = &other}), (Numbers{3, 0, 1}));
  EXPECT_EQ(sink.poll_after(149'000), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 6, .path = 1, .set = &other}), Numbers{}) << "path 0 may still bring 3";
  EXPECT_EQ(sink.poll_after(1'001), Numbers{2});
  EXPECT_EQ(sink.push({.sequence = 7, .path = 2, .set = &other}), (Numbers{4, 5}))
      << "path 0 does not count now";
}

TEST(OrderWindow, APathBesideTheSetIsWaitedForAsLongAsItMayStillBringSomething) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 1, .path = 2}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 3, .path = 0}), Numbers{});
  EXPECT_EQ(sink.poll_after(100'000), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 5, .path = 0}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 0, .path = 1}), (Numbers{3, 0}));
  EXPECT_EQ(sink.push({.sequence = 6, .path = 1}), Numbers{}) << "path 2 may still bring 2";
  EXPECT_EQ(sink.poll_after(50'000), Numbers{1});
  EXPECT_EQ(sink.poll_after(1), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 7, .path = 1}), (Numbers{2, 4, 5})) << "path 2 does not count now";
}

TEST(OrderWindow, MorePathsThanASetHoldsLeaveTheDecisionToTheTimer) {
  Sink sink;
  SpraySet most{.count = SpraySet::most};
  for (std::uint8_t i = 0; i < SpraySet::most; ++i) most.paths[i] = PathId{i};
  Numbers falling;
  for (std::uint32_t i = 0; i <= SpraySet::most; ++i) {
    const std::uint32_t path = SpraySet::most - i;
    EXPECT_EQ(sink.push({.sequence = 2 * path + 1, .path = path, .set = &most}), Numbers{}) << path;
    falling.insert(falling.begin(), static_cast<int>(i));
  }
  EXPECT_EQ(sink.poll_after(150'000), falling);
  EXPECT_EQ(sink.window.counters().gaps_by_watermark, 0U);
}

TEST(OrderWindow, RepeatsAreHandedOn) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 0, .path = 0}), Numbers{0});
  EXPECT_EQ(sink.push({.sequence = 0, .path = 0}), Numbers{1}) << "at once";
  EXPECT_EQ(sink.push({.sequence = 2, .path = 0}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 2, .path = 0}), Numbers{}) << "not before its place";
  EXPECT_EQ(sink.push({.sequence = 1, .path = 1}), (Numbers{4, 2, 3}));
  EXPECT_EQ(sink.window.counters().late, 1U);
  EXPECT_EQ(sink.window.counters().repeated, 1U);
  EXPECT_EQ(sink.window.counters().fifo_violations, 0U);
}

TEST(OrderWindow, ANewEpochBeginsAtZeroBehindWhatWasHeld) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 0, .epoch = 15}), Numbers{0});
  EXPECT_EQ(sink.push({.sequence = 4, .epoch = 15}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 2, .epoch = 15}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 0, .epoch = 0}), (Numbers{2, 1, 3}));
  EXPECT_EQ(sink.push({.sequence = 3, .epoch = 15}), Numbers{4}) << "of the old epoch: late";
  EXPECT_EQ(sink.push({.sequence = 1, .epoch = 0}), Numbers{5});
  EXPECT_EQ(sink.push({.sequence = 1, .epoch = 7}), Numbers{}) << "0 of epoch 7 is missing";
  EXPECT_EQ(sink.window.counters().epoch_changes, 2U);
  EXPECT_EQ(sink.window.counters().flushed, 2U);
  EXPECT_EQ(sink.window.counters().late, 1U);
}

TEST(OrderWindow, SequencesWrap) {
  Sink sink;
  constexpr std::uint32_t last = 0xffff'ffff;
  EXPECT_EQ(sink.push({.sequence = last - 1}), Numbers{0})
      << "nobody sends that many before the first one comes";
  EXPECT_EQ(sink.window.counters().joined, 1U);
  EXPECT_EQ(sink.push({.sequence = 0, .path = 1}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 1, .path = 1}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = last, .path = 0}), (Numbers{3, 1, 2}));
  EXPECT_EQ(sink.push({.sequence = last, .path = 0}), Numbers{4}) << "late";
}

TEST(OrderWindow, AFlowThatWasSilentForASecondBeginsAnew) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 0}), Numbers{0});
  EXPECT_EQ(sink.push({.sequence = 1}), Numbers{1});
  sink.now = Nanoseconds{value(sink.now) + 1'000'001'024};
  EXPECT_EQ(sink.push({.sequence = 0}), Numbers{2});
  EXPECT_EQ(sink.window.counters().restarts, 1U);
  EXPECT_EQ(sink.window.counters().late, 0U);
  EXPECT_EQ(sink.push({.sequence = 1}), Numbers{3});
}

TEST(OrderWindow, ForgetsSilentFlowsLittleByLittle) {
  Sink sink;
  for (std::uint32_t flow = 0; flow < 64; ++flow) EXPECT_EQ(sink.push({.flow = flow}).size(), 1U);
  EXPECT_EQ(sink.window.flows(), 64U);
  for (int i = 0; i < 250; ++i) EXPECT_EQ(sink.poll_after(10'000'000), Numbers{});
  EXPECT_EQ(sink.window.flows(), 0U);
}

}  // namespace
}  // namespace braidway::lb
