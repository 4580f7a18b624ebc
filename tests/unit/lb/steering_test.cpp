// What each policy does with packets and paths.
#include "lb/steering.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/lb/lane_under_test.hpp"

namespace braidway::lb {
namespace {

constexpr std::int64_t us = 1'000;
constexpr std::int64_t ms = 1'000'000;
constexpr std::array all_policies{Policy::pinned, Policy::idle_move, Policy::reroute, Policy::spray,
                                  Policy::automatic};

TEST(Steering, PinnedPacketsTakeThePathOfTheirFlowsHashAndCostNoFlowMemory) {
  LaneUnderTest lane(6, Policy::pinned);
  lane.waits.assign(6, 1e6F);
  for (std::uint32_t flow = 0; flow < 500; ++flow) {
    const Decision decision = lane.send(flow);
    EXPECT_EQ(decision.path, lane.pinned(flow));
    EXPECT_FALSE(decision.numbered);
  }
  EXPECT_EQ(lane.steering.flows().size(), 0U);
}

TEST(Steering, PacketsWithoutOrderArePinnedAndNeverNumbered) {
  for (const Policy policy : all_policies) {
    LaneUnderTest lane(6, policy);
    for (std::uint32_t flow = 0; flow < 200; ++flow) {
      const Decision decision = lane.send(flow, Policy::pinned);
      EXPECT_EQ(decision.path, lane.pinned(flow));
      EXPECT_FALSE(decision.numbered);
    }
    EXPECT_EQ(lane.steering.flows().size(), 0U);
    EXPECT_EQ(lane.steering.counters().unnumbered, 0U);
  }
}

TEST(Steering, IdleMoveLeavesAPathOnlyAfterSilence) {
  LaneUnderTest lane(4, Policy::idle_move);
  const PathId first = lane.send(1).path;
  lane.waits[value(first)] = 50'000;
  for (int i = 0; i < 100; ++i) {
    lane.now += 190 * us;
    const Decision decision = lane.send(1);
    ASSERT_EQ(decision.path, first);
    ASSERT_FALSE(decision.numbered);
  }
  lane.now += 210 * us;
  EXPECT_NE(lane.send(1).path, first);
  EXPECT_EQ(lane.steering.counters().moved, 1U);
}

TEST(Steering, RerouteLeavesAnOutlyingPathAndThenStays) {
  LaneUnderTest lane(4, Policy::reroute);
  const PathId first = lane.send(1).path;
  lane.waits[value(first)] = 50'000;
  EXPECT_EQ(paths_taken(lane.send_many(1, 600)), 1U) << "what waits here moves nothing";
  lane.set_delay(value(first), 19'000);
  EXPECT_EQ(lane.send(1).path, first);
  lane.set_delay(value(first), 21'000);
  const PathId second = lane.send(1).path;
  EXPECT_NE(second, first);
  lane.set_delay(value(second), 1e6F);
  EXPECT_EQ(paths_taken(lane.send_many(1, 490)), 1U) << "not again so soon";
  lane.waits[value(second)] = 50'000;
  lane.now += 50 * us;
  EXPECT_NE(lane.send(1).path, second);
  EXPECT_EQ(lane.steering.counters().moved, 2U);
}

TEST(Steering, SprayGivesEachPacketAPathOfItsOwn) {
  LaneUnderTest lane(8, Policy::spray);
  EXPECT_EQ(paths_taken(lane.send_many(1, 8)), 8U);
  EXPECT_EQ(lane.steering.counters().moved, 0U) << "that is no move";
}

TEST(Steering, AutomaticKeepsTheFirstBytesOnOnePathAndSpraysTheRest) {
  LaneUnderTest lane(8, Policy::automatic, {.flows = 10, .first_bytes = 16'000});
  EXPECT_EQ(paths_taken(lane.send_many(1, 16)), 1U);
  EXPECT_EQ(paths_taken(lane.send_many(1, 200)), 8U);
  lane.now += 501 * ms;
  EXPECT_EQ(paths_taken(lane.send_many(1, 16)), 1U) << "the first ones of an epoch";
  EXPECT_EQ(paths_taken(lane.send_many(1, 200)), 8U);
}

TEST(Steering, APeerThatDoesNotRestoreOrderGetsAtMostIdleMove) {
  for (const Policy policy : all_policies) {
    LaneUnderTest lane(8, policy);
    lane.steering.set_restores_order(0, false);
    const auto decisions = lane.send_many(1, 100);
    EXPECT_EQ(paths_taken(decisions), 1U);
    EXPECT_TRUE(std::ranges::none_of(decisions, &Decision::numbered));
    lane.set_delay(value(decisions[0].path), 1e6F);
    lane.now += 190 * us;
    EXPECT_EQ(lane.send(1).path, decisions[0].path);
    lane.waits[value(decisions[0].path)] = 50'000;
    lane.now += 210 * us;
    EXPECT_EQ(lane.send(1).path != decisions[0].path, policy != Policy::pinned);
  }
}

TEST(Steering, APathThatTheFeedbackTakesOutIsLeftAtOnceByEverything) {
  for (const Policy policy : all_policies) {
    LaneUnderTest lane(8, policy);
    for (std::uint32_t flow = 0; flow < 100; ++flow) lane.send_many(flow, 20);
    lane.set_share(3, 0);
    for (std::uint32_t flow = 0; flow < 100; ++flow) {
      for (const auto limit : {Policy::automatic, Policy::pinned}) {
        for (const Decision& decision : lane.send_many(flow, 20, limit)) ASSERT_NE(decision.path, PathId{3});
      }
    }
    lane.set_share(3, 1);
    lane.now += 1 * ms;
    std::vector<Decision> all;
    for (std::uint32_t flow = 200; flow < 300; ++flow) all.push_back(lane.send(flow));
    EXPECT_EQ(paths_taken(all), 8U) << "it comes back";
  }
}

TEST(Steering, APathThatDiesInTheTableIsLeftWithTheNextBurst) {
  for (const Policy policy : all_policies) {
    LaneUnderTest lane(8, policy);
    for (std::uint32_t flow = 0; flow < 100; ++flow) lane.send_many(flow, 20);
    lane.table = lane.table.with_liveness(0, PathId{5}, false);
    for (std::uint32_t flow = 0; flow < 100; ++flow) {
      for (const Decision& decision : lane.send_many(flow, 20)) ASSERT_NE(decision.path, PathId{5});
    }
  }
}

TEST(Steering, WhenTheFeedbackTakesAllPathsOutTheLiveOnesShare) {
  LaneUnderTest lane(4, Policy::spray);
  lane.table = lane.table.with_liveness(0, PathId{2}, false);
  for (std::size_t path = 0; path < 4; ++path) lane.set_share(path, 0);
  const auto decisions = lane.send_many(1, 99);
  EXPECT_EQ(paths_taken(decisions), 3U);
  EXPECT_TRUE(std::ranges::none_of(decisions, [](const Decision& d) { return d.path == PathId{2}; }));
}

TEST(Steering, OfManyPathsAFlowIsSprayedOverTheSixteenOfItsSet) {
  LaneUnderTest lane(100, Policy::spray);
  std::vector<Decision> all;
  for (std::uint32_t flow = 0; flow < 500; ++flow) {
    const SpraySet& set = lane.steering.spray_set(0, lane.hash(flow));
    ASSERT_EQ(set.count, 16U);
    // More than fill the turns of the paths that flows before it used less.
    const auto decisions = lane.send_many(flow, 400);
    EXPECT_EQ(paths_taken(decisions), 16U);
    for (const Decision& decision : decisions) {
      ASSERT_NE(std::ranges::find(set.paths, decision.path), set.paths.end());
      all.push_back(decision);
    }
  }
  EXPECT_EQ(paths_taken(all), 100U);
}

TEST(Steering, AFlowWhoseWholeSetIsOutTakesOneOtherPath) {
  LaneUnderTest lane(40, Policy::spray);
  const SpraySet set = lane.steering.spray_set(0, lane.hash(7));
  lane.send_many(7, 20);
  for (const PathId path : set.paths) lane.set_share(value(path), 0);
  const auto decisions = lane.send_many(7, 300);
  EXPECT_EQ(paths_taken(decisions), 1U);
  EXPECT_EQ(std::ranges::find(set.paths, decisions[0].path), set.paths.end());
  EXPECT_EQ(decisions[0].sequence, 20U);
  // What is on the other path must not be overtaken by all of the set when the set is back.
  for (const PathId path : set.paths) lane.set_share(value(path), 1);
  EXPECT_EQ(paths_taken(lane.send_many(7, 190)), 1U);
  lane.now += 20 * us;
  EXPECT_EQ(paths_taken(lane.send_many(7, 400)), 16U);
}

TEST(Steering, ShadowModeCountsWhatItWouldDoAndPins) {
  LaneUnderTest lane(8, Policy::automatic);
  lane.steering.set_shadow(0, true);
  std::uint64_t sent = 0;
  for (std::uint32_t flow = 0; flow < 20; ++flow) {
    for (const Decision& decision : lane.send_many(flow, 100)) {
      ASSERT_EQ(decision.path, lane.pinned(flow));
      ASSERT_FALSE(decision.numbered);
      ++sent;
    }
  }
  EXPECT_EQ(lane.steering.counters().shadowed, sent);
  const double elsewhere =
      static_cast<double>(lane.steering.counters().elsewhere) / static_cast<double>(sent);
  EXPECT_NEAR(elsewhere, 7.0 / 8, 0.05);
  lane.send_many(3, 20);
  lane.steering.set_shadow(0, false);
  const auto decisions = lane.send_many(3, 20);
  EXPECT_EQ(decisions[0].path, lane.pinned(3));
  EXPECT_EQ(decisions[0].sequence, 0U);
  EXPECT_TRUE(decisions[0].numbered);
  EXPECT_EQ(paths_taken(decisions), 8U);
  EXPECT_EQ(lane.steering.counters().shadowed, sent + 20);
}

TEST(Steering, AShadowOfPinnedWouldDoNothingElse) {
  LaneUnderTest lane(8, Policy::spray);
  lane.send(1);
  lane.steering.set_policy(0, Policy::pinned);
  lane.steering.set_shadow(0, true);
  lane.send_many(1, 50);
  EXPECT_EQ(lane.steering.counters().shadowed, 50U);
  EXPECT_EQ(lane.steering.counters().elsewhere, 0U);
}

TEST(Steering, ALimitKeepsAFlowFromWhatItsPeerDoesOtherwise) {
  LaneUnderTest lane(8, Policy::automatic);
  const auto kept = lane.send_many(1, 300, Policy::idle_move);
  EXPECT_EQ(paths_taken(kept), 1U);
  EXPECT_TRUE(std::ranges::none_of(kept, &Decision::numbered));
  const auto sprayed = lane.send_many(2, 300, Policy::spray);
  EXPECT_GT(paths_taken({sprayed.begin(), sprayed.begin() + 4}), 1U) << "from its first packet on";
  EXPECT_TRUE(std::ranges::all_of(sprayed, &Decision::numbered));
  EXPECT_EQ(paths_taken(lane.send_many(3, 300, Policy::pinned)), 1U);
  // The peer's own policy is a limit of what any flow may do.
  lane.steering.set_policy(0, Policy::idle_move);
  EXPECT_EQ(paths_taken(lane.send_many(4, 300, Policy::automatic)), 1U);
}

TEST(Steering, AFlowWithALimitMayLeaveItsPathWhenItWasSilent) {
  LaneUnderTest lane(8, Policy::spray);
  std::vector<Decision> decisions;
  for (int i = 0; i < 40; ++i) {
    decisions.push_back(lane.send(1, Policy::idle_move));
    lane.now += 300'000;
  }
  EXPECT_GT(paths_taken(decisions), 1U);
  EXPECT_TRUE(std::ranges::none_of(decisions, &Decision::numbered));
}

TEST(Steering, ABurstIsDecidedAsItsPacketsOneByOne) {
  const std::vector<std::size_t> paths{8, 5, 40, 13};
  std::vector<std::vector<PathRecord>> records;
  records.reserve(paths.size());
  for (const std::size_t count : paths) records.emplace_back(count, PathRecord{.live = true, .weight = 1});
  const PathTable table = PathTable::initial(records, lane_seed);
  // Powers of two, so that all sums are exact.
  const Steering::Parameters parameters{.flows = 40, .spray = {.rate = 8}};
  Steering whole(paths, parameters);
  Steering single(paths, parameters);
  for (Steering* steering : {&whole, &single}) {
    for (std::uint16_t peer = 0; peer < 4; ++peer) steering->set_restores_order(peer, true);
    steering->set_policy(1, Policy::pinned);
  }
  const std::array waits{0.0F};
  for (std::uint64_t round = 0; round < 300; ++round) {
    const std::size_t count = 1 + detail::scramble(round) % 200;
    std::vector<std::uint64_t> hashes;
    std::vector<FlowKey> keys;
    std::vector<std::uint32_t> bytes;
    std::vector<Policy> limits;
    std::vector<std::uint16_t> peers;
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t random = detail::scramble(round * 1'000 + i);
      // Every other burst is what most are: packets of a few flows to one peer.
      const bool plain = round % 2 == 0;
      const auto flow =
          static_cast<std::uint32_t>(plain ? 4 * (random % 5) + round % 4 * 3 / 2 : random % 80);
      keys.push_back(lane_flow(flow));
      hashes.push_back(hash(keys.back(), lane_seed));
      bytes.push_back(static_cast<std::uint32_t>(8 * (8 + (random >> 16) % 128)));
      limits.push_back(plain ? Policy::automatic : static_cast<Policy>(flow % 5));
      peers.push_back(static_cast<std::uint16_t>(flow % 4));
    }
    const Nanoseconds now{static_cast<std::int64_t>(round) * 10 * us};
    std::vector<Decision> decisions(count);
    whole.decide({.hashes = hashes, .keys = keys, .bytes = bytes, .limits = limits, .peers = peers}, table,
                 waits, now, decisions);
    for (std::size_t i = 0; i < count; ++i) {
      Decision alone;
      single.decide({.hashes = {&hashes[i], 1},
                     .keys = {&keys[i], 1},
                     .bytes = {&bytes[i], 1},
                     .limits = {&limits[i], 1},
                     .peers = {&peers[i], 1}},
                    table, waits, now, {&alone, 1});
      ASSERT_EQ(decisions[i], alone) << "round " << round << " packet " << i;
    }
  }
  EXPECT_GT(whole.counters().unnumbered, 0U);
}

}  // namespace
}  // namespace braidway::lb
