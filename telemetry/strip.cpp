#include "telemetry/strip.hpp"

#include "telemetry/ip_packet.hpp"

namespace braidway::telemetry {
namespace {

/// Of a packet without IP options or extension headers.
std::uint8_t traffic_class_of(const FrameInBuffer& frame) noexcept {
  const std::byte* ip = frame.begin() + frame.l3_offset;
  const bool ipv4 = frame.l4_offset - frame.l3_offset == ipv4_header_bytes;
  return ipv4 ? std::to_integer<std::uint8_t>(ip[1]) : static_cast<std::uint8_t>(load_be16(ip) >> 4U);
}

/// From the shim to the order words' end.
std::size_t int_bytes(const IntHeader& header) noexcept { return int_shim_bytes + 4 * header.length_words(); }

IntFault examine_inner(const FrameInBuffer& frame, std::size_t offset, std::size_t bytes,
                       Tagged& tagged) noexcept {
  const bool ipv4 = tagged.header.original_protocol() == protocol_ipv4;
  if (!ipv4 && tagged.header.original_protocol() != protocol_ipv6) return IntFault::inner_malformed;
  const std::size_t header_bytes = ipv4 ? ipv4_header_bytes : ipv6_header_bytes;
  if (bytes < header_bytes) return IntFault::inner_malformed;
  if (offset + header_bytes > frame.contiguous()) return IntFault::headers_scattered;
  IpPacket inner;
  if (!find_ip(frame.begin() + offset, header_bytes, inner) || inner.ipv4 != ipv4 || inner.bytes != bytes) {
    return IntFault::inner_malformed;
  }
  const unsigned ecn = decapsulated_ecn(inner.traffic_class, tagged.traffic_class);
  tagged.inner_ecn = static_cast<std::uint8_t>(ecn);
  return ecn == ecn_drop ? IntFault::ce_on_not_ect : IntFault::none;
}

/// What a UDP checksum is to gain when INT is taken off: RoCEv2 mostly has none.
[[gnu::noinline]] std::uint64_t checksum_change(const FrameInBuffer& frame, const Tagged& tagged) noexcept {
  const std::byte* port = frame.begin() + frame.l4_offset + udp_dport_offset;
  const std::byte* shim = frame.begin() + frame.l4_offset + udp_header_bytes;
  return checksum_minus(load_checksum_word(port)) + checksum_word(tagged.header.original_port()) +
         checksum_minus(checksum_fold(checksum_sum(shim, int_bytes(tagged.header))));
}

Rewritten strip_strand(const FrameInBuffer& frame, const Tagged& tagged) noexcept {
  const OldChecksums old{frame};
  const std::size_t header_bytes = frame.l4_offset + udp_header_bytes;
  const std::size_t removed = int_bytes(tagged.header);
  std::byte* begin = frame.begin() + removed;
  const std::uint64_t change = old.udp != 0 ? checksum_change(frame, tagged) : 0;
  move_headers(begin, frame.begin(), header_bytes);
  std::byte* udp = begin + frame.l4_offset;
  store_be16(udp + udp_dport_offset, tagged.header.original_port());
  const std::uint64_t shorter =
      set_lengths(begin, frame, tagged.ip_bytes, old.ipv4, -static_cast<std::ptrdiff_t>(removed));
  if (old.udp != 0) adjust_udp_checksum(udp + udp_checksum_offset, old.udp, change + shorter);
  return {.front_moved = static_cast<std::uint16_t>(removed),
          .frame_bytes = static_cast<std::uint32_t>(frame.l3_offset + tagged.ip_bytes - removed)};
}

Rewritten strip_tunnel(const FrameInBuffer& frame, const Tagged& tagged, const LinkHeader& link) noexcept {
  const std::size_t inner_offset = frame.l4_offset + udp_header_bytes + int_bytes(tagged.header);
  const bool ipv4 = tagged.header.original_protocol() == protocol_ipv4;
  std::byte* inner = frame.begin() + inner_offset;
  set_ecn(inner, ipv4, tagged.inner_ecn);
  static_assert(LinkHeader::room <= ipv4_header_bytes + udp_header_bytes + int_min_bytes,
                "what is written over is the outer headers");
  link.write_before(inner, ipv4 ? ethertype_ipv4 : ethertype_ipv6);
  const std::size_t inner_bytes = frame.l3_offset + tagged.ip_bytes - inner_offset;
  return {.front_moved = static_cast<std::uint16_t>(inner_offset - link.bytes()),
          .frame_bytes = static_cast<std::uint32_t>(link.bytes() + inner_bytes)};
}

}  // namespace

IntFault examine(const FrameInBuffer& frame, std::uint16_t int_port, Tagged& out) noexcept {
  UdpPacket packet;
  if (const IntFault fault = find_udp(frame, int_min_bytes, packet); fault != IntFault::none) return fault;
  if (packet.destination_port != int_port) return IntFault::not_int_port;
  if (packet.udp_bytes < udp_header_bytes + int_fixed_bytes) return IntFault::int_truncated;
  const std::size_t shim_offset = frame.l4_offset + udp_header_bytes;
  const std::byte* shim = frame.begin() + shim_offset;
  const IntHeader header = IntHeader::load(shim);
  if (const IntFault fault = check_int_header(header, packet.udp_bytes); fault != IntFault::none)
    return fault;
  if (header.discard()) return IntFault::int_discard;
  const std::size_t bytes = int_bytes(header);
  out.header = header;
  out.ip_bytes = static_cast<std::uint32_t>(packet.ip_bytes);
  out.traffic_class = traffic_class_of(frame);
  out.stack = {};
  if (bytes > int_min_bytes) {
    if (shim_offset + bytes > frame.contiguous()) return IntFault::headers_scattered;
    const auto stack_words = static_cast<unsigned>((bytes - int_min_bytes) / 4);
    out.stack = StackView{shim + int_fixed_bytes, header.bitmap(),
                          stack_words / static_cast<unsigned>(header.hop_words())};
  }
  out.words = load_order_words(shim + bytes - order_words_bytes);
  if (header.npt() == Npt::port) return IntFault::none;
  return examine_inner(frame, shim_offset + bytes, packet.udp_bytes - udp_header_bytes - bytes, out);
}

Rewritten strip(const FrameInBuffer& frame, const Tagged& tagged, const LinkHeader& link) noexcept {
  return tagged.header.npt() == Npt::tunnel ? strip_tunnel(frame, tagged, link) : strip_strand(frame, tagged);
}

}  // namespace braidway::telemetry
