// What each kind of frame is taken for. A frame lies in a heap block of just its size, so that a read beyond
// its end is seen by AddressSanitizer.
#include "dataplane/parser.hpp"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/dataplane/frame_builder.hpp"
#include "tests/unit/dataplane/parse_exactly.hpp"

namespace braidway::tests {
namespace {

using dataplane::Malformed;
using dataplane::Parsed;
using dataplane::parsed_header_bytes;
using dataplane::TrafficClass;
using telemetry::Opcode;

constexpr std::uint32_t qpn = 0x00abcd;
const lb::IpAddress a4 = lb::ipv4(Frame::host_a);
const lb::IpAddress b4 = lb::ipv4(Frame::host_b);
const lb::IpAddress a6 = lb::ipv6(Frame::net_v6, 1);
const lb::IpAddress b6 = lb::ipv6(Frame::net_v6, 2);

lb::FlowKey rdma4(std::uint32_t number = qpn) { return lb::rocev2_key(a4, b4, lb::Qpn{number}); }
lb::FlowKey rdma6(std::uint32_t number = qpn) { return lb::rocev2_key(a6, b6, lb::Qpn{number}); }
lb::FlowKey ports4(std::uint16_t destination) {
  return lb::ports_key(a4, b4, IPPROTO_UDP, Frame::source_port, destination);
}
lb::FlowKey ports6(std::uint16_t destination) {
  return lb::ports_key(a6, b6, IPPROTO_UDP, Frame::source_port, destination);
}

struct Case {
  std::string description;
  Bytes frame;
  Malformed malformed;
  TrafficClass traffic_class;  // of a well-formed frame
  lb::FlowKey key;
};

Case is(std::string description, const Frame& frame, TrafficClass traffic_class,
        const lb::FlowKey& key = {}) {
  return {std::move(description), frame.bytes(), Malformed::none, traffic_class, key};
}
Case bad(std::string description, const Frame& frame, Malformed why) {
  return {std::move(description), frame.bytes(), why, {}, {}};
}

void expect(const Case& expected, const Parsed& parsed) {
  EXPECT_EQ(name_of(parsed.malformed), name_of(expected.malformed)) << expected.description;
  if (expected.malformed != Malformed::none || parsed.malformed != Malformed::none) return;
  EXPECT_EQ(static_cast<int>(parsed.traffic_class), static_cast<int>(expected.traffic_class))
      << expected.description;
  EXPECT_TRUE(parsed.key == expected.key) << expected.description;
}

/// Given all of the frame, and given no more than the parser asks for.
void check(const std::vector<Case>& cases) {
  for (const Case& each : cases) {
    expect(each, parse_exactly(each.frame));
    const Bytes head(each.frame.begin(), each.frame.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                                  each.frame.size(), parsed_header_bytes)));
    expect(each, parse_exactly(head, each.frame.size()));
  }
}

Frame message(Frame frame, std::uint8_t opcode, std::uint32_t to = qpn) {
  return frame.udp().bth(opcode, to).payload(40).icrc();
}
Frame message(Frame frame, Opcode opcode = Opcode::rc_send_only, std::uint32_t to = qpn) {
  return message(std::move(frame), static_cast<std::uint8_t>(opcode), to);
}

TEST(Parser, TellsRocev2FlowsUnderUpToTwoVlanTags) {
  check({
      is("IPv4", message(Frame().ipv4()), TrafficClass::rdma, rdma4()),
      is("IPv4, a VLAN tag", message(Frame().vlan(7).ipv4()), TrafficClass::rdma, rdma4()),
      is("IPv4, QinQ", message(Frame().vlan(100, 0x88a8).vlan(7).ipv4()), TrafficClass::rdma, rdma4()),
      is("IPv4, two 0x8100 tags", message(Frame().vlan(100).vlan(7).ipv4()), TrafficClass::rdma, rdma4()),
      is("IPv6", message(Frame().ipv6()), TrafficClass::rdma, rdma6()),
      is("IPv6, a VLAN tag", message(Frame().vlan(7).ipv6()), TrafficClass::rdma, rdma6()),
      is("IPv6, QinQ", message(Frame().vlan(100, 0x88a8).vlan(7).ipv6()), TrafficClass::rdma, rdma6()),
      is("a priority tag", message(Frame().vlan(0x6000).ipv4()), TrafficClass::rdma, rdma4()),
      is("three tags", message(Frame().vlan(1).vlan(2).vlan(3).ipv4()), TrafficClass::non_ip),
      is("six tags", message(Frame().vlan(1).vlan(2).vlan(3).vlan(4).vlan(5).vlan(6).ipv6()),
         TrafficClass::non_ip),
  });
}

TEST(Parser, TellsTransportsByTheOpcode) {
  std::vector<Case> cases{
      is("CNP, IPv4", message(Frame().ipv4(), Opcode::cnp), TrafficClass::cnp, rdma4()),
      is("CNP, IPv6", message(Frame().ipv6(), Opcode::cnp), TrafficClass::cnp, rdma6()),
      is("UD", message(Frame().ipv4(), Opcode::ud_send_only, 1), TrafficClass::ud, rdma4(1)),
      is("QP 0", message(Frame().ipv4(), Opcode::ud_send_only, 0), TrafficClass::ud, rdma4(0)),
      is("the largest QP", message(Frame().ipv6(), Opcode::rc_acknowledge, 0xffffff), TrafficClass::rdma,
         rdma6(0xffffff)),
      is("reserved byte beside the QPN", message(Frame().ipv4(), Opcode::rc_send_only, 0x77000000U | qpn),
         TrafficClass::rdma, rdma4()),
  };
  for (unsigned opcode = 0; opcode < 256; ++opcode) {
    const unsigned transport = opcode >> 5U;
    const std::string name = "opcode " + std::to_string(opcode);
    const Frame frame = message(Frame().ipv4(), static_cast<std::uint8_t>(opcode));
    if (transport == 0 || transport == 1 || transport == 5) {  // RC, UC, XRC (IBTA table 38)
      cases.push_back(is(name, frame, TrafficClass::rdma, rdma4()));
    } else if (transport == 3 || opcode == 0x81) {
      cases.push_back(is(name, frame, transport == 3 ? TrafficClass::ud : TrafficClass::cnp, rdma4()));
    } else {
      cases.push_back(is(name, frame, TrafficClass::other, ports4(4791)));
    }
  }
  check(cases);
}

TEST(Parser, TakesForRocev2OnlyWhatCanBe) {
  const auto roce = [] { return Frame().ipv4().udp(); };
  check({
      is("another UDP port", Frame().ipv4().udp(4792).bth(0x04, qpn).icrc(), TrafficClass::other,
         ports4(4792)),
      is("another UDP port, IPv6", Frame().ipv6().udp(53).payload(20), TrafficClass::other, ports6(53)),
      is("4791 as source port", Frame().ipv4().udp(9000, 4791).bth(0x04, qpn).icrc(), TrafficClass::other,
         lb::ports_key(a4, b4, IPPROTO_UDP, 4791, 9000)),
      is("TVer 1", roce().bth(0x04, qpn, 1, 0x01).icrc(), TrafficClass::other, ports4(4791)),
      is("TVer 15", roce().bth(0x04, qpn, 1, 0x0f).icrc(), TrafficClass::other, ports4(4791)),
      is("SE, M and pad count set", roce().bth(0x04, qpn, 1, 0xf0).icrc(), TrafficClass::rdma, rdma4()),
      is("BTH and ICRC only", roce().bth(0x04, qpn).icrc(), TrafficClass::rdma, rdma4()),
      is("no room for the ICRC", roce().bth(0x04, qpn).payload(3), TrafficClass::other, ports4(4791)),
      is("no room for the BTH", roce().payload(11), TrafficClass::other, ports4(4791)),
      is("empty datagram", roce(), TrafficClass::other, ports4(4791)),
      is("empty datagram, IPv6", Frame().ipv6().udp(), TrafficClass::other, ports6(4791)),
  });
}

TEST(Parser, KeepsOtherIpFlowsByPortsWhereTheyAreAndByAddressesWhereNot) {
  const auto tcp4 = lb::ports_key(a4, b4, IPPROTO_TCP, 5000, 4791);
  const auto addresses4 = [](std::uint8_t protocol) { return lb::addresses_key(a4, b4, protocol); };
  const auto addresses6 = [](std::uint8_t protocol) { return lb::addresses_key(a6, b6, protocol); };
  check({
      is("TCP", Frame().ipv4().tcp(5000, 4791).payload(10), TrafficClass::other, tcp4),
      is("TCP, IPv6", Frame().ipv6().tcp(5000, 80), TrafficClass::other,
         lb::ports_key(a6, b6, IPPROTO_TCP, 5000, 80)),
      is("TCP's ports and no more", Frame().ipv4().protocol(IPPROTO_TCP).payload(4, 0x11),
         TrafficClass::other, lb::ports_key(a4, b4, IPPROTO_TCP, 0x1111, 0x1111)),
      is("TCP ends within its ports", Frame().ipv4().protocol(IPPROTO_TCP).payload(3), TrafficClass::other,
         addresses4(IPPROTO_TCP)),
      is("TCP's ports would be padding", Frame().ipv4().protocol(IPPROTO_TCP).pad_to(60), TrafficClass::other,
         addresses4(IPPROTO_TCP)),
      is("SCTP", Frame().ipv4().protocol(IPPROTO_SCTP).payload(12, 0x22), TrafficClass::other,
         lb::ports_key(a4, b4, IPPROTO_SCTP, 0x2222, 0x2222)),
      is("ICMP", Frame().ipv4().protocol(IPPROTO_ICMP).payload(8), TrafficClass::other,
         addresses4(IPPROTO_ICMP)),
      is("ICMPv6", Frame().ipv6().protocol(IPPROTO_ICMPV6).payload(24), TrafficClass::other,
         addresses6(IPPROTO_ICMPV6)),
      is("first fragment", message(Frame().ipv4().fragment(0, true)), TrafficClass::other, addresses4(17)),
      is("middle fragment", message(Frame().ipv4().fragment(185, true)), TrafficClass::other, addresses4(17)),
      is("last fragment", message(Frame().ipv4().fragment(370, false)), TrafficClass::other, addresses4(17)),
      is("last fragment of a few bytes", Frame().ipv4().protocol(17).payload(2).fragment(370, false),
         TrafficClass::other, addresses4(17)),
      is("options", message(Frame().ipv4(Frame::host_a, Frame::host_b, 4)), TrafficClass::other,
         addresses4(17)),
      is("options, as many as there can be", message(Frame().ipv4(Frame::host_a, Frame::host_b, 40)),
         TrafficClass::other, addresses4(17)),
      is("hop-by-hop options", Frame().ipv6().ipv6_extension(0, 17).udp_header().bth(0x04, qpn).icrc(),
         TrafficClass::other, addresses6(0)),
      is("routing header", Frame().ipv6().ipv6_extension(43, 17).udp_header().bth(0x04, qpn).icrc(),
         TrafficClass::other, addresses6(43)),
      is("fragment header", Frame().ipv6().ipv6_extension(44, 17).udp_header().bth(0x04, qpn).icrc(),
         TrafficClass::other, addresses6(44)),
      is("destination options", Frame().ipv6().ipv6_extension(60, 17).udp_header().bth(0x04, qpn).icrc(),
         TrafficClass::other, addresses6(60)),
      is("no next header", Frame().ipv6().protocol(59), TrafficClass::other, addresses6(59)),
  });
}

TEST(Parser, RefusesLengthsThatCannotBe) {
  const auto v4 = [] { return message(Frame().ipv4()); };  // 64 bytes of UDP in 84 of IP
  const auto v6 = [] { return message(Frame().ipv6()); };
  check({
      bad("IPv4 total length 0", v4().ip_length(0), Malformed::bad_ipv4_length),
      bad("IPv4 total length below the header's", v4().ip_length(19), Malformed::bad_ipv4_length),
      bad("IPv4 total length one too many", v4().ip_length(85), Malformed::bad_ipv4_length),
      bad("IPv4 total length 65535", v4().ip_length(65535), Malformed::bad_ipv4_length),
      bad("IPv4 ends with its header", v4().ip_length(20), Malformed::truncated_udp),
      bad("IPv4 ends within the UDP header", v4().ip_length(27), Malformed::truncated_udp),
      bad("IPv4 ends within the datagram", v4().ip_length(83), Malformed::bad_udp_length),
      bad("IPv4 version 6", v4().byte(14, 0x65), Malformed::bad_ipv4_header),
      bad("IPv4 version 0", v4().byte(14, 0x05), Malformed::bad_ipv4_header),
      bad("IHL 4", v4().byte(14, 0x44), Malformed::bad_ipv4_header),
      bad("IHL 0", v4().byte(14, 0x40), Malformed::bad_ipv4_header),
      bad("IHL 15 in a frame of one header", Frame().ipv4().byte(14, 0x4f), Malformed::truncated_ipv4),
      bad("total length below the options'", Frame().ipv4(1, 2, 40).ip_length(59),
          Malformed::bad_ipv4_length),
      bad("IPv6 payload length one too many", v6().ip_length(65), Malformed::bad_ipv6_length),
      bad("IPv6 payload length 65535", v6().ip_length(65535), Malformed::bad_ipv6_length),
      bad("IPv6 payload length 0 before UDP", v6().ip_length(0), Malformed::truncated_udp),
      bad("IPv6 ends within the UDP header", v6().ip_length(7), Malformed::truncated_udp),
      bad("IPv6 ends within the datagram", v6().ip_length(63), Malformed::bad_udp_length),
      bad("IPv6 version 4", v6().byte(14, 0x45), Malformed::bad_ipv6_header),
      bad("UDP length 0", v4().udp_length(0), Malformed::bad_udp_length),
      bad("UDP length 7", v4().udp_length(7), Malformed::bad_udp_length),
      bad("UDP length one beyond the packet", v4().udp_length(65), Malformed::bad_udp_length),
      bad("UDP length 65535", v4().udp_length(65535), Malformed::bad_udp_length),
      bad("UDP length 0, IPv6", v6().udp_length(0), Malformed::bad_udp_length),
      bad("UDP length one beyond the packet, IPv6", v6().udp_length(65), Malformed::bad_udp_length),
      is("UDP length 8", v4().udp_length(8), TrafficClass::other, ports4(4791)),
      is("UDP length one short of the packet", v4().udp_length(63), TrafficClass::other, ports4(4791)),
      is("UDP length one short, IPv6", v6().udp_length(63), TrafficClass::other, ports6(4791)),
      is("lengths of a fragment's datagram mean nothing", v4().fragment(0, true).udp_length(1480),
         TrafficClass::other, lb::addresses_key(a4, b4, IPPROTO_UDP)),
  });
}

TEST(Parser, TakesPaddingAndTrailersForNoPartOfThePacket) {
  const auto shortest = [] { return Frame().ipv4().udp().bth(Opcode::rc_acknowledge, qpn).icrc(); };
  ASSERT_EQ(shortest().bytes().size(), 58U);
  check({
      is("padded to 60", shortest().pad_to(60), TrafficClass::rdma, rdma4()),
      is("padded to 64", shortest().pad_to(64), TrafficClass::rdma, rdma4()),
      is("a trailer", shortest().pad_to(200), TrafficClass::rdma, rdma4()),
      is("empty datagram padded to 60", Frame().ipv4().udp().pad_to(60), TrafficClass::other, ports4(4791)),
      is("jumbo", Frame().ipv4().udp().bth(0x07, qpn).payload(9000 - 44).icrc(), TrafficClass::rdma, rdma4()),
      is("jumbo, IPv6", Frame().ipv6().udp().bth(0x07, qpn).payload(9000 - 64).icrc(), TrafficClass::rdma,
         rdma6()),
      is("as long as IPv4 can be", Frame().ipv4().udp().bth(0x07, qpn).payload(65535 - 44).icrc(),
         TrafficClass::rdma, rdma4()),
  });
  // The builder leaves UDP checksums at zero, as RoCEv2 does; any other makes no difference.
  Frame summed = shortest();
  summed.byte(summed.udp_offset() + 6, 0xbe).byte(summed.udp_offset() + 7, 0xef);
  check({is("UDP checksum", summed, TrafficClass::rdma, rdma4())});
}

TEST(Parser, TellsLinkLocalControlFromTrafficOfOtherKinds) {
  const auto group = [](std::uint8_t last) { return Frame().to({0x01, 0x80, 0xc2, 0x00, 0x00, last}); };
  check({
      is("pause", group(0x01).type(0x8808).payload(46, 0), TrafficClass::pause),
      is("PFC", group(0x01).type(0x8808).payload(2, 1).payload(44, 0xff), TrafficClass::pause),
      is("unicast MAC control", Frame().type(0x8808).payload(46, 0), TrafficClass::pause),
      is("LLDP", group(0x0e).type(0x88cc).payload(60), TrafficClass::lldp),
      is("LACP", group(0x02).type(0x8809).payload(110, 1), TrafficClass::lacp),
      is("EAPOL", group(0x03).type(0x888e).payload(46), TrafficClass::eapol),
      is("STP", group(0x00).type(0x0026).payload(46, 0x42), TrafficClass::stp),
      is("RSTP of the longest 802.3 length", group(0x00).type(0x05dc).payload(1500), TrafficClass::stp),
      is("802.3 length, no bridge group", Frame().type(0x0026).payload(46), TrafficClass::non_ip),
      is("802.3 length 0", Frame().type(0).payload(46), TrafficClass::non_ip),
      is("the bridge group with an EtherType", group(0x00).type(0x88b5).payload(46), TrafficClass::non_ip),
      is("the first EtherType", group(0x00).type(0x0600).payload(46), TrafficClass::non_ip),
      is("ARP", Frame().type(0x0806).payload(46), TrafficClass::non_ip),
      is("RoCE version 1", Frame().type(0x8915).payload(60), TrafficClass::non_ip),
      is("LLDP under a tag is somebody's traffic", group(0x0e).vlan(7).type(0x88cc).payload(60),
         TrafficClass::non_ip),
      is("a pause frame under a tag too", group(0x01).vlan(7).type(0x8808).payload(46), TrafficClass::non_ip),
      is("STP under a tag", group(0x00).vlan(7).type(0x0026).payload(46), TrafficClass::non_ip),
  });
}

TEST(Parser, SaysWhereTheHeadersAre) {
  struct Place {
    Frame frame;
    std::size_t l3;
    std::size_t l4;
  };
  for (const Place& each : {
           Place{message(Frame().ipv4()), 14, 34},
           Place{message(Frame().vlan(1).ipv4()), 18, 38},
           Place{message(Frame().vlan(1).vlan(2).ipv6()), 22, 62},
           Place{Frame().ipv4().udp(53).payload(9), 14, 34},
           Place{message(Frame().ipv4().fragment(0, true)), 14, 0},
           Place{message(Frame().ipv4(1, 2, 8)), 14, 0},
           Place{Frame().ipv6().ipv6_extension(0, 17).udp_header(), 14, 0},
           Place{Frame().ipv4().tcp(1, 2), 14, 0},
           Place{Frame().type(0x0806).payload(46), 0, 0},
           Place{message(Frame().vlan(1).vlan(2).vlan(3).ipv4()), 0, 0},
       }) {
    const Parsed parsed = parse_exactly(each.frame.bytes());
    EXPECT_EQ(parsed.l3_offset, each.l3);
    EXPECT_EQ(parsed.l4_offset, each.l4);
  }
}

}  // namespace
}  // namespace braidway::tests
