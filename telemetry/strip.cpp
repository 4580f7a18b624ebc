#include "telemetry/strip.hpp"

#include "telemetry/ip_packet.hpp"

namespace braidway::telemetry {
namespace {

IntFault examine_inner(const FrameInBuffer& frame, Tagged& tagged) noexcept {
  const std::size_t inner_offset = frame.l4_offset + udp_header_bytes + tagged.int_bytes;
  const std::size_t inner_bytes = tagged.packet.udp_bytes - udp_header_bytes - tagged.int_bytes;
  const std::size_t readable = frame.contiguous() - inner_offset;
  const bool ipv4 = tagged.header.original_protocol() == protocol_ipv4;
  if (!ipv4 && tagged.header.original_protocol() != protocol_ipv6) return IntFault::inner_malformed;
  const std::size_t header_bytes = ipv4 ? ipv4_header_bytes : ipv6_header_bytes;
  if (inner_bytes < header_bytes) return IntFault::inner_malformed;
  if (readable < header_bytes) return IntFault::headers_scattered;
  IpPacket inner;
  if (!find_ip(frame.begin() + inner_offset, readable, inner) || inner.ipv4 != ipv4 ||
      inner.bytes != inner_bytes) {
    return IntFault::inner_malformed;
  }
  const std::byte* outer = frame.begin() + frame.l3_offset;
  const unsigned outer_class =
      tagged.packet.ipv4 ? std::to_integer<unsigned>(outer[1]) : load_be16(outer) >> 4U;
  const unsigned ecn = decapsulated_ecn(inner.traffic_class, outer_class);
  if (ecn == ecn_drop) return IntFault::ce_on_not_ect;
  tagged.inner_ipv4 = ipv4;
  tagged.inner_ecn = static_cast<std::uint8_t>(ecn);
  tagged.inner_ecn_changes = ecn != (inner.traffic_class & ecn_mask);
  return IntFault::none;
}

Rewritten strip_strand(const FrameInBuffer& frame, const Tagged& tagged) noexcept {
  const OldChecksums old{frame};
  const std::size_t header_bytes = frame.l4_offset + udp_header_bytes;
  const std::size_t removed = tagged.int_bytes;
  std::byte* begin = frame.begin() + removed;
  std::uint64_t change = 0;
  if (old.udp != 0) {
    const std::byte* port = frame.begin() + frame.l4_offset + udp_dport_offset;
    const std::byte* shim = frame.begin() + header_bytes;
    change = checksum_minus(load_checksum_word(port)) + checksum_word(tagged.header.original_port()) +
             checksum_minus(checksum_fold(checksum_sum(shim, removed)));
  }
  move_headers(begin, frame.begin(), header_bytes);
  std::byte* udp = begin + frame.l4_offset;
  store_be16(udp + udp_dport_offset, tagged.header.original_port());
  const std::uint64_t shorter =
      set_lengths(begin, frame, tagged.packet, old.ipv4, -static_cast<std::ptrdiff_t>(removed));
  if (old.udp != 0) adjust_udp_checksum(udp + udp_checksum_offset, old.udp, change + shorter);
  return {.front_moved = static_cast<std::uint16_t>(removed),
          .frame_bytes = static_cast<std::uint32_t>(frame.l3_offset + tagged.packet.ip_bytes - removed)};
}

Rewritten strip_tunnel(const FrameInBuffer& frame, const Tagged& tagged, const LinkHeader& link) noexcept {
  const std::size_t outer_bytes = udp_header_bytes + tagged.int_bytes;
  const std::size_t inner_offset = frame.l4_offset + outer_bytes;
  std::byte* inner = frame.begin() + inner_offset;
  if (tagged.inner_ecn_changes) set_ecn(inner, tagged.inner_ipv4, tagged.inner_ecn);
  static_assert(LinkHeader::room <= ipv4_header_bytes + udp_header_bytes + int_min_bytes,
                "what is written over is the outer headers");
  link.write_before(inner, tagged.inner_ipv4 ? ethertype_ipv4 : ethertype_ipv6);
  return {.front_moved = static_cast<std::uint16_t>(inner_offset - link.bytes()),
          .frame_bytes = static_cast<std::uint32_t>(link.bytes() + tagged.packet.udp_bytes - outer_bytes)};
}

}  // namespace

IntFault examine(const FrameInBuffer& frame, std::uint16_t int_port, Tagged& out) noexcept {
  if (const IntFault fault = find_udp(frame, int_fixed_bytes, out.packet); fault != IntFault::none)
    return fault;
  const std::byte* udp = frame.begin() + frame.l4_offset;
  if (load_be16(udp + udp_dport_offset) != int_port) return IntFault::not_int_port;
  if (out.packet.udp_bytes < udp_header_bytes + int_fixed_bytes) return IntFault::int_truncated;
  const std::byte* shim = udp + udp_header_bytes;
  out.header = IntHeader::load(shim);
  if (const IntFault fault = check_int_header(out.header, out.packet.udp_bytes); fault != IntFault::none) {
    return fault;
  }
  if (out.header.discard()) return IntFault::int_discard;
  const std::size_t int_bytes = int_shim_bytes + 4 * out.header.length_words();
  if (frame.l4_offset + udp_header_bytes + int_bytes > frame.contiguous()) return IntFault::headers_scattered;
  out.int_bytes = static_cast<std::uint16_t>(int_bytes);
  out.words = load_order_words(shim + int_bytes - order_words_bytes);
  const std::size_t stack_bytes = int_bytes - int_min_bytes;
  const std::size_t hop_bytes = 4 * out.header.hop_words();
  out.stack =
      StackView{shim + int_fixed_bytes, out.header.bitmap(), stack_bytes == 0 ? 0 : stack_bytes / hop_bytes};
  return out.header.npt() == Npt::tunnel ? examine_inner(frame, out) : IntFault::none;
}

Rewritten strip(const FrameInBuffer& frame, const Tagged& tagged, const LinkHeader& link) noexcept {
  return tagged.header.npt() == Npt::tunnel ? strip_tunnel(frame, tagged, link) : strip_strand(frame, tagged);
}

}  // namespace braidway::telemetry
