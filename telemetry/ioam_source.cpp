#include "telemetry/ioam_source.hpp"

#include <cassert>
#include <cstring>

#include "telemetry/ip_packet.hpp"

namespace braidway::telemetry {
namespace {

constexpr std::uint32_t most_flow_label = 0xfffff;
constexpr std::size_t word_bytes = 4;

std::size_t space_words(const IoamSettings& settings) noexcept {
  std::size_t node = ioam_node_words(settings.trace_type);
  if ((settings.trace_type & ioam_opaque) != 0) node += std::size_t{1} + settings.opaque_words;
  return settings.nodes * node;
}

}  // namespace

IoamFault IoamSource::check(const IoamSettings& settings) noexcept {
  constexpr std::uint32_t defined = 0xff'ffff & ~(ioam_undefined_bits | ioam_reserved_bit);
  if (settings.trace_type == 0) return IoamFault::empty_trace_type;
  if ((settings.trace_type & ~defined) != 0) return IoamFault::undefined_trace_bits;
  if (settings.nodes == 0) return IoamFault::no_nodes;
  return space_words(settings) * word_bytes > ioam_max_data_bytes ? IoamFault::trace_too_long
                                                                  : IoamFault::none;
}

IoamSource::IoamSource(const IoamSettings& settings) noexcept : mtu_(settings.mtu) {
  assert(check(settings) == IoamFault::none);
  const std::size_t words = space_words(settings);
  const std::size_t option_end =
      padding_bytes + ioam_option_header_bytes + ioam_trace_header_bytes + 4 * words;
  const std::size_t trailing = option_end % hop_by_hop_unit_bytes;  // 0 or 4
  const std::size_t hop_by_hop_bytes = option_end + trailing;
  added_ = static_cast<std::uint16_t>(ipv6_header_bytes + hop_by_hop_bytes);

  std::byte* ip = headers_.data();
  ip[6] = std::byte{next_header_hop_by_hop};
  ip[7] = std::byte{settings.hop_limit};
  store_be64(ip + 8, settings.source.high);
  store_be64(ip + 16, settings.source.low);
  store_be64(ip + 24, settings.destination.high);
  store_be64(ip + 32, settings.destination.low);

  std::byte* hop_by_hop = ip + ipv6_header_bytes;
  hop_by_hop[1] = static_cast<std::byte>(hop_by_hop_bytes / hop_by_hop_unit_bytes - 1);
  hop_by_hop[2] = std::byte{1};  // PadN, nothing between
  std::byte* option = hop_by_hop + padding_bytes;
  option[0] = std::byte{ioam_option};
  option[1] = static_cast<std::byte>(2 + ioam_trace_header_bytes + 4 * words);
  option[3] = std::byte{ioam_preallocated_trace};
  std::byte* trace = option + ioam_option_header_bytes;
  store_be16(trace, settings.namespace_id);
  store_be16(trace + 2, static_cast<std::uint16_t>(ioam_node_words(settings.trace_type) << 11U | words));
  store_be32(trace + 4, settings.trace_type << 8U);
  if (trailing != 0) {
    hop_by_hop[option_end] = std::byte{1};  // PadN, two bytes of 0
    hop_by_hop[option_end + 1] = std::byte{2};
  }
}

IoamRewritten IoamSource::add(const FrameInBuffer& frame, std::uint32_t flow_label,
                              const IoamNode* own) const noexcept {
  assert(flow_label <= most_flow_label);
  const std::size_t l3 = frame.l3_offset;
  const std::size_t contiguous = frame.contiguous();
  if (l3 < ethernet_header_bytes || l3 > max_link_header_bytes) return {.fault = IoamFault::not_ip};
  IpPacket inner;
  if (l3 > contiguous || !find_ip(frame.begin() + l3, contiguous - l3, inner))
    return {.fault = IoamFault::not_ip};
  if (l3 + inner.bytes > frame.frame_bytes) return {.fault = IoamFault::ip_length_mismatch};
  if (added_ + inner.bytes > mtu_) return {.fault = IoamFault::exceeds_mtu};
  if (added_ > frame.headroom) return {.fault = IoamFault::no_headroom};

  std::byte* begin = frame.begin() - added_;
  std::byte* ip = begin + l3;
  std::memmove(begin, frame.begin(), l3);
  store_be16(ip - 2, ethertype_ipv6);
  std::memcpy(ip, headers_.data(), added_);
  store_be32(ip, std::uint32_t{6} << 28U | std::uint32_t{inner.traffic_class} << 20U | flow_label);
  store_be16(ip + 4, static_cast<std::uint16_t>(added_ - ipv6_header_bytes + inner.bytes));
  std::byte* hop_by_hop = ip + ipv6_header_bytes;
  hop_by_hop[0] = std::byte{inner.ipv4 ? protocol_ipv4 : protocol_ipv6};
  if (own != nullptr) {
    add_ioam_node(hop_by_hop + padding_bytes + ioam_option_header_bytes, *own,
                  std::to_integer<std::uint8_t>(ip[7]));
  }
  return {.front_moved = added_, .frame_bytes = static_cast<std::uint32_t>(l3 + added_ + inner.bytes)};
}

}  // namespace braidway::telemetry
