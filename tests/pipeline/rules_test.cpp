// Rules by class and destination, and what stamps ask of hops: seen in the frames that leave.
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "telemetry/strip.hpp"
#include "tests/pipeline/lab.hpp"

namespace braidway::tests {
namespace {

using dataplane::GatewaySettings;
using dataplane::TrafficClass;

constexpr std::size_t host = 0;
constexpr std::uint64_t ticks_per_ms = 1'000'000;  // a tick is a nanosecond
constexpr std::uint32_t pinned_net = 0x0a070000;   // 10.7.0.0/16
constexpr std::uint32_t plain_net = 0x0a080000;
constexpr std::uint16_t instructions = telemetry::int_node_id | telemetry::int_level1_interfaces |
                                       telemetry::int_hop_latency | telemetry::int_ingress_time;

dataplane::RuleSettings rule(TrafficClass of, std::uint32_t net, dataplane::Treatment treatment) {
  return {.flows = {.kinds = dataplane::kind_of(of), .destination = {lb::ipv4(net), 96 + 16}},
          .treatment = treatment};
}

GatewaySettings gateway() {
  GatewaySettings settings = wire_settings(4);
  settings.id = lb::GatewayId{9};
  settings.peers[0].id = lb::GatewayId{1};
  settings.peers[0].policy = lb::Policy::spray;
  settings.peers[0].stamping = dataplane::Stamping::int_md;
  settings.memory.flows = 1024;
  for (std::size_t port = 1; port < settings.ports.size(); ++port) settings.ports[port].mtu = 1528;
  return settings;
}

Bytes to(std::uint32_t destination, std::uint32_t psn, std::size_t payload = 8) {
  return Frame()
      .ipv4(Frame::host_a, destination)
      .udp()
      .bth(telemetry::Opcode::rc_write_middle, 7, psn)
      .payload(payload)
      .icrc()
      .bytes();
}

struct Seen {
  std::set<std::size_t> ports;
  std::vector<Bytes> stamped;
  std::size_t plain = 0;
};

/// Sends frames a microsecond apart, and looks at what leaves.
Seen pass(Lab& lab, const Frames& frames, std::uint64_t gap = 1'000) {
  static std::uint64_t now = 1'000'000;
  Seen seen;
  for (const Bytes& frame : frames) {
    now += gap;
    lab.send(host, frame);
    lab.settle(now);
    for (std::size_t port = 1; port < lab.settings().ports.size(); ++port) {
      for (Bytes& left : lab.take(port)) {
        seen.ports.insert(port);
        if (left == frame) {
          ++seen.plain;
        } else {
          seen.stamped.push_back(std::move(left));
        }
      }
    }
  }
  return seen;
}

Frames many(std::uint32_t destination, std::size_t payload = 8) {
  Frames frames;
  for (std::uint32_t psn = 0; psn < 60; ++psn) frames.push_back(to(destination, psn, payload));
  return frames;
}

telemetry::Tagged examined(Bytes& frame) {
  telemetry::Tagged tag;
  EXPECT_EQ(
      telemetry::examine(
          {.memory = frame, .headroom = 0, .frame_bytes = frame.size(), .l3_offset = 14, .l4_offset = 34},
          telemetry::int_udp_port, tag),
      telemetry::IntFault::none);
  return tag;
}

TEST(Rules, DestinationsHaveAPolicyOfTheirOwn) {
  GatewaySettings settings = gateway();
  settings.peers[0].rules = {
      rule(TrafficClass::rdma, pinned_net,
           {.policy = lb::Policy::pinned, .stamping = dataplane::Stamping::int_md, .hops = {}}),
      rule(TrafficClass::rdma, plain_net,
           {.policy = lb::Policy::spray, .stamping = dataplane::Stamping::none, .hops = {}})};
  Lab lab(settings, ticks_per_ms);
  const Seen sprayed = pass(lab, many(0x0a090001));
  EXPECT_EQ(sprayed.ports.size(), 4U);
  EXPECT_EQ(sprayed.stamped.size(), 60U);
  const Seen pinned = pass(lab, many(pinned_net + 1));
  EXPECT_EQ(pinned.ports.size(), 1U);
  EXPECT_EQ(pinned.plain, 60U);
  // Without stamps it is idle-move: one path while it goes on, others after silences.
  const Seen moving = pass(lab, many(plain_net + 1));
  EXPECT_EQ(moving.ports.size(), 1U);
  EXPECT_EQ(moving.plain, 60U);
  EXPECT_GT(pass(lab, many(plain_net + 1), 300'000).ports.size(), 1U);
}

TEST(Rules, OtherTrafficMayMoveWhenItWasSilentAndIsNeverStamped) {
  GatewaySettings settings = gateway();
  settings.peers[0].rules = {
      rule(TrafficClass::other, pinned_net, {.policy = lb::Policy::idle_move, .stamping = {}, .hops = {}})};
  Lab lab(settings, ticks_per_ms);
  const Frames moving(60, Frame().ipv4(Frame::host_a, pinned_net + 1).tcp(1, 2).payload(20).bytes());
  const Frames elsewhere(60, Frame().ipv4(Frame::host_a, plain_net).tcp(1, 2).payload(20).bytes());
  EXPECT_EQ(pass(lab, moving).ports.size(), 1U);
  const Seen silent = pass(lab, moving, 300'000);
  EXPECT_GT(silent.ports.size(), 1U);
  EXPECT_EQ(silent.plain, 60U);
  EXPECT_EQ(pass(lab, elsewhere, 300'000).ports.size(), 1U);
}

/// An IPv6 packet to a host of a net, and whether it left behind a trace.
bool leaves_traced(Lab& lab, std::uint64_t net, std::uint64_t at) {
  Bytes sent = Frame().ipv6(1, 2).udp().bth(telemetry::Opcode::rc_send_only, 7, 1).payload(8).icrc().bytes();
  constexpr std::size_t destination = 14 + 24;
  for (std::size_t i = 0; i < 8; ++i) sent[destination + i] = static_cast<std::byte>(net >> (56 - 8 * i));
  lab.send(host, sent);
  lab.settle(at);
  for (std::size_t port = 1; port < lab.settings().ports.size(); ++port) {
    for (const Bytes& left : lab.take(port)) {
      constexpr std::size_t next_header = 14 + 6;
      constexpr std::byte hop_by_hop{0};
      if (left.size() > sent.size() && left[next_header] == hop_by_hop) return true;
      EXPECT_EQ(left, sent);
      return false;
    }
  }
  ADD_FAILURE() << "nothing left";
  return false;
}

TEST(Rules, DestinationsAreTracedOrNotWhateverTheRestIs) {
  constexpr std::uint64_t traced_net = 0xfd07'0000'0000'0000;
  constexpr std::uint64_t plain_v6_net = 0xfd08'0000'0000'0000;
  const auto for_net = [](std::uint64_t net, bool traced) {
    return dataplane::RuleSettings{
        .flows = {.kinds = dataplane::kind_of(TrafficClass::rdma), .destination = {lb::ipv6(net, 0), 16}},
        .treatment = {.policy = lb::Policy::pinned, .stamping = {}, .hops = {}, .traced = traced}};
  };
  GatewaySettings settings = gateway();
  settings.peers[0].trace = dataplane::TraceSettings{.source = {.high = 0xfd00'0000'0000'0000, .low = 7},
                                                     .destination = {.high = 0xfd00'0000'0000'0000, .low = 9},
                                                     .type = telemetry::ioam_node_id};
  settings.peers[0].rules = {for_net(traced_net, true), for_net(plain_v6_net, false)};
  for (const dataplane::Stamping stamping : {dataplane::Stamping::none, dataplane::Stamping::int_md}) {
    settings.peers[0].stamping = stamping;
    settings.peers[0].policy = lb::Policy::pinned;
    Lab lab(settings, ticks_per_ms);
    EXPECT_TRUE(leaves_traced(lab, traced_net, 1'000'000));
    EXPECT_FALSE(leaves_traced(lab, plain_v6_net, 2'000'000));
    // Others are if they are not stamped.
    EXPECT_EQ(leaves_traced(lab, 0xfd09'0000'0000'0000, 3'000'000), stamping == dataplane::Stamping::none);
  }
}

TEST(Rules, StampsAskForWhatTheConfigurationSaysAndTellOfUsAsTheFirstHop) {
  GatewaySettings settings = gateway();
  settings.peers[0].hops = {.instructions = instructions, .hops = 5, .own = true};
  settings.peers[0].rules = {rule(TrafficClass::rdma, plain_net,
                                  {.policy = lb::Policy::spray,
                                   .stamping = dataplane::Stamping::int_md,
                                   .hops = {.instructions = telemetry::int_queue, .hops = 3}})};
  Lab lab(settings, ticks_per_ms);
  Seen seen = pass(lab, many(0x0a090001));
  ASSERT_EQ(seen.stamped.size(), 60U);
  std::set<std::uint16_t> egresses;
  for (Bytes& frame : seen.stamped) {
    const telemetry::Tagged tag = examined(frame);
    EXPECT_EQ(tag.header.bitmap(), instructions);
    EXPECT_EQ(tag.header.remaining_hops(), 4U);
    ASSERT_EQ(tag.stack.hops(), 1U);
    const telemetry::HopMetadata hop = tag.stack.hop(0);
    EXPECT_EQ(hop.node_id, 9U);
    EXPECT_EQ(hop.level1_ingress, host);
    EXPECT_EQ(hop.level1_egress, lb::value(tag.words.tag.path()) + 1);
    EXPECT_EQ(hop.hop_latency, telemetry::HopMetadata::unknown<std::uint32_t>);
    EXPECT_EQ(static_cast<std::uint32_t>(hop.ingress_time), tag.words.departure);
    egresses.insert(hop.level1_egress);
  }
  EXPECT_EQ(egresses.size(), 4U);
  for (Bytes& frame : pass(lab, many(plain_net + 1)).stamped) {
    const telemetry::Tagged tag = examined(frame);
    EXPECT_EQ(tag.header.bitmap(), telemetry::int_queue);
    EXPECT_EQ(tag.header.remaining_hops(), 3U);
    EXPECT_EQ(tag.stack.hops(), 0U);
  }
}

TEST(Rules, OurOwnHopIsLeftOutOfAPacketThatHasNoRoomForIt) {
  GatewaySettings settings = gateway();
  settings.peers[0].hops = {.instructions = instructions, .hops = 5, .own = true};
  Lab lab(settings, ticks_per_ms);
  // 1,500 bytes of IP: the order words fit the path's MTU, the hop does not.
  Seen seen = pass(lab, many(0x0a090001, 1'500 - 20 - 8 - 12 - 4));
  ASSERT_EQ(seen.stamped.size(), 60U);
  for (Bytes& frame : seen.stamped) {
    const telemetry::Tagged tag = examined(frame);
    EXPECT_EQ(tag.stack.hops(), 0U);
    EXPECT_TRUE(tag.header.mtu_exceeded());
  }
}

}  // namespace
}  // namespace braidway::tests
