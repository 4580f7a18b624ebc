#include "bench/wire/frame_edit.hpp"

#include <algorithm>

namespace braidway::bench::wire {
namespace {

constexpr std::size_t ethertype_at = 12;
constexpr std::size_t ethernet_header = 14;
constexpr std::size_t vlan_tag = 4;
constexpr unsigned most_tags = 4;
constexpr std::size_t ipv4_header = 20;
constexpr std::size_t ipv6_header = 40;
constexpr std::size_t udp_header = 8;

constexpr unsigned ethertype_ipv4 = 0x0800;
constexpr unsigned ethertype_ipv6 = 0x86dd;
constexpr unsigned protocol_udp = 17;

constexpr unsigned not_ect = 0;  // RFC 3168, section 5
constexpr unsigned ce = 3;

unsigned byte_at(std::span<const std::byte> bytes, std::size_t at) noexcept {
  return std::to_integer<unsigned>(bytes[at]);
}

unsigned word_at(std::span<const std::byte> bytes, std::size_t at) noexcept {
  return byte_at(bytes, at) << 8U | byte_at(bytes, at + 1);
}

void set_word(std::span<std::byte> bytes, std::size_t at, unsigned word) noexcept {
  bytes[at] = static_cast<std::byte>(word >> 8U);
  bytes[at + 1] = static_cast<std::byte>(word);
}

bool is_vlan(unsigned ethertype) noexcept {
  return ethertype == 0x8100 || ethertype == 0x88a8 || ethertype == 0x9100;
}

struct Network {
  unsigned version = 0;  ///< 4 or 6; 0: no IP
  std::size_t at = 0;    ///< where the network header, or whatever follows Ethernet and tags, begins
};

Network network_of(std::span<const std::byte> frame) noexcept {
  if (frame.size() < ethernet_header) return {.version = 0, .at = frame.size()};
  std::size_t at = ethertype_at;
  for (unsigned tags = 0; tags < most_tags && is_vlan(word_at(frame, at)); ++tags) {
    if (at + vlan_tag + 2 > frame.size()) return {.version = 0, .at = at + 2};
    at += vlan_tag;
  }
  const unsigned ethertype = word_at(frame, at);
  const Network none{.version = 0, .at = at + 2};
  const auto rest = frame.subspan(none.at);
  const unsigned version = rest.empty() ? 0 : byte_at(rest, 0) >> 4U;
  if (ethertype == ethertype_ipv4 && rest.size() >= ipv4_header && version == 4) return {4, none.at};
  if (ethertype == ethertype_ipv6 && rest.size() >= ipv6_header && version == 6) return {6, none.at};
  return none;
}

/// Checksum after a word of what it covers has changed: equation 3 of RFC 1624.
unsigned checksum_after(unsigned checksum, unsigned before, unsigned now) noexcept {
  unsigned sum = (~checksum & 0xffffU) + (~before & 0xffffU) + now;
  sum = (sum & 0xffffU) + (sum >> 16U);
  sum = (sum & 0xffffU) + (sum >> 16U);
  return ~sum & 0xffffU;
}

struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

Range payload_of(std::span<const std::byte> frame) noexcept {
  const Network network = network_of(frame);
  if (network.version == 0) return {network.at, frame.size()};
  const auto packet = frame.subspan(network.at);
  const bool v4 = network.version == 4;
  const std::size_t header = v4 ? (byte_at(packet, 0) & 0xfU) * std::size_t{4} : ipv6_header;
  const std::size_t length = v4 ? word_at(packet, 2) : ipv6_header + word_at(packet, 4);
  const bool udp = byte_at(packet, v4 ? 9 : 6) == protocol_udp;
  const std::size_t end = network.at + std::min(length, packet.size());
  return {network.at + header + (udp ? udp_header : 0), end};
}

}  // namespace

bool mark_ce(std::span<std::byte> frame) noexcept {
  const Network network = network_of(frame);
  if (network.version == 0) return false;
  const auto packet = frame.subspan(network.at);
  // The first 16 bits hold the ECN field in both: IPv4 as the lowest two bits of its second byte, IPv6 as the
  // lowest two of the traffic class, which ends four bits further up (RFC 8200, section 3).
  const unsigned shift = network.version == 4 ? 0 : 4;
  const unsigned before = word_at(packet, 0);
  const unsigned ecn = before >> shift & ce;
  if (ecn == not_ect || ecn == ce) return false;
  const unsigned now = before | ce << shift;
  set_word(packet, 0, now);
  if (network.version == 4) set_word(packet, 10, checksum_after(word_at(packet, 10), before, now));
  return true;
}

bool flip_payload_bit(std::span<std::byte> frame, std::uint64_t draw) noexcept {
  const Range payload = payload_of(frame);
  if (payload.begin >= payload.end) return false;
  const std::uint64_t bit = draw % ((payload.end - payload.begin) * 8);
  frame[payload.begin + bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
  return true;
}

}  // namespace braidway::bench::wire
