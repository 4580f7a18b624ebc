#include "ctrl/collect/packet.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <bit>
#include <cstring>
#include <string>
#include <sys/socket.h>

#include "telemetry/int_md.hpp"
#include "telemetry/ip_packet.hpp"
#include "telemetry/roce.hpp"

namespace braidway::ctrl::collect {
namespace {

using namespace telemetry;
using Bytes = std::span<const std::byte>;

constexpr std::uint16_t order_tag_bit = 0x8000;
constexpr std::uint16_t departure_bit = 0x4000;
constexpr std::size_t vlan_tag_bytes = 4;
constexpr std::uint32_t unknown_occupancy = 0xff'ffff;

std::uint8_t byte_at(Bytes bytes, std::size_t at) { return std::to_integer<std::uint8_t>(bytes[at]); }

std::string address_text(int family, const std::byte* from) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return inet_ntop(family, from, text.data(), text.size());
}

void add_bth(Json& found, Bytes bytes) {
  if (bytes.size() < bth_bytes) return;
  Bth bth;
  std::memcpy(&bth, bytes.data(), sizeof bth);
  found["opcode"] = bth.opcode;
  found["dest_qpn"] = lb::value(dest_qpn(bth));
  found["psn"] = psn(bth);
}

Json json_of(const HopMetadata& hop, std::uint16_t bitmap) {
  Json found = Json::object();
  const auto add = [&](std::uint16_t bit, const char* name, const Json& number) {
    if ((bitmap & bit) != 0) found[name] = number;
  };
  add(int_node_id, "node", known(hop.node_id));
  add(int_level1_interfaces, "l1_ingress", known(hop.level1_ingress));
  add(int_level1_interfaces, "l1_egress", known(hop.level1_egress));
  add(int_hop_latency, "hop_latency", known(hop.hop_latency));
  if ((bitmap & int_queue) != 0) {
    add_occupancy(found, "queue", static_cast<std::uint8_t>(hop.queue >> 24), hop.queue & unknown_occupancy);
  }
  add(int_ingress_time, "ingress_time", known(hop.ingress_time));
  add(int_egress_time, "egress_time", known(hop.egress_time));
  add(int_level2_interfaces, "l2_ingress", known(hop.level2_ingress));
  add(int_level2_interfaces, "l2_egress", known(hop.level2_egress));
  add(int_egress_utilisation, "tx_utilisation", known(hop.egress_utilisation));
  if ((bitmap & int_buffer) != 0) {
    add_occupancy(found, "buffer", static_cast<std::uint8_t>(hop.buffer >> 24),
                  hop.buffer & unknown_occupancy);
  }
  return found;
}

/// Bytes of Braidway's words, or all_ones where there are bits that are not Braidway's.
constexpr std::size_t not_ours = static_cast<std::size_t>(-1);
std::size_t order_words_size(std::uint16_t ds_bits) {
  if ((ds_bits & ~(order_tag_bit | departure_bit)) != 0) return not_ours;
  return ((ds_bits & order_tag_bit) != 0 ? 8U : 0U) + ((ds_bits & departure_bit) != 0 ? 4U : 0U);
}

/// The stack, which is `stack_bytes` long; less of it may be there. Its end are the words of the domain.
void add_stack(Json& found, const IntHeader& header, Bytes bytes, std::size_t stack_bytes) {
  const bool ours = header.domain() == int_domain;
  const std::size_t words_bytes = ours ? order_words_size(header.ds_instruction()) : 0;
  const std::size_t hop_bytes = 4 * header.hop_words();
  // Another domain's words are of unknown length, and so is what is left for the hops.
  if (!ours && header.ds_instruction() != 0) return;
  if (words_bytes > stack_bytes || header.hop_words() != int_hop_words(header.bitmap())) return;
  const std::size_t hops_bytes = stack_bytes - words_bytes;
  if (hop_bytes == 0 ? hops_bytes != 0 : hops_bytes % hop_bytes != 0) return;
  Json hops = Json::array();
  for (std::size_t at = 0; at < hops_bytes && at + hop_bytes <= bytes.size(); at += hop_bytes) {
    hops.push_back(json_of(load_hop(bytes.data() + at, header.bitmap()), header.bitmap()));
  }
  found["hops"] = std::move(hops);
  if (ours && bytes.size() >= stack_bytes) {
    found.update(describe_order_words(header.ds_instruction(), bytes.subspan(hops_bytes, words_bytes)));
  }
}

Json describe_ip(Bytes bytes, std::uint16_t int_port, bool in_tunnel);

/// Behind the UDP header of a datagram to the INT port, whose length is `udp_bytes`.
void add_int(Json& found, Bytes bytes, std::size_t udp_bytes, std::uint16_t int_port, bool in_tunnel) {
  if (bytes.size() < int_fixed_bytes) return;
  const IntHeader header = IntHeader::load(bytes.data());
  const std::size_t length = int_shim_bytes + 4 * header.length_words();
  const bool known_npt = header.npt() == Npt::port || header.npt() == Npt::tunnel;
  if (header.type() != int_type_md || header.version() != int_version || !known_npt ||
      length < int_fixed_bytes || udp_header_bytes + length > udp_bytes) {
    return;
  }
  Json& described = found["int"] = Json::object();
  described["domain"] = header.domain();
  described["remaining_hops"] = header.remaining_hops();
  described["hops_exceeded"] = header.hops_exceeded();
  described["mtu_exceeded"] = header.mtu_exceeded();
  add_stack(described, header, bytes.subspan(int_fixed_bytes), length - int_fixed_bytes);
  if (header.npt() == Npt::port) found["destination_port"] = header.original_port();
  if (bytes.size() <= length) return;
  const Bytes behind = bytes.subspan(length);
  if (header.npt() == Npt::port) {
    if (header.original_port() == rocev2_udp_port) add_bth(found, behind);
  } else if (!in_tunnel) {
    found["inner"] = describe_ip(behind, int_port, true);
  }
}

void add_udp(Json& found, Bytes bytes, std::uint16_t int_port, bool in_tunnel) {
  if (bytes.size() < udp_header_bytes) return;
  const std::uint16_t port = load_be16(bytes.data() + udp_dport_offset);
  found["source_port"] = load_be16(bytes.data());
  found["destination_port"] = port;
  const Bytes payload = bytes.subspan(udp_header_bytes);
  if (port == rocev2_udp_port) add_bth(found, payload);
  if (port == int_port) {
    add_int(found, payload, load_be16(bytes.data() + udp_length_offset), int_port, in_tunnel);
  }
}

Json describe_ip(Bytes bytes, std::uint16_t int_port, bool in_tunnel) {
  Json found = Json::object();
  IpPacket packet;
  if (!find_ip(bytes.data(), bytes.size(), packet)) return found;
  const bool v4 = packet.ipv4;
  found["source"] = address_text(v4 ? AF_INET : AF_INET6, bytes.data() + (v4 ? 12 : 8));
  found["destination"] = address_text(v4 ? AF_INET : AF_INET6, bytes.data() + (v4 ? 16 : 24));
  const std::uint8_t protocol = byte_at(bytes, v4 ? 9 : 6);
  found["protocol"] = protocol;
  const std::size_t header_bytes = v4 ? std::size_t{4} * (byte_at(bytes, 0) & 0xfU) : ipv6_header_bytes;
  const bool later_fragment = v4 && (load_be16(bytes.data() + 6) & 0x1fffU) != 0;
  if (protocol == protocol_udp && !later_fragment && bytes.size() > header_bytes) {
    add_udp(found, bytes.subspan(header_bytes), int_port, in_tunnel);
  }
  return found;
}

Json describe_frame(Bytes bytes, std::uint16_t int_port) {
  std::size_t at = ethernet_header_bytes - 2;
  for (int tags = 0; tags <= 2 && bytes.size() >= at + 2; ++tags, at += vlan_tag_bytes) {
    const std::uint16_t type = load_be16(bytes.data() + at);
    if (type == ethertype_ipv4 || type == ethertype_ipv6) {
      return describe_ip(bytes.subspan(at + 2), int_port, false);
    }
    if (type != 0x8100 && type != 0x88a8) break;
  }
  return Json::object();
}

}  // namespace

void add_occupancy(Json& to, const char* name, std::uint8_t id, std::uint32_t occupancy) {
  to[name] = known(id);
  to[std::string(name) + "_occupancy"] = occupancy == unknown_occupancy ? Json() : Json(occupancy);
}

Json describe_order_words(std::uint16_t ds_bits, Bytes words) {
  Json found = Json::object();
  if (words.size() != order_words_size(ds_bits)) return found;
  if ((ds_bits & order_tag_bit) != 0) {
    const OrderTag tag{load_be64(words.data())};
    found["order"] = {{"sequence", tag.sequence()},
                      {"gateway", lb::value(tag.source())},
                      {"path", lb::value(tag.path())},
                      {"lane", lb::value(tag.lane())},
                      {"epoch", tag.epoch()}};
  }
  if ((ds_bits & departure_bit) != 0) found["departure"] = load_be32(words.last(4).data());
  return found;
}

Json describe_packet(InnerType type, Bytes bytes, std::uint16_t int_port) {
  switch (type) {
    case InnerType::ethernet:
      return describe_frame(bytes, int_port);
    case InnerType::ipv4:
    case InnerType::ipv6:
      return describe_ip(bytes, int_port, false);
    default:
      return Json::object();
  }
}

}  // namespace braidway::ctrl::collect
