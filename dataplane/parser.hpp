// What a frame is: Ethernet, VLAN/QinQ (two tags), IPv4/IPv6, UDP, BTH, and what gateways say to each other:
// INT shims and messages. Reads bytes, changes none, keeps no state.
//
// Anything odd but possibly right (fragments, IPv4 options, IPv6 extension headers, deep VLAN stacks, UDP
// shorter than its IP packet) is `other` and crosses untouched; only what is provably malformed is refused,
// by a named reason. Lengths come from the headers, never from the frame: frames are padded (64-byte minimum)
// and may carry trailers.
//
// What gateways write is told by UDP port and a right header, both: anything else to those ports is other
// traffic. A packet tagged on a strand is of the flow that it was of before it was tagged.
//
// Sources: IEEE 802.1Q, RFC 791, RFC 8200, RFC 768, IBTA vol. 1 section 9.2 and annex A17 (RoCEv2);
// telemetry/int_md.hpp, telemetry/message.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "dataplane/own_ports.hpp"
#include "lb/flow_key.hpp"
#include "telemetry/message.hpp"
#include "telemetry/roce.hpp"
#include "telemetry/udp_packet.hpp"

namespace braidway::dataplane {

/// What a packet needs of steering (design: "class").
enum class TrafficClass : std::uint8_t {
  rdma,     ///< connected RoCEv2 (RC, UC, XRC): all opcodes of a flow share one order
  cnp,      ///< congestion notification packet
  ud,       ///< unreliable datagrams
  other,    ///< any other IP
  non_ip,   ///< no IP: ARP, LLC, deep VLAN stacks, other EtherTypes
  tagged,   ///< with INT and an order tag of a gateway
  message,  ///< between gateways: ends at the gateway
  pause,    ///< MAC control (802.3x pause, PFC): ends at the gateway
  lldp,
  lacp,
  stp,
  eapol,
};

/// Why a frame is provably malformed. `none`: it is not.
enum class Malformed : std::uint8_t {
  truncated_ethernet,  ///< shorter than its Ethernet header
  truncated_vlan,      ///< ends inside a VLAN tag
  truncated_ipv4,      ///< ends inside the IPv4 header
  bad_ipv4_header,     ///< version is not 4, or IHL below 5
  bad_ipv4_length,     ///< total length below the header's, or beyond the frame
  truncated_ipv6,      ///< ends inside the IPv6 header
  bad_ipv6_header,     ///< version is not 6
  bad_ipv6_length,     ///< payload length beyond the frame
  truncated_udp,       ///< the IP payload ends inside the UDP header
  bad_udp_length,      ///< UDP length below 8, or beyond the IP payload
  none,
};
inline constexpr std::array<std::string_view, 10> malformed_names{
    "truncated_ethernet", "truncated_vlan",  "truncated_ipv4",  "bad_ipv4_header", "bad_ipv4_length",
    "truncated_ipv6",     "bad_ipv6_header", "bad_ipv6_length", "truncated_udp",   "bad_udp_length"};
static_assert(malformed_names.size() == static_cast<std::size_t>(Malformed::none));

struct Parsed {
  Malformed malformed = Malformed::none;
  TrafficClass traffic_class = TrafficClass::non_ip;
  std::uint16_t l3_offset = 0;  ///< bytes from the frame's start; 0 for non_ip
  std::uint16_t l4_offset = 0;  ///< bytes from the frame's start; 0 where no UDP header was read
  lb::FlowKey key{};            ///< all zero for non_ip
};

/// Bytes of a frame that the parser may read at most: two VLAN tags, IPv6, UDP, and the longest message; a
/// BTH behind the longest INT stack comes earlier.
inline constexpr std::size_t parsed_header_bytes =
    telemetry::max_link_header_bytes + telemetry::ipv6_header_bytes + telemetry::udp_header_bytes +
    telemetry::most_message_bytes;

/// `head`: the first bytes of the frame, contiguous: all of it or at least `parsed_header_bytes`.
/// `frame_bytes`: the length of the whole frame without FCS, >= head.size().
Parsed parse_frame(std::span<const std::byte> head, std::size_t frame_bytes,
                   const OwnPorts& ports = {}) noexcept;

}  // namespace braidway::dataplane
