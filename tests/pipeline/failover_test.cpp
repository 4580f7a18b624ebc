// Two gateways that tell each other of their paths: what a path's death, slowness and loss, and a gateway's,
// do to the packets between them. In virtual time; the figures are printed.
#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/pipeline/gateway_pair.hpp"

namespace braidway::tests {
namespace {

using lb::PathState;

constexpr std::int64_t us = GatewayPair::us;
constexpr std::int64_t ms = GatewayPair::ms;
constexpr int cuts = 20;

PathState state(Lab& lab, std::size_t path) { return lab.link().paths[path].state; }

std::string median_and_worst(std::vector<std::int64_t> values) {
  std::ranges::sort(values);
  return std::to_string(values[values.size() / 2] / us) + " us, at worst " +
         std::to_string(values.back() / us) + " us";
}

TEST(Messages, GatewaysLearnThatThePeerRestoresOrderAndThenSpray) {
  GatewayPair pair(4);
  EXPECT_FALSE(pair.near().link().restores_order);
  pair.run(us * 50, 4);
  EXPECT_EQ(pair.stamped, 0U) << "the peer has not said that it restores order";
  pair.run(5 * ms, 4);
  EXPECT_TRUE(pair.near().link().restores_order);
  EXPECT_TRUE(pair.far().link().restores_order);
  EXPECT_GT(pair.stamped, 1'000U);
  for (const std::int64_t at : pair.data_at) EXPECT_GT(at, pair.now() - 1 * ms) << "a path lies idle";
  pair.run(1 * ms);
  EXPECT_EQ(pair.received, pair.sent);
  EXPECT_EQ(pair.near().drops(), DropCounts{});
  EXPECT_EQ(pair.far().drops(), DropCounts{});
}

TEST(Messages, SeveralWorkersShareTheirCounts) {
  GatewayPair pair(4, 3);
  pair.run(20 * ms, 6);
  EXPECT_TRUE(pair.near().link().restores_order);
  EXPECT_GT(pair.stamped, 5'000U);
  for (std::size_t path = 0; path < 4; ++path) {
    EXPECT_EQ(state(pair.near(), path), PathState::live);
    EXPECT_EQ(pair.near().link().paths[path].lost.get(), 0U);
  }
  EXPECT_EQ(pair.far().drops(), DropCounts{});
}

TEST(Failover, UnderTrafficAPathThatDiesIsLeftWithin400Microseconds) {
  std::vector<std::int64_t> took;
  std::vector<std::uint64_t> lost;
  for (int i = 0; i < cuts; ++i) {
    GatewayPair pair(4);
    pair.run(5 * ms + i * 37 * us, 4);
    const std::size_t dies = static_cast<std::size_t>(i) % 4;
    const std::int64_t at = pair.now();
    pair.cut[dies] = true;
    pair.run(5 * ms, 4);
    took.push_back(pair.data_at[dies] - at);
    lost.push_back(pair.lost);
    EXPECT_EQ(state(pair.near(), dies), PathState::dead);
    EXPECT_TRUE(pair.far().link().paths[dies].from_dead);
    pair.cut[dies] = false;
    pair.run(20 * ms, 4);
    EXPECT_EQ(state(pair.near(), dies), PathState::live) << "and comes back";
    EXPECT_GT(pair.data_at[dies], pair.now() - 1 * ms);
    pair.run(2 * ms);
    EXPECT_EQ(pair.received + pair.lost, pair.sent);
    EXPECT_EQ(pair.backwards, 0U);
  }
  std::ranges::sort(lost);
  std::cout << "last packet onto the dead path after " << median_and_worst(took) << "; lost "
            << lost[cuts / 2] << " packets, at worst " << lost.back() << "\n";
  EXPECT_LE(std::ranges::max(took), 400 * us);
}

TEST(Failover, ASilentPathThatDiesIsKnownDeadAfterThreeHeartbeatsAreMissed) {
  std::vector<std::int64_t> took;
  for (int i = 0; i < cuts; ++i) {
    GatewayPair pair(4);
    pair.run(10 * ms + i * 57 * us);
    const std::size_t dies = static_cast<std::size_t>(i) % 4;
    const std::int64_t at = pair.now();
    pair.cut[dies] = true;
    while (state(pair.near(), dies) != PathState::dead && pair.now() < at + 20 * ms)
      pair.run(GatewayPair::turn);
    took.push_back(pair.now() - at);
    pair.run(10 * us, 64);
    EXPECT_EQ(pair.lost, 0U) << "nothing takes it any more";
  }
  std::cout << "known dead after " << median_and_worst(took) << "\n";
  EXPECT_LE(std::ranges::max(took), 3'500 * us);
}

TEST(Failover, APathThatIsMuchLongerThanTheOthersIsLeft) {
  GatewayPair pair(4);
  pair.delay[3] = 500 * us;
  pair.run(50 * ms, 4);
  EXPECT_NE(state(pair.near(), 3), PathState::live);
  EXPECT_LT(pair.data_at[3], pair.now() - 1 * ms);
  for (std::size_t path = 0; path < 3; ++path) EXPECT_EQ(state(pair.near(), path), PathState::live);
}

TEST(Restart, UnderTrafficIsSeenByThePeerAndStampingResumes) {
  for (const std::size_t end : {0U, 1U}) {
    GatewayPair pair(4);
    pair.run(10 * ms, 4);
    const std::uint64_t stamped = pair.stamped;
    const std::uint64_t missing = pair.sent - pair.received;
    pair.restart(end);
    Lab& other = end == 0 ? pair.far() : pair.near();
    pair.run(20 * ms, 4);
    EXPECT_EQ(other.link().boots, 1U);
    EXPECT_TRUE(pair.near().link().restores_order);
    EXPECT_GT(pair.stamped, stamped + 5'000);
    pair.run(5 * ms);
    EXPECT_EQ(pair.backwards, 0U);
    EXPECT_LE(pair.sent - pair.received, missing + 64) << "but for what the dead gateway had";
  }
}

}  // namespace
}  // namespace braidway::tests
