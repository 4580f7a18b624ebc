#include "telemetry/stamp.hpp"

#include <cassert>

namespace braidway::telemetry {

IntOpening::IntOpening(const IntSettings& settings, Npt npt) noexcept
    : hop_bytes_(4 * int_hop_words(settings.bitmap)), mtu_(settings.mtu) {
  assert((settings.bitmap & ~int_defined_bits) == 0 && settings.hops > 0);
  const auto header = [&](std::size_t hop_bytes, std::uint64_t flags) {
    const std::uint64_t words = (int_md_header_bytes + hop_bytes + order_words_bytes) / 4;
    const std::uint64_t remaining = settings.hops - (hop_bytes > 0 ? 1U : 0U);
    return IntHeader{std::uint64_t{int_type_md} << 60U | static_cast<std::uint64_t>(npt) << 58U |
                         words << IntHeader::length_shift | std::uint64_t{int_version} << 28U | flags |
                         hop_bytes_ / 4 << 8U | remaining,
                     std::uint64_t{settings.bitmap} << 48U | std::uint64_t{int_domain} << 32U |
                         std::uint64_t{order_words_instruction} << 16U};
  };
  with_hop_ = header(hop_bytes_, 0);
  without_hop_ = header(0, 0);
  no_room_for_hop_ = header(0, IntHeader::mtu_exceeded_bit);
}

Rewritten StrandStamp::stamp(const FrameInBuffer& frame, const OrderWords& words,
                             const HopMetadata* own_hop) const noexcept {
  UdpPacket packet;
  if (const IntFault fault = find_udp(frame, 0, packet); fault != IntFault::none) return {.fault = fault};
  const auto [opening, hop_bytes] = opening_.choose(packet.ip_bytes + int_min_bytes, own_hop != nullptr);
  if (opening == nullptr) return {.fault = IntFault::exceeds_mtu};
  const std::size_t added = int_min_bytes + hop_bytes;
  if (added > frame.headroom) return {.fault = IntFault::no_headroom};

  const OldChecksums old{frame};
  const std::size_t header_bytes = frame.l4_offset + udp_header_bytes;
  std::byte* begin = frame.begin() - added;
  move_headers(begin, frame.begin(), header_bytes);

  std::byte* shim = begin + header_bytes;
  IntHeader header = *opening;
  header.first |= std::uint64_t{packet.destination_port} << IntHeader::original_shift;
  header.store(shim);
  std::uint64_t hop_sum = 0;
  if (hop_bytes > 0) hop_sum = store_hop(shim + int_fixed_bytes, bitmap_, *own_hop);
  store_order_words(shim + int_fixed_bytes + hop_bytes, words);

  std::byte* udp = begin + frame.l4_offset;
  store_be16(udp + udp_dport_offset, udp_port_);
  const std::uint64_t longer =
      set_lengths(begin, frame, packet.ip_bytes, old.ipv4, static_cast<std::ptrdiff_t>(added));
  if (old.udp != 0) {
    const std::uint64_t ports =
        checksum_word(udp_port_) + checksum_minus(checksum_word(packet.destination_port));
    adjust_udp_checksum(udp + udp_checksum_offset, old.udp,
                        longer + ports + header.sum() + hop_sum + order_words_sum(words));
  }
  return {.front_moved = static_cast<std::uint16_t>(added),
          .frame_bytes = static_cast<std::uint32_t>(frame.l3_offset + packet.ip_bytes + added)};
}

}  // namespace braidway::telemetry
