#include "dataplane/parser.hpp"

#include <algorithm>
#include <netinet/in.h>
#include <optional>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_udp.h>

#include "telemetry/int_md.hpp"
#include "telemetry/message.hpp"
#include "telemetry/roce.hpp"

namespace braidway::dataplane {
namespace {

using telemetry::Bth;

constexpr std::uint16_t ethertype_mac_control = 0x8808;
constexpr std::uint16_t ethertype_eapol = 0x888e;
constexpr std::size_t max_vlan_tags = 2;
constexpr std::uint16_t first_ethertype = 0x0600;  // below: an 802.3 length

/// Headers are packed structs without alignment of their own: they may lie at any address.
template <typename Header>
const Header& header_at(std::span<const std::byte> head, std::size_t offset) noexcept {
  return *reinterpret_cast<const Header*>(head.data() + offset);
}

bool readable(std::span<const std::byte> head, std::size_t offset, std::size_t bytes) noexcept {
  return offset + bytes <= head.size();
}

/// The connected transports: RC 000, UC 001, XRC 101 (IBTA table 38).
TrafficClass class_of(const Bth& bth) noexcept {
  switch (bth.opcode >> 5U) {
    case 0:
    case 1:
    case 5:
      return TrafficClass::rdma;
    case 3:
      return TrafficClass::ud;
    default:
      return bth.opcode == static_cast<std::uint8_t>(telemetry::Opcode::cnp) ? TrafficClass::cnp
                                                                             : TrafficClass::other;
  }
}

struct Ip {
  lb::IpAddress source;
  lb::IpAddress destination;
  std::size_t payload_offset;
  std::size_t payload_bytes;  // by the IP header
  std::uint8_t protocol;
  bool first_header_only;  // options, extension headers or a fragment: nothing behind the IP header is read
};

lb::FlowKey addresses_key(const Ip& ip) noexcept {
  return lb::addresses_key(ip.source, ip.destination, ip.protocol);
}

lb::FlowKey ports_key(const Ip& ip, std::span<const std::byte> head, std::uint16_t destination) noexcept {
  // TCP, UDP and SCTP all begin with source and destination port.
  const auto& ports = header_at<rte_udp_hdr>(head, ip.payload_offset);
  return lb::ports_key(ip.source, ip.destination, ip.protocol, rte_be_to_cpu_16(ports.src_port), destination);
}
lb::FlowKey ports_key(const Ip& ip, std::span<const std::byte> head) noexcept {
  return ports_key(ip, head, rte_be_to_cpu_16(header_at<rte_udp_hdr>(head, ip.payload_offset).dst_port));
}

/// The class and flow of a UDP datagram to `destination` that fills its IP packet, whose payload of
/// `payload_bytes` is at `offset`.
void parse_datagram(std::span<const std::byte> head, const Ip& ip, std::uint16_t destination,
                    std::size_t offset, std::size_t payload_bytes, Parsed& out) noexcept {
  out.traffic_class = TrafficClass::other;
  if (destination == telemetry::rocev2_udp_port &&
      payload_bytes >= telemetry::bth_bytes + telemetry::icrc_bytes) {
    const auto& bth = header_at<Bth>(head, offset);
    if (telemetry::transport_version(bth) == 0) {
      out.traffic_class = class_of(bth);
      if (out.traffic_class != TrafficClass::other) {
        out.key = lb::rocev2_key(ip.source, ip.destination, telemetry::dest_qpn(bth));
        return;
      }
    }
  }
  out.key = ports_key(ip, head, destination);
}

/// What parse_ipv4() and parse_ipv6() find of a packet inside a tunnel, `bytes` from `offset` on.
std::optional<lb::FlowKey> key_of_inner(std::span<const std::byte> head, std::size_t offset,
                                        std::size_t bytes, std::uint8_t protocol) noexcept;

/// A tagged packet's flow is what it was before; in a tunnel that of the packet inside, if it is one.
void parse_tagged(std::span<const std::byte> head, const Ip& ip, Parsed& out) noexcept {
  const std::size_t shim = ip.payload_offset + sizeof(rte_udp_hdr);
  const auto header = telemetry::IntHeader::load(head.data() + shim);
  const std::size_t int_bytes = telemetry::int_shim_bytes + 4 * header.length_words();
  if (header.npt() == telemetry::Npt::port) {
    parse_datagram(head, ip, header.original_port(), shim + int_bytes,
                   ip.payload_bytes - sizeof(rte_udp_hdr) - int_bytes, out);
  } else {
    const auto inner =
        key_of_inner(head, shim + int_bytes, ip.payload_bytes - sizeof(rte_udp_hdr) - int_bytes,
                     header.original_protocol());
    out.key = inner ? *inner : ports_key(ip, head);
  }
  out.traffic_class = TrafficClass::tagged;
}

/// By its form; whose it is, and whether it is authentic, is for those to say who read it.
bool is_message(std::span<const std::byte> head, const Ip& ip) noexcept {
  const std::size_t offset = ip.payload_offset + sizeof(rte_udp_hdr);
  const std::size_t bytes = ip.payload_bytes - sizeof(rte_udp_hdr);
  telemetry::MessageEnds ends;
  return readable(head, offset, bytes) &&
         telemetry::check_form(head.subspan(offset, bytes), ends) == telemetry::MessageDefect::none;
}

void parse_transport(std::span<const std::byte> head, const Ip& ip, const OwnPorts& ports,
                     Parsed& out) noexcept {
  out.traffic_class = TrafficClass::other;
  const bool udp = ip.protocol == IPPROTO_UDP;
  const bool ported = udp || ip.protocol == IPPROTO_TCP || ip.protocol == IPPROTO_SCTP;
  if (ip.first_header_only || !ported) {
    out.key = addresses_key(ip);
    return;
  }
  if (!udp) {
    const bool has_ports = ip.payload_bytes >= 4 && readable(head, ip.payload_offset, 4);
    out.key = has_ports ? ports_key(ip, head) : addresses_key(ip);
    return;
  }
  if (ip.payload_bytes < sizeof(rte_udp_hdr)) {
    out.malformed = Malformed::truncated_udp;
    return;
  }
  const auto& header = header_at<rte_udp_hdr>(head, ip.payload_offset);
  const std::size_t udp_bytes = rte_be_to_cpu_16(header.dgram_len);
  if (udp_bytes < sizeof(rte_udp_hdr) || udp_bytes > ip.payload_bytes) {
    out.malformed = Malformed::bad_udp_length;
    return;
  }
  out.l4_offset = static_cast<std::uint16_t>(ip.payload_offset);
  // A datagram shorter than its IP packet leaves it open where the ICRC is: not RoCEv2 as far as we can tell,
  // nor what a gateway writes.
  if (udp_bytes != ip.payload_bytes) {
    out.key = ports_key(ip, head);
    return;
  }
  const std::uint16_t destination = rte_be_to_cpu_16(header.dst_port);
  if (ports.int_md != 0 && destination == ports.int_md &&
      telemetry::is_tagged(head.subspan(ip.payload_offset), ports.int_md)) {
    parse_tagged(head, ip, out);
    return;
  }
  parse_datagram(head, ip, destination, ip.payload_offset + sizeof(rte_udp_hdr),
                 udp_bytes - sizeof(rte_udp_hdr), out);
  if (ports.message != 0 && destination == ports.message && is_message(head, ip)) {
    out.traffic_class = TrafficClass::message;
  }
}

void parse_ipv4(std::span<const std::byte> head, std::size_t frame_bytes, const OwnPorts& ports,
                Parsed& out) noexcept {
  const std::size_t offset = out.l3_offset;
  const std::size_t available = frame_bytes - offset;
  if (available < sizeof(rte_ipv4_hdr)) {
    out.malformed = Malformed::truncated_ipv4;
    return;
  }
  const auto& header = header_at<rte_ipv4_hdr>(head, offset);
  const std::size_t header_bytes = std::size_t{4} * (header.version_ihl & 0x0fU);
  const std::size_t total = rte_be_to_cpu_16(header.total_length);
  if ((header.version_ihl >> 4U) != 4 || header_bytes < sizeof(rte_ipv4_hdr)) {
    out.malformed = Malformed::bad_ipv4_header;
    return;
  }
  if (header_bytes > available) {
    out.malformed = Malformed::truncated_ipv4;
    return;
  }
  if (total < header_bytes || total > available) {
    out.malformed = Malformed::bad_ipv4_length;
    return;
  }
  const auto fragment_bits = static_cast<std::uint16_t>(RTE_IPV4_HDR_MF_FLAG | RTE_IPV4_HDR_OFFSET_MASK);
  const bool fragment = (header.fragment_offset & rte_cpu_to_be_16(fragment_bits)) != 0;
  const Ip ip{.source = lb::load_ipv4(head.data() + offset + offsetof(rte_ipv4_hdr, src_addr)),
              .destination = lb::load_ipv4(head.data() + offset + offsetof(rte_ipv4_hdr, dst_addr)),
              .payload_offset = offset + header_bytes,
              .payload_bytes = total - header_bytes,
              .protocol = header.next_proto_id,
              .first_header_only = fragment || header_bytes != sizeof(rte_ipv4_hdr)};
  parse_transport(head, ip, ports, out);
}

void parse_ipv6(std::span<const std::byte> head, std::size_t frame_bytes, const OwnPorts& ports,
                Parsed& out) noexcept {
  const std::size_t offset = out.l3_offset;
  const std::size_t available = frame_bytes - offset;
  if (available < sizeof(rte_ipv6_hdr)) {
    out.malformed = Malformed::truncated_ipv6;
    return;
  }
  const auto& header = header_at<rte_ipv6_hdr>(head, offset);
  const std::size_t payload = rte_be_to_cpu_16(header.payload_len);
  if ((static_cast<unsigned>(head[offset]) >> 4U) != 6) {
    out.malformed = Malformed::bad_ipv6_header;
    return;
  }
  if (payload > available - sizeof(rte_ipv6_hdr)) {
    out.malformed = Malformed::bad_ipv6_length;
    return;
  }
  const Ip ip{.source = lb::load_ipv6(head.data() + offset + offsetof(rte_ipv6_hdr, src_addr)),
              .destination = lb::load_ipv6(head.data() + offset + offsetof(rte_ipv6_hdr, dst_addr)),
              .payload_offset = offset + sizeof(rte_ipv6_hdr),
              .payload_bytes = payload,
              .protocol = header.proto,
              .first_header_only = false};
  parse_transport(head, ip, ports, out);
}

std::optional<lb::FlowKey> key_of_inner(std::span<const std::byte> head, std::size_t offset,
                                        std::size_t bytes, std::uint8_t protocol) noexcept {
  static_assert(telemetry::max_link_header_bytes + telemetry::ipv6_header_bytes +
                        telemetry::udp_header_bytes + telemetry::int_shim_bytes +
                        4 * telemetry::int_max_length_words + telemetry::ipv6_header_bytes +
                        telemetry::udp_header_bytes + telemetry::bth_bytes <=
                    parsed_header_bytes,
                "behind the longest stack there is room for the packet's headers");
  Parsed inner;
  inner.l3_offset = static_cast<std::uint16_t>(offset);
  // Nothing of ours is in a tunnel again.
  const OwnPorts none{.int_md = 0, .message = 0};
  if (protocol == telemetry::protocol_ipv4) {
    parse_ipv4(head, offset + bytes, none, inner);
  } else if (protocol == telemetry::protocol_ipv6) {
    parse_ipv6(head, offset + bytes, none, inner);
  } else {
    return std::nullopt;
  }
  return inner.malformed == Malformed::none ? std::optional(inner.key) : std::nullopt;
}

/// IEEE 802.1D/Q bridge group address, the destination of spanning-tree frames: 01:80:C2:00:00:00.
bool to_bridge_group(const rte_ether_hdr& header) noexcept {
  constexpr std::array<std::uint8_t, 6> group{0x01, 0x80, 0xc2, 0x00, 0x00, 0x00};
  return std::equal(group.begin(), group.end(), std::begin(header.dst_addr.addr_bytes));
}

TrafficClass class_of_non_ip(const rte_ether_hdr& header, std::uint16_t ethertype) noexcept {
  switch (ethertype) {
    case ethertype_mac_control:
      return TrafficClass::pause;
    case RTE_ETHER_TYPE_LLDP:
      return TrafficClass::lldp;
    case RTE_ETHER_TYPE_SLOW:
      return TrafficClass::lacp;
    case ethertype_eapol:
      return TrafficClass::eapol;
    default:
      return ethertype < first_ethertype && to_bridge_group(header) ? TrafficClass::stp
                                                                    : TrafficClass::non_ip;
  }
}

bool is_vlan(std::uint16_t ethertype) noexcept {
  return ethertype == RTE_ETHER_TYPE_VLAN || ethertype == RTE_ETHER_TYPE_QINQ;
}

}  // namespace

Parsed parse_frame(std::span<const std::byte> head, std::size_t frame_bytes, const OwnPorts& ports) noexcept {
  Parsed out;
  if (frame_bytes < sizeof(rte_ether_hdr)) {
    out.malformed = Malformed::truncated_ethernet;
    return out;
  }
  const auto& ethernet = header_at<rte_ether_hdr>(head, 0);
  std::size_t offset = sizeof(rte_ether_hdr);
  std::uint16_t ethertype = rte_be_to_cpu_16(ethernet.ether_type);
  for (std::size_t tags = 0; is_vlan(ethertype) && tags < max_vlan_tags; ++tags) {
    if (frame_bytes < offset + sizeof(rte_vlan_hdr)) {
      out.malformed = Malformed::truncated_vlan;
      return out;
    }
    ethertype = rte_be_to_cpu_16(header_at<rte_vlan_hdr>(head, offset).eth_proto);
    offset += sizeof(rte_vlan_hdr);
  }
  out.l3_offset = static_cast<std::uint16_t>(offset);
  if (ethertype == RTE_ETHER_TYPE_IPV4) {
    parse_ipv4(head, frame_bytes, ports, out);
  } else if (ethertype == RTE_ETHER_TYPE_IPV6) {
    parse_ipv6(head, frame_bytes, ports, out);
  } else {
    out.l3_offset = 0;
    // Link-local control is told by its untagged EtherType; tagged or nested it is somebody's traffic.
    out.traffic_class =
        offset == sizeof(rte_ether_hdr) ? class_of_non_ip(ethernet, ethertype) : TrafficClass::non_ip;
  }
  return out;
}

}  // namespace braidway::dataplane
