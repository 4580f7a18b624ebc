// A UDP packet in a buffer whose headers are moved to make room behind them, or to take room away: the
// payload stays where it is. What source, transit and sink of INT have in common.
//
// Lengths and checksums of IPv4 (RFC 791), IPv6 (RFC 8200) and UDP (RFC 768) follow incrementally. Pure; the
// bytes belong to the caller during a call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "telemetry/big_endian.hpp"
#include "telemetry/checksum.hpp"
#include "telemetry/int_fault.hpp"

namespace braidway::telemetry {

inline constexpr std::size_t ethernet_header_bytes = 14;
/// Ethernet with two VLAN tags: the longest link header that is moved.
inline constexpr std::size_t max_link_header_bytes = ethernet_header_bytes + 8;
inline constexpr std::size_t ipv4_header_bytes = 20;
inline constexpr std::size_t ipv6_header_bytes = 40;
inline constexpr std::size_t udp_header_bytes = 8;
inline constexpr std::size_t udp_dport_offset = 2;
inline constexpr std::size_t udp_length_offset = 4;
inline constexpr std::size_t udp_checksum_offset = 6;
inline constexpr std::size_t ipv4_checksum_offset = 10;

inline constexpr std::uint8_t protocol_ipv4 = 4;  ///< IPv4 in IP
inline constexpr std::uint8_t protocol_udp = 17;
inline constexpr std::uint8_t protocol_ipv6 = 41;  ///< IPv6 in IP

/// A frame, and the free bytes in front of it that headers may move into. As an mbuf's first segment: buffer,
/// data offset, packet length.
struct FrameInBuffer {
  /// The free bytes, then the frame: all of it, or as much of its beginning as lies in one piece.
  std::span<std::byte> memory;
  std::size_t headroom = 0;
  std::size_t frame_bytes = 0;  ///< of the whole frame, without FCS
  std::uint16_t l3_offset = 0;  ///< from the frame's beginning, as the parser found them
  std::uint16_t l4_offset = 0;

  [[nodiscard]] std::byte* begin() const noexcept { return memory.data() + headroom; }
  /// Bytes of the frame that may be read.
  [[nodiscard]] std::size_t contiguous() const noexcept {
    return memory.size() < headroom ? 0 : memory.size() - headroom;
  }
};

/// What has become of a frame.
struct Rewritten {
  IntFault fault = IntFault::none;  ///< if any, nothing was changed
  std::uint16_t front_moved = 0;    ///< bytes that the frame's beginning was moved by
  /// Of the frame now: link header and IP packet. What came behind those (padding, trailers) is none of the
  /// frame any more. If that is less than Ethernet's 60, whoever transmits pads.
  std::uint32_t frame_bytes = 0;
};
static_assert(sizeof(Rewritten) == 8, "returned in a register");

/// The IP packet at l3_offset, and the UDP datagram that fills it, as read before any header is moved.
struct UdpPacket {
  std::size_t ip_bytes = 0;  ///< header included
  std::size_t udp_bytes = 0;
  std::uint16_t destination_port = 0;
};

/// Checks all that the codecs rely on, whatever the offsets are; and that the first `needed` bytes behind the
/// UDP header lie in one piece with the headers, if UDP has that many.
inline IntFault find_udp(const FrameInBuffer& frame, std::size_t needed, UdpPacket& out) noexcept {
  const std::size_t l3 = frame.l3_offset;
  const std::size_t l4 = frame.l4_offset;
  const std::size_t contiguous = frame.contiguous();
  if (l3 < ethernet_header_bytes || l3 > max_link_header_bytes) return IntFault::not_plain_ip;
  if (l4 + udp_header_bytes > contiguous) return IntFault::headers_scattered;
  const std::byte* ip = frame.begin() + l3;
  const std::uint64_t first = load_be64(ip);
  if (l4 == l3 + ipv4_header_bytes) {
    // Version and IHL, more fragments and fragment offset.
    if (((first ^ 0x4500'0000'0000'0000) & 0xff00'0000'0000'3fff) != 0) return IntFault::not_plain_ip;
    if (ip[9] != std::byte{protocol_udp}) return IntFault::not_plain_udp;
    out.ip_bytes = first >> 32U & 0xffffU;
  } else if (l4 == l3 + ipv6_header_bytes) {
    if (first >> 60U != 6) return IntFault::not_plain_ip;
    if ((first >> 8U & 0xffU) != protocol_udp) return IntFault::not_plain_udp;
    out.ip_bytes = ipv6_header_bytes + (first >> 16U & 0xffffU);
  } else {
    return IntFault::not_plain_ip;
  }
  const std::uint64_t udp = load_be64(frame.begin() + l4);
  out.udp_bytes = udp >> 16U & 0xffffU;
  out.destination_port = static_cast<std::uint16_t>(udp >> 32U);
  if (l3 + out.ip_bytes > frame.frame_bytes || l4 - l3 + out.udp_bytes != out.ip_bytes ||
      out.udp_bytes < udp_header_bytes) {
    return IntFault::ip_length_mismatch;
  }
  const std::size_t head = l4 + udp_header_bytes + needed;
  if (head > contiguous && l4 + out.udp_bytes > contiguous) return IntFault::headers_scattered;
  return IntFault::none;
}

/// Moves 32 to 96 bytes; the places may overlap. A few registers, where memmove would be called (and where
/// arrays, for all that they are as long, would go by way of the stack).
inline void move_headers(std::byte* to, const std::byte* from, std::size_t bytes) noexcept {
  using Block = std::uint8_t __attribute__((vector_size(32)));
  const auto load = [](const std::byte* at) {
    Block block;
    std::memcpy(&block, at, sizeof block);
    return block;
  };
  const auto store = [](std::byte* at, const Block& block) { std::memcpy(at, &block, sizeof block); };
  const Block first = load(from);
  const Block last = load(from + bytes - sizeof(Block));
  if (bytes > 2 * sizeof(Block)) {
    const Block middle = load(from + sizeof(Block));
    store(to + sizeof(Block), middle);
  }
  store(to, first);
  store(to + bytes - sizeof(Block), last);
}

/// The checksums as they were: to be read before headers are moved.
struct OldChecksums {
  std::uint16_t ipv4;  ///< means nothing for IPv6
  std::uint16_t udp;   ///< 0: none

  explicit OldChecksums(const FrameInBuffer& frame) noexcept
      : ipv4(load_checksum_word(frame.begin() + frame.l3_offset + ipv4_checksum_offset)),
        udp(load_checksum_word(frame.begin() + frame.l4_offset + udp_checksum_offset)) {}
};

/// Writes lengths and the IPv4 checksum of a packet of `ip_bytes` that has become `longer` bytes longer (or
/// shorter, if negative), and whose frame begins at `begin` now. Returns what that adds to the UDP checksum's
/// sum.
inline std::uint64_t set_lengths(std::byte* begin, const FrameInBuffer& frame, std::size_t ip_bytes,
                                 std::uint16_t ipv4_checksum, std::ptrdiff_t longer) noexcept {
  std::byte* ip = begin + frame.l3_offset;
  const std::size_t ip_header_bytes = frame.l4_offset - frame.l3_offset;
  const auto now = static_cast<std::size_t>(static_cast<std::ptrdiff_t>(ip_bytes) + longer);
  const std::uint64_t change = longer >= 0 ? std::uint64_t{checksum_word(static_cast<std::size_t>(longer))}
                                           : checksum_minus(checksum_word(static_cast<std::size_t>(-longer)));
  if (ip_header_bytes == ipv4_header_bytes) {
    store_be16(ip + 2, static_cast<std::uint16_t>(now));
    adjust_ipv4_checksum(ip + ipv4_checksum_offset, ipv4_checksum, change);
  } else {
    store_be16(ip + 4, static_cast<std::uint16_t>(now - ipv6_header_bytes));
  }
  store_be16(begin + frame.l4_offset + udp_length_offset, static_cast<std::uint16_t>(now - ip_header_bytes));
  return 2 * change;  // once in the UDP header, once in the pseudo header
}

}  // namespace braidway::telemetry
