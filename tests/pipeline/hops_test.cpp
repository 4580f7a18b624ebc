// What hops write into stamped packets on their way, metered by the sink hop by hop.
#include <span>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>

#include "telemetry/transit.hpp"
#include "tests/pipeline/lab.hpp"
#include "tests/unit/dataplane/gateway_frames.hpp"

namespace braidway::tests {
namespace {

using dataplane::GatewaySettings;
using dataplane::HopSettings;
using dataplane::Stamping;
using telemetry::HistogramCounts;
using telemetry::HopMetadata;
using telemetry::HopMeter;
using telemetry::LogLinearHistogram;

constexpr std::size_t host = 0;
constexpr std::uint16_t load = telemetry::int_node_id | telemetry::int_hop_latency | telemetry::int_queue;

GatewaySettings sink_gateway(const HopSettings& hops) {
  GatewaySettings settings = wire_settings();
  settings.id = lb::GatewayId{1};
  settings.peers[0].id = lb::GatewayId{2};
  settings.peers[0].stamping = Stamping::int_md;
  settings.peers[0].hops = hops;
  settings.memory.flows = 1024;
  return settings;
}

/// The packet as it leaves the last of the hops, the first of which met it first.
Bytes passed(const Frame& frame, const telemetry::OrderWords& words, std::uint16_t instructions,
             const std::vector<HopMetadata>& hops) {
  constexpr std::size_t headroom = 128;
  Bytes packet = tagged(frame, words, {.bitmap = instructions, .mtu = 9000});
  for (const HopMetadata& hop : hops) {
    Bytes memory(headroom);
    memory.insert(memory.end(), packet.begin(), packet.end());
    const auto done = telemetry::push_hop({.memory = memory,
                                           .headroom = headroom,
                                           .frame_bytes = packet.size(),
                                           .l3_offset = static_cast<std::uint16_t>(frame.l3_offset()),
                                           .l4_offset = static_cast<std::uint16_t>(frame.udp_offset())},
                                          {.udp_port = telemetry::int_udp_port, .mtu = 9000}, hop);
    if (done.outcome != telemetry::TransitOutcome::pushed) throw std::logic_error("this hop wrote nothing");
    packet.assign(memory.begin() + static_cast<std::ptrdiff_t>(headroom - done.frame.front_moved),
                  memory.end());
  }
  return packet;
}

std::span<const HopMeter> hops_of(Lab& sink, std::uint8_t path) {
  const telemetry::PathMeters& meters = *sink.worker().lane().meters;
  return meters.hops(meters.index(0, lb::PathId{path}));
}

/// Within the width of a bucket; -1: there is none.
double most(const LogLinearHistogram& of) {
  const auto value = HistogramCounts(of).quantile(1);
  return value ? static_cast<double>(*value) : -1;
}

TEST(Hops, OfStampedPacketsTellTheirQueuesAndLatenciesByPathAndHop) {
  Lab sink(sink_gateway({.instructions = load}));
  const Frame frame = rc_frame(3, 0);
  const HopMetadata near_source{.node_id = 70, .hop_latency = 1'500, .queue = 0x0900'0000 + 20'000};
  const HopMetadata near_sink{.node_id = 71, .hop_latency = 300, .queue = 90'000};
  sink.send(2, passed(frame, numbered(0, 1), load, {near_source, near_sink}));
  sink.settle();
  EXPECT_EQ(sink.take(host), Frames{frame.bytes()});
  const auto hops = hops_of(sink, 1);
  EXPECT_EQ(hops[0].node_id(), 70U);
  EXPECT_NEAR(most(hops[0].queue()), 20'000, 20'000 / 32.0);
  EXPECT_NEAR(most(hops[0].latency()), 1'500, 1'500 / 32.0);
  EXPECT_EQ(hops[1].node_id(), 71U);
  EXPECT_NEAR(most(hops[1].queue()), 90'000, 90'000 / 32.0);
  EXPECT_NEAR(most(hops[1].latency()), 300, 300 / 32.0);
  EXPECT_EQ(hops[2].node_id(), telemetry::not_measured);
  EXPECT_EQ(hops_of(sink, 0)[0].node_id(), telemetry::not_measured) << "the other path";
}

TEST(Hops, AreMeteredAsFarAsStampsOrTracesAskThemForLoad) {
  const auto rule = [](Stamping stamping, const HopSettings& hops) {
    dataplane::RuleSettings settings;
    settings.treatment = {.stamping = stamping, .hops = hops};
    return settings;
  };
  struct Case {
    const char* what;
    HopSettings peer;
    std::vector<dataplane::RuleSettings> rules;
    std::size_t metered;
  };
  const std::vector<Case> cases{
      {"nothing is asked", {}, {}, 0},
      {"times alone are asked", {.instructions = telemetry::int_ingress_time}, {}, 0},
      {"the node", {.instructions = telemetry::int_node_id, .hops = 3}, {}, 3},
      {"the latency", {.instructions = telemetry::int_hop_latency, .hops = 1}, {}, 1},
      {"the queue", {.instructions = telemetry::int_queue, .hops = 8}, {}, 8},
      {"more hops than are metered",
       {.instructions = telemetry::int_queue, .hops = 255},
       {},
       telemetry::max_metered_hops},
      {"by a rule", {}, {rule(Stamping::int_md, {.instructions = load, .hops = 5})}, 5},
      {"by a rule, more than by the peer",
       {.instructions = load, .hops = 2},
       {rule(Stamping::int_md, {.instructions = load, .hops = 4})},
       4},
      {"by a rule that stamps nothing", {}, {rule(Stamping::none, {.instructions = load})}, 0}};
  for (const Case& each : cases) {
    GatewaySettings settings = sink_gateway(each.peer);
    settings.peers[0].rules = each.rules;
    Lab sink(settings);
    EXPECT_EQ(hops_of(sink, 0).size(), each.metered) << each.what;
  }
}

TEST(Hops, TellHowBusyThePathIsBesideTheirLoad) {
  constexpr std::uint16_t instructions =
      load | telemetry::int_ingress_time | telemetry::int_egress_utilisation;
  Lab sink(sink_gateway({.instructions = instructions}));
  const Frame frame = rc_frame(3, 0);
  sink.send(1, passed(frame, numbered(0, 0), instructions,
                      {{.node_id = 70, .ingress_time = 5, .egress_utilisation = 83},
                       {.node_id = 71},
                       {.node_id = 72, .egress_utilisation = 12}}));
  sink.settle();
  EXPECT_EQ(sink.take(host), Frames{frame.bytes()});
  telemetry::PathMeters& meters = *sink.worker().lane().meters;
  const auto told = meters.at(meters.index(0, lb::PathId{0})).take_utilisation();
  ASSERT_TRUE(told);
  EXPECT_EQ(told->value, 83U);
  EXPECT_EQ(hops_of(sink, 0)[2].node_id(), 72U);
}

}  // namespace
}  // namespace braidway::tests
