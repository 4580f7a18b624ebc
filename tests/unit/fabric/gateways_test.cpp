// Braidway's gateways in the simulator: what hosts see of them, and what they learn.
#include <algorithm>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "bench/fabric/schemes/braidway.hpp"
#include "bench/fabric/schemes/registry.hpp"
#include "tests/unit/fabric/lab.hpp"

namespace braidway::bench::fabric {
namespace {

constexpr Nanoseconds millisecond = 1'000'000;

SchemeFactory scheme(std::string_view name) { return find_scheme(name)->make; }

/// Every host of the first leaf sends to its counterpart of the second.
std::vector<Flow> across(NodeIndex hosts, std::uint32_t bytes) {
  std::vector<Flow> flows;
  flows.reserve(hosts);
  for (NodeIndex host = 0; host < hosts; ++host) flows.push_back(flow(host, hosts + host, bytes));
  return flows;
}

std::uint64_t uplink_bytes(Fabric& fabric, NodeIndex leaf, NodeIndex spine) {
  for (PortIndex port = 0; port < fabric.topology().port_count(); ++port) {
    if (fabric.port(port).node == leaf && fabric.port(port).peer_node == spine)
      return fabric.port(port).sent_bytes;
  }
  return 0;
}

/// Of the first leaf of four hosts, two leaves and four spines: uplinks that carried more than so many bytes.
unsigned uplinks_used(Fabric& fabric, std::uint64_t bytes) {
  unsigned used = 0;
  for (NodeIndex spine = 10; spine < 14; ++spine) used += uplink_bytes(fabric, 8, spine) > bytes ? 1 : 0;
  return used;
}

TEST(Gateways, SprayAFlowOverAllUplinksInEqualPartsAndTheHostSeesItInOrder) {
  Lab lab{leaf_spine(4, 2, 4), {flow(0, 4, 4'000'000)}, {}, scheme("auto")};
  Fabric& fabric = lab.run();
  EXPECT_EQ(fabric.counters().out_of_order, 0U);
  for (NodeIndex spine = 10; spine < 14; ++spine) {
    EXPECT_NEAR(static_cast<double>(uplink_bytes(fabric, 8, spine)), 4'192'000.0 / 4, 40'000) << spine;
  }
}

TEST(Gateways, KeepAShortMessageOnOnePath) {
  Lab lab{leaf_spine(4, 2, 4), {flow(0, 4, 3'000)}, {}, scheme("auto")};
  EXPECT_EQ(uplinks_used(lab.run(), 2'000), 1U);
}

TEST(Gateways, PinnedKeepsEveryFlowOnOnePath) {
  Lab lab{leaf_spine(4, 2, 4), {flow(0, 4, 1'000'000)}, {}, scheme("pinned")};
  EXPECT_EQ(uplinks_used(lab.run(), 10'000), 1U);
}

TEST(Gateways, UsePathsByTheirRatesFromTheFirstPacketOn) {
  Topology topology = leaf_spine(4, 2, 4);
  for (Link& link : topology.links) {
    if (link.b == 10) link.rate = 25 * gigabit;
  }
  // More than the fast uplinks carry, or the slow one would be left alone.
  Lab lab{topology, across(4, 2'000'000), {}, scheme("spray")};
  Fabric& fabric = lab.run();
  const auto slow = static_cast<double>(uplink_bytes(fabric, 8, 10));
  const auto fast = static_cast<double>(uplink_bytes(fabric, 8, 11));
  EXPECT_LT(slow, 0.35 * fast);
  EXPECT_GT(slow, 0.05 * fast);
}

TEST(Gateways, RestoreOrderWhereLanesAreTensOfMicrosecondsApart) {
  Config config;
  config.gateways.lanes = 16;
  config.gateways.lane_jitter = 20'000;
  std::vector<Flow> flows;
  flows.reserve(16);
  for (NodeIndex host = 0; host < 16; ++host) flows.push_back(flow(host % 8, 8 + host % 7, 500'000));
  Lab lab{leaf_spine(8, 2, 4), flows, config, scheme("auto")};
  EXPECT_EQ(lab.run().counters().out_of_order, 0U);
}

TEST(Gateways, AtTheEdgeSpreadAFlowByTunnelsOfTheirOwnInOrder) {
  Lab lab{leaf_spine(4, 2, 4), {flow(0, 4, 4'000'000)}, {}, scheme("auto-edge")};
  Fabric& fabric = lab.run();
  EXPECT_EQ(fabric.counters().out_of_order, 0U);
  EXPECT_GE(uplinks_used(fabric, 200'000), 3U);
}

TEST(Gateways, HoldNothingForEverWhenPacketsAreLost) {
  Topology topology = leaf_spine(4, 2, 4);
  for (Link& link : topology.links) {
    if (link.b >= 10) link.error_rate = 0.01;
  }
  for (const auto* name : {"auto", "spray", "reroute", "idle-move", "auto-edge"}) {
    Lab lab{topology, across(4, 1'000'000), {}, scheme(name)};
    EXPECT_EQ(lab.run().rnics().completed().size(), 4U) << name;
  }
}

std::span<const lb::PolicyEvent> policy_events(Fabric& fabric, std::uint32_t leaf) {
  return dynamic_cast<const Braidway&>(fabric.scheme()).policy_events(leaf);
}

TEST(Gateways, PinAPeerWhoseHostsSendNaksAndTryAgain) {
  Topology topology = leaf_spine(4, 2, 4);
  for (Link& link : topology.links) {
    if (link.a >= 4 && link.a < 8) link.error_rate = 0.002;  // of the receivers: no path is to blame
  }
  Lab lab{topology, across(4, 100'000'000), {}, scheme("auto")};
  const auto events = policy_events(lab.run(), 0);
  ASSERT_FALSE(events.empty());
  EXPECT_EQ(events[0].from, lb::Policy::automatic);
  EXPECT_EQ(events[0].to, lb::Policy::pinned);
  EXPECT_EQ(events[0].cause, lb::PolicyCause::harm);
  EXPECT_LT(lb::value(events[0].at), 30 * millisecond);
}

TEST(Gateways, StepDownWhenHalfOfThePathsAreOut) {
  Config config;
  for (NodeIndex spine = 10; spine < 12; ++spine) {
    config.network_events.push_back(
        {.at = millisecond, .kind = NetworkEvent::Kind::down, .a = 8, .b = spine});
  }
  Lab lab{leaf_spine(4, 2, 4), across(4, 200'000'000), config, scheme("spray")};
  const auto events = policy_events(lab.run(), 0);
  ASSERT_GE(events.size(), 3U);
  EXPECT_EQ(events[0].cause, lb::PolicyCause::paths_out);
  EXPECT_EQ(events[0].to, lb::Policy::reroute);
  EXPECT_NEAR(static_cast<double>(lb::value(events[0].at)), 11.3e6, 0.5e6);
  EXPECT_EQ(events[2].to, lb::Policy::pinned);
}

TEST(Gateways, ThatForeseeABurstPutNothingWhereItWillBe) {
  Config config;
  // From spine 10 down to the second leaf, from 100 us on.
  config.network_events = {parse_network_event("100us periodic 10-9 0.9 5ms 4ms 0us")};
  for (const std::string_view policy : {"idle-move", "auto"}) {
    const auto carried = [&](const std::string& name) {
      Lab lab{leaf_spine(4, 2, 4), across(3, 50'000), config, scheme(name)};
      return uplink_bytes(lab.run(), 8, 10);
    };
    EXPECT_GT(carried(std::string{policy}), 20'000U) << "nothing tells it yet";
    EXPECT_LT(carried(std::string{policy} + "+oracle"), 10'000U);
  }
}

TEST(Gateways, WhoseForecastsKnowNothingYetDoAsThoseWithoutButForProbes) {
  Config config;
  config.network_events = {parse_network_event("100us periodic 10-9 0.9 5ms 2ms 0us")};
  for (const std::string policy : {"idle-move", "auto"}) {
    const auto completed = [&](const std::string& name) {
      Lab lab{leaf_spine(4, 2, 4), across(4, 20'000'000), config, scheme(name)};
      const Fabric& fabric = lab.run();
      std::vector<Nanoseconds> times;
      for (FlowIndex i = 0; i < 4; ++i) times.push_back(fabric.rnics().completed_at(i));
      return times;
    };
    const auto foreseeing = completed(policy + "+forecast");
    const auto plain = completed(policy);
    for (std::size_t i = 0; i < plain.size(); ++i) {
      EXPECT_NEAR(static_cast<double>(foreseeing[i]) / static_cast<double>(plain[i]), 1, 0.1) << policy;
    }
  }
}

TEST(Gateways, SeeWhatOthersPutOnAPathThatStandsNowhere) {
  Config config;
  // Half of one path. Ours for 1 ms, then probes alone.
  config.network_events = {parse_network_event("0us background 10-9 0.5")};
  const std::vector<Flow> flows{flow(0, 4, 10'000'000), flow(1, 5, 10'000'000), flow(2, 6, 1'000, 5'500'000)};
  Lab lab{leaf_spine(4, 2, 4), flows, config, scheme("auto+forecast")};
  std::ostringstream out;
  dynamic_cast<const Braidway&>(lab.run().scheme()).write_foresight(out);
  std::istringstream lines{out.str()};
  Nanoseconds at = 0;
  int peer = 0;
  int path = 0;
  float truth = 0;
  float seen = 0;
  float forecast = 0;
  float weight = 0;
  int told = 0;
  while (lines >> at >> peer >> path >> truth >> seen >> forecast >> weight) {
    EXPECT_EQ(peer, 1);
    if (seen < 0 || at < 2 * millisecond) continue;
    EXPECT_NEAR(seen, path == 0 ? 0.5F : 0.0F, 0.06F) << at << " path " << path;
    ++told;
  }
  EXPECT_GT(told, 12) << "of 4 paths and at least 6 ticks";
}

TEST(Gateways, TakeAcksOffADeadPathThatNoDataTake) {
  Config config;
  config.network_events.push_back({.at = millisecond, .kind = NetworkEvent::Kind::down, .a = 17, .b = 18});
  Lab lab{leaf_spine(8, 2, 4), across(8, 10'000'000), config, scheme("auto")};
  Fabric& fabric = lab.run();
  for (FlowIndex i = 0; i < 8; ++i) EXPECT_LT(fabric.rnics().longest_stall(i), 6 * millisecond) << i;
}

TEST(Gateways, OfTheSameSeedDoTheSame) {
  const auto completions = [] {
    Config config;
    config.gateways.lane_jitter = 5'000;
    Lab lab{leaf_spine(4, 2, 4), across(4, 1'000'000), config, scheme("auto")};
    std::vector<Nanoseconds> at;
    at.reserve(4);
    Fabric& fabric = lab.run();
    for (FlowIndex i = 0; i < 4; ++i) at.push_back(fabric.rnics().completed_at(i));
    return at;
  };
  EXPECT_EQ(completions(), completions());
}

TEST(Gateways, KeepLessInOrderWindowsThanAPathsSkewTakes) {
  Lab lab{leaf_spine(8, 2, 4), across(8, 2 * 1'000'000), {}, scheme("auto")};
  Fabric& fabric = lab.run();
  EXPECT_GT(fabric.scheme().order_peak_bytes(), 0U);
  EXPECT_LT(fabric.scheme().order_peak_bytes(), 2'500'000U);
  EXPECT_LT(lab.completion(0), 2 * millisecond);
}

}  // namespace
}  // namespace braidway::bench::fabric
