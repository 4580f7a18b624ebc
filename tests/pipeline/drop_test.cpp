// Every reason to drop is reached by what it is for, counted under its name, and under no other.
#include <algorithm>
#include <functional>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "dataplane/pipeline.hpp"
#include "tests/pipeline/lab.hpp"
#include "tests/unit/dataplane/gateway_frames.hpp"

namespace braidway::tests {
namespace {

using dataplane::GatewaySettings;
using dataplane::LinkLocal;

constexpr std::size_t host = 0;
constexpr std::size_t fabric = 1;
constexpr std::array<std::uint8_t, 6> bridge_group{0x01, 0x80, 0xc2, 0x00, 0x00, 0x00};

Frame lldp() { return Frame().type(0x88cc).payload(50); }
Frame lacp() { return Frame().type(0x8809).payload(110); }
Frame stp() { return Frame().to(bridge_group).type(0x0026).payload(46); }
Frame eapol() { return Frame().type(0x888e).payload(46); }
Frame pause() { return Frame().type(0x8808).payload(46); }

/// What is counted when this frame comes from that port; it must not come out anywhere.
DropCounts drops_of(const Bytes& frame, std::size_t port = host,
                    const GatewaySettings& settings = wire_settings()) {
  Lab lab(settings);
  lab.send(port, frame);
  lab.settle();
  for (std::size_t out = 0; out < settings.ports.size(); ++out) {
    EXPECT_EQ(lab.queued(out), 0U);
  }
  return lab.drops();
}
DropCounts drops_of(const Frame& frame, std::size_t port = host,
                    const GatewaySettings& settings = wire_settings()) {
  return drops_of(frame.bytes(), port, settings);
}

DropCounts drops_consuming(LinkLocal dataplane::LinkLocalSettings::* protocol, const Frame& frame) {
  GatewaySettings settings = wire_settings();
  settings.link_local.*protocol = LinkLocal::consume;
  EXPECT_EQ(drops_of(frame, host, settings), drops_of(frame, fabric, settings));
  return drops_of(frame, host, settings);
}

/// A burst that is handed to an owner whose ring has one place less than needed.
DropCounts drops_of_full_inbox() {
  Lab lab(wire_settings(1, 2, 2));
  auto wiring = lab.wiring(0);
  wiring.lane.table = lab.table().read();
  rte_ring* inbox = wiring.lane.inboxes[0][1];
  dataplane::Burst burst;
  dataplane::LaneCounters counters;
  // Stage by stage: a worker takes nothing in while an inbox has less room than a burst needs.
  const auto receive = [&] {
    dataplane::for_each_stage<dataplane::Source>([&]<typename Stage, std::size_t index>() {
      if constexpr (index == 0) {
        Stage::run(burst, wiring.rx_queues.front());
      } else if constexpr (dataplane::Dropping<Stage>) {
        Stage::run(burst, wiring.lane, dataplane::drops_of<Stage>(counters));
      } else {
        Stage::run(burst, wiring.lane);
      }
      burst.close_gaps();
    });
  };
  std::uint32_t qpn = 0;  // of a flow that the other worker owns
  while (rte_ring_empty(inbox) != 0) {
    lab.send(host, rc_frame(++qpn).bytes());
    receive();
  }
  const std::size_t own = lab.take_all(fabric).size();
  EXPECT_EQ(own, qpn - 1) << "packets of this worker's own flows";
  while (rte_ring_full(inbox) == 0) {
    lab.send(host, rc_frame(qpn).bytes());
    receive();
  }
  lab.send(host, rc_frame(qpn).bytes());
  receive();
  return drop_counts(counters);
}

DropCounts drops_of_stalled_port() {
  Lab lab(wire_settings(1));
  for (std::size_t i = 0; i < Lab::wire_room; ++i) {
    lab.send(host, rc_frame(1).bytes());
  }
  lab.settle();
  lab.send(host, rc_frame(1).bytes());
  lab.turn(0);
  lab.turn(Lab::patience + 1);
  return lab.drops();
}

DropCounts drops_of_chain(std::size_t bytes) {
  GatewaySettings settings = wire_settings(1);
  settings.ports[fabric].mtu = 9000;
  Lab lab(settings, Lab::patience, true);
  lab.send(host, Frame().payload(bytes - 14).bytes());
  lab.settle();
  return lab.drops();
}

/// A gateway whose peer, gateway 2, stamps.
GatewaySettings stamping_settings() {
  GatewaySettings settings = wire_settings(1);
  settings.peers[0].stamping = dataplane::Stamping::int_md;
  settings.memory.flows = 1024;
  settings.ports[fabric].mtu = 9000;
  return settings;
}

/// The same, and the peer's packets come in a tunnel.
GatewaySettings tunnel_settings() {
  GatewaySettings settings = stamping_settings();
  settings.peers[0].paths[0].tunnel = {
      .source = lb::ipv4(0xc0000201), .destination = lb::ipv4(0xc0000202), .source_port = 1};
  return settings;
}

/// Of a packet in a tunnel, one byte of which has become another on the way.
DropCounts drops_of_tunnel(std::size_t byte, std::uint8_t as) {
  Bytes frame = in_tunnel(rc_frame(1));
  frame.at(byte) = std::byte{as};
  Lab lab(tunnel_settings());
  lab.send(fabric, frame);
  lab.settle();
  return lab.drops();
}
// From the frame's beginning: Ethernet 14, IPv4 20, UDP 8, INT 28.
constexpr std::size_t outer_type_of_service = 14 + 1;
constexpr std::size_t inner_ip = 14 + 20 + 8 + 28;

/// As many messages in one turn as the lane that handles them has room for, and one more.
DropCounts drops_of_full_message_queue() {
  constexpr std::size_t ports = dataplane::message_ring_size / dataplane::burst_size;
  GatewaySettings settings = wire_settings(ports);
  settings.peers[0].messages.emplace();
  Lab lab(settings);
  for (std::size_t port = 1; port <= ports; ++port) {
    for (std::size_t i = 0; i < dataplane::burst_size; ++i) lab.send(port, probe(Frame().ipv4().udp(61792)));
  }
  lab.settle();
  return lab.drops();
}

/// A tagged frame whose shim has another byte at a place.
DropCounts drops_of_tag(std::size_t at, std::uint8_t value) {
  Bytes frame = tagged(rc_frame(1));
  frame.at(14 + 20 + 8 + at) = std::byte{value};
  return drops_of(frame, fabric, stamping_settings());
}

GatewaySettings tracing_settings() {
  GatewaySettings settings = wire_settings(1);
  settings.id = lb::GatewayId{1};
  settings.peers[0].trace = dataplane::TraceSettings{.source = {.high = 0xfd00'0000'0000'0000, .low = 7},
                                                     .destination = {.high = 0xfd00'0000'0000'0000, .low = 9},
                                                     .type = telemetry::ioam_node_id};
  return settings;
}

/// The bytes that a gateway of these settings sends for a packet with 5000 bytes of payload.
Bytes traced(GatewaySettings settings) {
  for (dataplane::PortSettings& port : settings.ports) port.mtu = 9000;
  Lab lab(settings);
  Frame frame = Frame().ipv6().udp().bth(0x04, 7).payload(5000).icrc();
  lab.send(host, frame.byte(frame.l3_offset() + 1, 0).bytes());  // not ECN-capable
  lab.settle();
  return lab.take(fabric).at(0);
}

/// What the peer sends, with another byte at a place from its IPv6 header on.
DropCounts drops_of_trace(std::size_t at, std::uint8_t value) {
  GatewaySettings peer = tracing_settings();
  std::swap(peer.peers[0].trace->source, peer.peers[0].trace->destination);
  Bytes frame = traced(peer);
  frame.at(14 + at) = std::byte{value};
  Lab lab(tracing_settings());
  lab.send(fabric, frame, 0, at == 0 ? 40 : 0);
  lab.settle();
  return lab.drops();
}

struct Reason {
  std::string name;
  std::function<DropCounts()> provoke;
};

Frame message(Frame frame) { return frame.udp().bth(0x04, 7).payload(32).icrc(); }

const std::vector<Reason>& reasons() {
  static const std::vector<Reason> all{
      {"truncated_vlan", [] { return drops_of(Frame().type(0x8100).payload(3)); }},
      {"truncated_ipv4", [] { return drops_of(Frame().type(0x0800).payload(19)); }},
      {"bad_ipv4_header", [] { return drops_of(message(Frame().ipv4()).byte(14, 0x35)); }},
      {"bad_ipv4_length", [] { return drops_of(message(Frame().ipv4()).ip_length(2000)); }},
      {"truncated_ipv6", [] { return drops_of(Frame().type(0x86dd).payload(39)); }},
      {"bad_ipv6_header", [] { return drops_of(message(Frame().ipv6()).byte(14, 0x40)); }},
      {"bad_ipv6_length", [] { return drops_of(message(Frame().ipv6()).ip_length(2000)); }},
      {"truncated_udp", [] { return drops_of(Frame().ipv4().protocol(17).payload(7)); }},
      {"bad_udp_length", [] { return drops_of(message(Frame().ipv4()).udp_length(7)); }},
      {"pause_frame", [] { return drops_of(pause()); }},
      {"lldp_consumed", [] { return drops_consuming(&dataplane::LinkLocalSettings::lldp, lldp()); }},
      {"lacp_consumed", [] { return drops_consuming(&dataplane::LinkLocalSettings::lacp, lacp()); }},
      {"stp_consumed", [] { return drops_consuming(&dataplane::LinkLocalSettings::stp, stp()); }},
      {"eapol_consumed", [] { return drops_consuming(&dataplane::LinkLocalSettings::eapol, eapol()); }},
      {"message_consumed", [] { return drops_of(probe(Frame().ipv6().udp(61792)), fabric); }},
      {"message_queue_full", drops_of_full_message_queue},
      {"message_from_host", [] { return drops_of(probe(Frame().ipv4().udp(61792))); }},
      {"tag_from_host", [] { return drops_of(tagged(rc_frame(1))); }},
      {"tag_unexpected", [] { return drops_of(tagged(rc_frame(1)), fabric); }},
      {"unknown_gateway",
       [] { return drops_of(tagged(rc_frame(1), numbered(0, 0, 3)), fabric, stamping_settings()); }},
      {"tag_for_tunnel", [] { return drops_of_tag(0, 0x18); }},
      {"tag_for_strand", [] { return drops_of(tagged(rc_frame(1)), fabric, tunnel_settings()); }},
      {"tunnel_malformed", [] { return drops_of_tunnel(inner_ip, 0x55); }},
      {"ce_on_not_ect",
       [] {
         Frame frame = rc_frame(1);
         frame.byte(frame.l3_offset() + 1, 0);  // not ECN-capable
         Bytes marked = in_tunnel(frame);
         marked.at(outer_type_of_service) |= std::byte{3};
         Lab lab(tunnel_settings());
         lab.send(fabric, marked);
         lab.settle();
         return lab.drops();
       }},
      {"int_discard", [] { return drops_of_tag(4, 0x28); }},
      {"tag_scattered",
       [] {
         Lab lab(stamping_settings());
         lab.send(fabric, tagged(Frame().ipv4().udp().bth(0x01, 7).payload(5000).icrc()), 0, 40);
         lab.settle();
         return lab.drops();
       }},
      {"trace_malformed", [] { return drops_of_trace(40 + 4 + 1, 9); }},
      {"trace_ce_on_not_ect", [] { return drops_of_trace(1, 0x30); }},
      {"trace_scattered", [] { return drops_of_trace(0, 0x60); }},
      {"trace_from_host", [] { return drops_of(traced(tracing_settings()), host, tracing_settings()); }},
      {"handoff_full", drops_of_full_inbox},
      {"tx_stalled", drops_of_stalled_port},
      {"mtu_exceeded", [] { return drops_of(Frame().payload(1500 + 8 + 1)); }},
      {"tx_not_flat", [] { return drops_of_chain(5000); }},
      {"truncated_ethernet",
       [] {
         Lab lab(wire_settings());
         const Bytes frame = rc_frame(1).bytes();
         lab.send(host, {frame.begin(), frame.begin() + 13});
         lab.settle();
         return lab.drops();
       }},
      {"no_live_path",
       [] {
         Lab lab(wire_settings(2));
         lab.set_path(1, false);
         lab.set_path(2, false);
         lab.send(host, rc_frame(1).bytes());
         lab.settle();
         return lab.drops();
       }},
      {"port_down",
       [] {
         Lab lab(wire_settings(1));
         lab.set_link(fabric, false);
         lab.send(host, rc_frame(1).bytes());
         lab.settle();
         return lab.drops();
       }},
  };
  return all;
}

class EveryDrop : public ::testing::TestWithParam<Reason> {};

TEST_P(EveryDrop, IsCountedUnderItsNameAndNoOther) {
  EXPECT_EQ(GetParam().provoke(), (DropCounts{{GetParam().name, 1}}));
}

INSTANTIATE_TEST_SUITE_P(Drops, EveryDrop, ::testing::ValuesIn(reasons()),
                         [](const auto& each) { return each.param.name; });

TEST(Drops, EveryReasonOfThePipelineIsProvoked) {
  std::set<std::string> provoked;
  for (const Reason& each : reasons()) provoked.insert(each.name);
  std::set<std::string> listed;
  for (const auto& each : dataplane::drop_names) listed.emplace(each.reason);
  EXPECT_EQ(provoked, listed);
}

TEST(Drops, AFrameOfAFabricPortIsRefusedForTheSameReasons) {
  EXPECT_EQ(drops_of(pause(), fabric), (DropCounts{{"pause_frame", 1}}));
  EXPECT_EQ(drops_of(message(Frame().ipv6()).ip_length(2000), fabric), (DropCounts{{"bad_ipv6_length", 1}}));
  EXPECT_EQ(drops_of(Frame().payload(1509), fabric), (DropCounts{{"mtu_exceeded", 1}}));
}

TEST(Drops, OtherTrafficToTheGatewaysPortsPassesBothWays) {
  Lab lab(wire_settings(1));
  for (const std::uint16_t port : {telemetry::int_udp_port, telemetry::message_udp_port}) {
    for (const std::size_t bytes : {0U, 20U, 60U, 1300U}) {
      const Bytes frame = Frame().ipv4().udp(port).payload(bytes, 1).bytes();
      lab.send(host, frame);
      lab.send(fabric, frame);
      lab.settle();
      EXPECT_EQ(lab.take(fabric), Frames{frame});
      EXPECT_EQ(lab.take(host), Frames{frame});
    }
  }
  EXPECT_EQ(lab.drops(), DropCounts{});
}

TEST(Drops, LinkLocalProtocolsPassBothWaysUnlessConsumed) {
  Lab lab(wire_settings());
  for (const Frame& frame : {lldp(), lacp(), stp(), eapol()}) {
    lab.send(host, frame.bytes());
    lab.send(fabric, frame.bytes());
    lab.settle();
    EXPECT_EQ(lab.take(fabric), Frames{frame.bytes()});
    EXPECT_EQ(lab.take(host), Frames{frame.bytes()});
  }
  EXPECT_EQ(lab.drops(), DropCounts{});
}

TEST(Drops, ConsumingOneProtocolLeavesTheOthers) {
  GatewaySettings settings = wire_settings();
  settings.link_local.lldp = LinkLocal::consume;
  Lab lab(settings);
  for (const Frame& frame : {lldp(), lacp(), stp(), eapol()}) {
    lab.send(host, frame.bytes());
  }
  lab.settle();
  EXPECT_EQ(lab.take(fabric), (Frames{lacp().bytes(), stp().bytes(), eapol().bytes()}));
  EXPECT_EQ(lab.drops(), (DropCounts{{"lldp_consumed", 1}}));
}

TEST(Drops, TheLongestFrameOfThePortsMtuPassesWithTwoTags) {
  Lab lab(wire_settings(1));
  const Bytes longest = Frame().vlan(1).vlan(2).payload(1500).bytes();
  lab.send(host, longest);
  lab.settle();
  EXPECT_EQ(lab.take(fabric), Frames{longest});
}

TEST(Drops, AChainThatFitsOneBufferPassesWhereTheDriverNeedsOne) {
  Lab lab(wire_settings(1), Lab::patience, true);
  const Bytes frame = rc_frame(1).payload(900).bytes();
  lab.send(host, frame, 0, 100);
  lab.settle();
  EXPECT_EQ(lab.take(fabric), Frames{frame});
  EXPECT_EQ(lab.drops(), DropCounts{});
}

TEST(Drops, DroppedPacketsLeaveTheOthersOfTheirBurstInOrder) {
  Lab lab(wire_settings(1));
  Frames good;
  DropCounts expected;
  for (std::uint32_t i = 0; i < 64; ++i) {
    if (i % 3 == 0) {
      lab.send(host, pause().bytes());
      ++expected["pause_frame"];
    } else if (i % 5 == 0) {
      lab.send(host, message(Frame().ipv4()).udp_length(3).bytes());
      ++expected["bad_udp_length"];
    } else {
      good.push_back(rc_frame(9, i).bytes());
      lab.send(host, good.back());
    }
  }
  lab.settle();
  EXPECT_EQ(lab.take(fabric), good);
  EXPECT_EQ(lab.drops(), expected);
}

}  // namespace
}  // namespace braidway::tests
