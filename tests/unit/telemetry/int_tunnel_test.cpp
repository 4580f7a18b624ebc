// Tunnels: what stands around the packet, and what becomes of DSCP and ECN (RFC 6040).
#include <array>
#include <cstdint>

#include <gtest/gtest.h>

#include "telemetry/tunnel.hpp"
#include "tests/unit/telemetry/int_packets.hpp"

namespace braidway::telemetry {
namespace {

using namespace braidway::tests;

TunnelSettings settings(bool outer_ipv4, const Bytes& link = ethernet(0)) {
  return {.telemetry = {},
          .link = LinkHeader{link},
          .source = outer_ipv4 ? lb::ipv4(0x0a000007) : lb::ipv6(0x20010db800000007, 7),
          .destination = outer_ipv4 ? lb::ipv4(0x0a000009) : lb::ipv6(0x20010db800000009, 9),
          .source_port = 0xc0de,
          .flow_label = 0x54321};
}

Bytes vlan_link() { return from_hex("0200000000cc0200000000dd810060070000"); }

Bytes roce_frame(bool ipv4) {
  auto frame = ipv4 ? Frame().ipv4() : Frame().ipv6();
  Bytes bytes = frame.udp().bth(Opcode::rc_send_only, 0x11).payload(16).icrc().bytes();
  fill_checksums(bytes, 14, false);
  return bytes;
}

void set_traffic_class(Bytes& frame, std::size_t l3, bool ipv4, unsigned traffic_class) {
  if (ipv4) {
    frame.at(l3 + 1) = static_cast<std::byte>(traffic_class);
    set_number16(frame, l3 + 10, 0);
    set_number16(frame, l3 + 10, ~plain_sum(frame, l3, 20) & 0xffffU);
  } else {
    set_number16(frame, l3, (number16(frame, l3) & 0xf00fU) | traffic_class << 4U);
  }
}
unsigned traffic_class(const Bytes& frame, std::size_t l3, bool ipv4) {
  return ipv4 ? std::to_integer<unsigned>(frame.at(l3 + 1)) : number16(frame, l3) >> 4U & 0xffU;
}

/// In and out of a tunnel whose outer ECN field becomes `ecn` on the way.
IntFault cross(const Bytes& frame, bool outer_ipv4, unsigned ecn, Bytes& out) {
  Buffer buffer{frame};
  const auto stamped = TunnelStamp{settings(outer_ipv4)}.stamp(buffer.view(), golden_words, nullptr);
  if (stamped.fault != IntFault::none) return stamped.fault;
  buffer.moved_forward(stamped);
  Bytes in_flight = buffer.bytes();
  set_traffic_class(in_flight, 14, outer_ipv4, (traffic_class(in_flight, 14, outer_ipv4) & 0xfcU) | ecn);
  Buffer arrived{in_flight, 0};
  Tagged tagged;
  const IntFault fault = examine(arrived.view(), int_udp_port, tagged);
  if (fault != IntFault::none) return fault;
  arrived.moved_back(strip(arrived.view(), tagged, LinkHeader{ethernet(0)}));
  out = arrived.bytes();
  return IntFault::none;
}

TEST(Tunnel, CopiesDscpAndEcnOutwards) {
  for (const bool outer_ipv4 : {true, false}) {
    for (const bool inner_ipv4 : {true, false}) {
      for (unsigned dscp_ecn = 0; dscp_ecn < 256; ++dscp_ecn) {
        Bytes frame = roce_frame(inner_ipv4);
        set_traffic_class(frame, 14, inner_ipv4, dscp_ecn);
        Buffer buffer{frame};
        buffer.moved_forward(TunnelStamp{settings(outer_ipv4)}.stamp(buffer.view(), golden_words, nullptr));
        ASSERT_EQ(traffic_class(buffer.bytes(), 14, outer_ipv4), dscp_ecn);
      }
    }
  }
}

TEST(Tunnel, CombinesEcnOnTheWayOutAsRfc6040Says) {
  // Figure 4 of the RFC, by its own names; rows: inner, columns: outer Not-ECT, ECT(0), ECT(1), CE.
  constexpr unsigned not_ect = 0;
  constexpr unsigned ect0 = 2;
  constexpr unsigned ect1 = 1;
  constexpr unsigned ce = 3;
  constexpr unsigned drop = 99;
  constexpr std::array code{not_ect, ect0, ect1, ce};
  constexpr std::array<std::array<unsigned, 4>, 4> figure4{
      {{not_ect, not_ect, not_ect, drop}, {ect0, ect0, ect1, ce}, {ect1, ect1, ect1, ce}, {ce, ce, ce, ce}}};
  constexpr unsigned dscp = 26U << 2U;
  for (const bool outer_ipv4 : {true, false}) {
    for (const bool inner_ipv4 : {true, false}) {
      for (std::size_t inner = 0; inner < 4; ++inner) {
        for (std::size_t outer = 0; outer < 4; ++outer) {
          Bytes frame = roce_frame(inner_ipv4);
          set_traffic_class(frame, 14, inner_ipv4, dscp | code.at(inner));
          Bytes out;
          const IntFault fault = cross(frame, outer_ipv4, code.at(outer), out);
          const unsigned expected = figure4.at(inner).at(outer);
          if (expected == drop) {
            EXPECT_EQ(fault, IntFault::ce_on_not_ect);
            continue;
          }
          ASSERT_EQ(fault, IntFault::none);
          // All else is as it was, and the header's checksum is right.
          set_traffic_class(frame, 14, inner_ipv4, dscp | expected);
          EXPECT_EQ(out, frame) << inner << " " << outer;
        }
      }
    }
  }
}

TEST(Tunnel, LeavesTheDscpInsideAloneWhateverTheFabricMakesOfTheOuterOne) {
  Bytes frame = roce_frame(true);
  set_traffic_class(frame, 14, true, 0x6a);
  Buffer buffer{frame};
  buffer.moved_forward(TunnelStamp{settings(true)}.stamp(buffer.view(), golden_words, nullptr));
  Bytes in_flight = buffer.bytes();
  set_traffic_class(in_flight, 14, true, 0x02);
  Buffer arrived{in_flight, 0};
  Tagged tagged;
  ASSERT_EQ(examine(arrived.view(), int_udp_port, tagged), IntFault::none);
  arrived.moved_back(strip(arrived.view(), tagged, LinkHeader{ethernet(0)}));
  EXPECT_EQ(arrived.bytes(), frame);
}

TEST(Tunnel, HasThePathsSourcePortFlowLabelHopLimitAndAddresses) {
  for (const bool inner_ipv4 : {true, false}) {
    const Bytes frame = roce_frame(inner_ipv4);
    auto tunnel = settings(false);
    tunnel.hop_limit = 17;
    Buffer buffer{frame};
    const TunnelStamp stamp{tunnel};
    buffer.moved_forward(stamp.stamp(buffer.view(), golden_words, nullptr));
    const Bytes outer = buffer.bytes();
    Bytes expected = from_hex(
        "02000000000b02000000000a86dd"
        "60254321"
        "0000"
        "1111"
        "20010db8000000070000000000000007"
        "20010db8000000090000000000000009"
        "c0def15f"
        "0000"
        "0000"
        "18060004"
        "20000008"
        "00004257"
        "c0000000"
        "0000000700070213"
        "0ddba11e");
    const std::size_t inner_bytes = frame.size() - 14;
    set_traffic_class(expected, 14, false, traffic_class(frame, 14, inner_ipv4));
    set_number16(expected, 14 + 4, 8 + 28 + inner_bytes);
    set_number16(expected, 54 + 4, 8 + 28 + inner_bytes);
    expected.at(62 + 3) = std::byte{inner_ipv4 ? std::uint8_t{4} : std::uint8_t{41}};
    expected.insert(expected.end(), frame.begin() + 14, frame.end());
    EXPECT_EQ(outer, expected);
    EXPECT_EQ(stamp.l3_offset(), 14);
    EXPECT_EQ(stamp.l4_offset(), 54);
  }
}

TEST(Tunnel, HasTheLinkHeaderOfTheCallerAndTheEtherTypeOfItsIp) {
  const Bytes frame = roce_frame(false);
  Buffer buffer{frame};
  const TunnelStamp tunnel{settings(true, vlan_link())};
  buffer.moved_forward(tunnel.stamp(buffer.view(), golden_words, nullptr));
  Bytes outer = buffer.bytes();
  outer.resize(18);
  EXPECT_EQ(outer, from_hex("0200000000cc0200000000dd810060070800"));
  EXPECT_EQ(tunnel.l3_offset(), 18);
  EXPECT_EQ(tunnel.l4_offset(), 38);
  Tagged tagged;
  ASSERT_EQ(examine(buffer.view(), int_udp_port, tagged), IntFault::none);
  buffer.moved_back(strip(buffer.view(), tagged, LinkHeader{vlan_link()}));
  Bytes expected = from_hex("0200000000cc0200000000dd8100600786dd");
  expected.insert(expected.end(), frame.begin() + 14, frame.end());
  EXPECT_EQ(buffer.bytes(), expected);
}

TEST(Tunnel, CarriesFragmentsAndOptionsAsTheyAre) {
  for (const auto& odd :
       {Frame().ipv4().fragment(3, true).payload(24), Frame().ipv4(1, 2, 8).udp().payload(8)}) {
    Bytes frame = odd.bytes();
    const std::size_t header = 4 * std::to_integer<std::size_t>(frame[14] & std::byte{0xf});
    set_number16(frame, 14 + 10, ~plain_sum(frame, 14, header) & 0xffffU);
    Bytes out;
    ASSERT_EQ(cross(frame, true, 2, out), IntFault::none);
    EXPECT_EQ(out, frame);
  }
}

TEST(Tunnel, NamesWhatItCannotCarry) {
  const TunnelStamp tunnel{settings(true)};
  const auto fault_of = [&](const Bytes& frame, std::size_t headroom = Buffer::headroom) {
    Buffer buffer{frame, headroom};
    const auto result = tunnel.stamp(buffer.view(), golden_words, nullptr);
    EXPECT_TRUE(result.fault == IntFault::none || buffer.bytes() == frame) << "nothing is changed";
    return result.fault;
  };
  EXPECT_EQ(fault_of(Frame().type(0x0806).payload(46, 0).bytes()), IntFault::not_plain_ip);
  EXPECT_EQ(fault_of(Frame().bytes()), IntFault::not_plain_ip);
  Bytes cut = roce_frame(true);
  cut.pop_back();
  EXPECT_EQ(fault_of(cut), IntFault::ip_length_mismatch);
  EXPECT_EQ(fault_of(roce_frame(true), 56), IntFault::none);
  EXPECT_EQ(fault_of(roce_frame(true), 55), IntFault::no_headroom);
  // 1500 = 56 + 20 + 8 + 12 + payload + 4
  const auto of_payload = [](std::size_t bytes) {
    return Frame().ipv4().udp().bth(Opcode::rc_send_only, 1).payload(bytes).icrc().bytes();
  };
  EXPECT_EQ(fault_of(of_payload(1400)), IntFault::none);
  EXPECT_EQ(fault_of(of_payload(1401)), IntFault::exceeds_mtu);
}

}  // namespace
}  // namespace braidway::telemetry
