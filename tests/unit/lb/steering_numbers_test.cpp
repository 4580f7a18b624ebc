// How the packets of a flow are numbered, and that a change of what is done with them under way costs no
// order.
#include <array>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "lb/steering.hpp"
#include "tests/unit/lb/lane_under_test.hpp"

namespace braidway::lb {
namespace {

constexpr std::int64_t us = 1'000;
constexpr std::int64_t ms = 1'000'000;

TEST(SteeringNumbers, NumbersBeginAtZeroAndLeaveNoneOutInEveryFlow) {
  for (const Policy policy : {Policy::reroute, Policy::spray, Policy::automatic}) {
    LaneUnderTest lane(8, policy);
    for (std::uint32_t sequence = 0; sequence < 100; ++sequence) {
      for (std::uint32_t flow = 0; flow < 20; ++flow) {
        const Decision decision = lane.send(flow);
        ASSERT_TRUE(decision.numbered);
        ASSERT_EQ(decision.sequence, sequence);
        ASSERT_EQ(decision.epoch, 0U);
        lane.now += 1'000;
      }
    }
  }
}

TEST(SteeringNumbers, NumbersBeginAgainInTheNextEpochAfterHalfASecondOfSilence) {
  LaneUnderTest lane(4, Policy::spray);
  lane.send_many(1, 5);
  lane.now += 499 * ms;
  EXPECT_EQ(lane.send(1).sequence, 5U);
  for (unsigned epoch = 1; epoch < 40; ++epoch) {
    lane.now += 501 * ms;
    const auto decisions = lane.send_many(1, 3);
    for (std::uint32_t i = 0; i < 3; ++i) {
      EXPECT_EQ(decisions[i].epoch, epoch % 16);
      EXPECT_EQ(decisions[i].sequence, i);
    }
  }
  EXPECT_EQ(lane.steering.counters().epochs, 39U);
}

TEST(SteeringNumbers, AFlowThatFindsNoRoomIsPinnedAndCountedAndTheOthersGoOn) {
  LaneUnderTest lane(8, Policy::spray, {.flows = 10});
  for (std::uint32_t flow = 0; flow < 10; ++flow) lane.send(flow);
  for (std::uint32_t flow = 100; flow < 150; ++flow) {
    const Decision decision = lane.send(flow);
    EXPECT_EQ(decision.path, lane.pinned(flow));
    EXPECT_FALSE(decision.numbered);
  }
  EXPECT_EQ(lane.steering.counters().unnumbered, 50U);
  EXPECT_EQ(lane.send(3).sequence, 1U);
}

TEST(SteeringNumbers, AFlowThatFindsRoomUnderWayBeginsOnItsPinnedPath) {
  LaneUnderTest lane(8, Policy::spray, {.flows = 1});
  for (std::uint32_t flow = 100; flow < 200; ++flow) {
    lane.send(1);
    lane.now += 3'000 * ms;
    lane.send(flow);
    for (int i = 0; i < 10'000 && lane.steering.flows().size() > 0; ++i) {
      lane.steering.sweep(Nanoseconds{lane.now});
    }
    lane.now += 100 * us;
    const Decision decision = lane.send(flow);
    ASSERT_TRUE(decision.numbered);
    ASSERT_EQ(decision.path, lane.pinned(flow));
    lane.now += 3'000 * ms;
    for (int i = 0; i < 10'000 && lane.steering.flows().size() > 0; ++i) {
      lane.steering.sweep(Nanoseconds{lane.now});
    }
  }
}

TEST(SteeringNumbers, APeerWithoutLivePathsLeavesNothingBehind) {
  LaneUnderTest lane(2, Policy::spray);
  const PathTable alive = lane.table;
  lane.table = alive.with_liveness(0, PathId{0}, false).with_liveness(0, PathId{1}, false);
  lane.send_many(1, 100);
  lane.table = lane.table.with_liveness(0, PathId{0}, true).with_liveness(0, PathId{1}, true);
  const auto decisions = lane.send_many(1, 10);
  EXPECT_EQ(decisions[0].sequence, 0U) << "what was dropped has no numbers";
  EXPECT_EQ(paths_taken(decisions), 2U);
}

TEST(SteeringNumbers, NumberingBeginsUnderWayOnThePathOfThePacketsBefore) {
  LaneUnderTest lane(8, Policy::idle_move);
  const PathId before = lane.send_many(1, 30).back().path;
  lane.steering.set_policy(0, Policy::spray);
  const auto decisions = lane.send_many(1, 20);
  EXPECT_EQ(decisions[0].path, before);
  for (std::uint32_t i = 0; i < 20; ++i) {
    EXPECT_TRUE(decisions[i].numbered);
    EXPECT_EQ(decisions[i].epoch, 1U);
    EXPECT_EQ(decisions[i].sequence, i);
  }
  EXPECT_EQ(paths_taken(decisions), 8U);
}

TEST(SteeringNumbers, NumberingBeginsWithTheSinkThatBeginsToRestoreOrder) {
  LaneUnderTest lane(8, Policy::automatic);
  lane.steering.set_restores_order(0, false);
  const PathId before = lane.send_many(1, 100).back().path;
  lane.steering.set_restores_order(0, true);
  const auto decisions = lane.send_many(1, 20);
  EXPECT_EQ(decisions[0].path, before);
  EXPECT_EQ(decisions[0].sequence, 0U);
  EXPECT_TRUE(decisions[0].numbered);
  lane.steering.set_restores_order(0, false);
  EXPECT_FALSE(lane.send(1).numbered) << "nobody is there to take the numbers off";
}

TEST(SteeringNumbers, NumberingEndsWhenNothingIsUnderWay) {
  for (const Policy safe : {Policy::pinned, Policy::idle_move}) {
    LaneUnderTest lane(8, Policy::spray);
    lane.send_many(1, 100);
    lane.steering.set_policy(0, safe);
    const auto decisions = lane.send_many(1, 50);
    EXPECT_EQ(paths_taken(decisions), 1U);
    for (std::uint32_t i = 0; i < 50; ++i) {
      EXPECT_TRUE(decisions[i].numbered);
      EXPECT_EQ(decisions[i].sequence, 100 + i);
    }
    lane.now += 340 * us;
    EXPECT_TRUE(lane.send(1).numbered) << "the sink may still hold some";
    lane.now += 360 * us;
    EXPECT_FALSE(lane.send(1).numbered);
    lane.steering.set_policy(0, Policy::spray);
    const Decision again = lane.send(1);
    EXPECT_TRUE(again.numbered);
    EXPECT_EQ(again.sequence, 0U);
    EXPECT_EQ(again.epoch, 1U);
  }
}

TEST(SteeringNumbers, AFlowThatWasPinnedUntrackedBeginsOnItsPinnedPath) {
  LaneUnderTest lane(8, Policy::pinned);
  for (std::uint32_t flow = 0; flow < 50; ++flow) lane.send(flow);
  lane.steering.set_policy(0, Policy::spray);
  lane.now += 100 * us;
  for (std::uint32_t flow = 0; flow < 50; ++flow) {
    const Decision decision = lane.send(flow);
    EXPECT_EQ(decision.path, lane.pinned(flow));
    EXPECT_TRUE(decision.numbered);
  }
  lane.now += 110 * us;
  int moved = 0;
  for (std::uint32_t flow = 100; flow < 200; ++flow)
    moved += lane.send(flow).path != lane.pinned(flow) ? 1 : 0;
  EXPECT_GT(moved, 50) << "a flow that comes later is new";
}

TEST(SteeringNumbers, AFlowWhoseDestinationMovesBehindAnotherGatewayBeginsAnewThere) {
  const std::vector<std::vector<PathRecord>> records{
      std::vector<PathRecord>(100, {.live = true, .weight = 1}),
      std::vector<PathRecord>(2, {.live = true, .weight = 1})};
  const auto table = PathTable::initial(records, lane_seed);
  Steering steering(std::array<std::size_t, 2>{100, 2}, {.flows = 10});
  const std::array waits{0.0F};
  std::int64_t now = ms;
  steering.set_restores_order(0, true);
  steering.set_restores_order(1, true);
  for (std::uint8_t epoch = 0; epoch < 6; ++epoch) {
    const std::uint16_t peer = epoch % 2;
    for (std::uint32_t sequence = 0; sequence < 50; ++sequence) {
      const Decision decision = decide_packet(steering, table, waits, lane_flow(1), Policy::automatic, 1'000,
                                              peer, Nanoseconds{now += us});
      ASSERT_EQ(decision.sequence, sequence);
      ASSERT_EQ(decision.epoch, epoch);
      if (peer == 1) {
        ASSERT_LT(value(decision.path), 2U);
      }
    }
  }
}

}  // namespace
}  // namespace braidway::lb
