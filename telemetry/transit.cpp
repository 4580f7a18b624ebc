#include "telemetry/transit.hpp"

namespace braidway::telemetry {
namespace {

constexpr std::uint64_t one_word_of_length = std::uint64_t{1} << IntHeader::length_shift;
constexpr std::uint64_t one_hop = 1;  // of the remaining hop count

IntFault check(const FrameInBuffer& frame, const UdpPacket& packet, std::uint16_t udp_port,
               IntHeader& header) noexcept {
  if (packet.destination_port != udp_port) return IntFault::not_int_port;
  if (packet.udp_bytes < udp_header_bytes + int_fixed_bytes) return IntFault::int_truncated;
  header = IntHeader::load(frame.begin() + frame.l4_offset + udp_header_bytes);
  if (header.type() != int_type_md) return IntFault::int_unknown_type;
  if (header.version() != int_version) return IntFault::int_wrong_version;
  const std::size_t after_shim = 4 * header.length_words();
  if (after_shim < int_md_header_bytes || udp_header_bytes + int_shim_bytes + after_shim > packet.udp_bytes) {
    return IntFault::int_shim_length;
  }
  return header.hop_words() == int_hop_words(header.bitmap()) ? IntFault::none : IntFault::int_hop_length;
}

/// The frame is where it was, and as long.
Rewritten untouched(const FrameInBuffer& frame) noexcept {
  return {.frame_bytes = static_cast<std::uint32_t>(frame.frame_bytes)};
}

/// What the replacement of shim and INT-MD header adds to a checksum's sum.
std::uint64_t header_change(const IntHeader& was, const IntHeader& now) noexcept {
  return checksum_minus(checksum_fold(was.sum())) + now.sum();
}

Transited flag(const FrameInBuffer& frame, const IntHeader& header, std::uint64_t bit,
               TransitOutcome outcome) noexcept {
  std::byte* udp = frame.begin() + frame.l4_offset;
  const std::uint16_t udp_checksum = OldChecksums{frame}.udp;
  const IntHeader flagged{header.first | bit, header.second};
  flagged.store(udp + udp_header_bytes);
  if (udp_checksum != 0) {
    adjust_udp_checksum(udp + udp_checksum_offset, udp_checksum, header_change(header, flagged));
  }
  return {.frame = untouched(frame), .outcome = outcome};
}

Transited push(const FrameInBuffer& frame, const UdpPacket& packet, const IntHeader& header,
               const HopMetadata& metadata) noexcept {
  const std::size_t added = 4 * header.hop_words();
  const OldChecksums old{frame};
  const std::size_t header_bytes = frame.l4_offset + udp_header_bytes;
  std::byte* begin = frame.begin() - added;
  move_headers(begin, frame.begin(), header_bytes);

  const IntHeader longer_stack{header.first + header.hop_words() * one_word_of_length - one_hop,
                               header.second};
  longer_stack.store(begin + header_bytes);
  const std::uint64_t hop_sum = store_hop(begin + header_bytes + int_fixed_bytes, header.bitmap(), metadata);
  const std::uint64_t longer =
      set_lengths(begin, frame, packet.ip_bytes, old.ipv4, static_cast<std::ptrdiff_t>(added));
  if (old.udp != 0) {
    adjust_udp_checksum(begin + frame.l4_offset + udp_checksum_offset, old.udp,
                        longer + header_change(header, longer_stack) + hop_sum);
  }
  return {.frame = {.front_moved = static_cast<std::uint16_t>(added),
                    .frame_bytes = static_cast<std::uint32_t>(frame.l3_offset + packet.ip_bytes + added)},
          .outcome = TransitOutcome::pushed};
}

}  // namespace

Transited push_hop(const FrameInBuffer& frame, const TransitHop& hop, const HopMetadata& metadata) noexcept {
  UdpPacket packet;
  IntHeader header;
  IntFault fault = find_udp(frame, int_fixed_bytes, packet);
  if (fault == IntFault::none) fault = check(frame, packet, hop.udp_port, header);
  if (fault != IntFault::none) return {.frame = {.fault = fault}};

  const std::size_t hop_bytes = 4 * header.hop_words();
  if (hop_bytes == 0) return {.frame = untouched(frame), .outcome = TransitOutcome::nothing_asked};
  if (header.remaining_hops() == 0) {
    return flag(frame, header, IntHeader::hops_exceeded_bit, TransitOutcome::hops_exceeded);
  }
  if (packet.ip_bytes + hop_bytes > hop.mtu) {
    return flag(frame, header, IntHeader::mtu_exceeded_bit, TransitOutcome::mtu_exceeded);
  }
  if (header.length_words() + header.hop_words() > int_max_length_words) {
    return {.frame = untouched(frame), .outcome = TransitOutcome::stack_full};
  }
  if (hop_bytes > frame.headroom) return {.frame = {.fault = IntFault::no_headroom}};
  return push(frame, packet, header, metadata);
}

}  // namespace braidway::telemetry
