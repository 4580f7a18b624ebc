// IOAM's pre-allocated trace (RFC 9197, section 4.4) in an option of IPv6's Hop-by-Hop header (RFC 9486):
//
//     0x31 | option length | 0 | 0           option type, IOAM option-type "pre-allocated trace"
//     namespace (16) | NodeLen (5) Flags (4) RemLen (7)
//     trace type (24) | reserved (8)
//     free room, then the nodes' data, the newest first
//
// Nodes fill the room from its end. NodeLen, RemLen: words of four bytes. What a node does not know is all
// ones. Bits that the standards reserve, and the Loopback and Active flags (RFC 9322, which nobody has to
// know), are ignored on receipt.
//
// Units, which the standard leaves to the operator but for times: delays in nanoseconds, depths in bytes.
//
// Pure; nothing here keeps state. Any thread.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>

#include "telemetry/ioam_fault.hpp"
#include "telemetry/udp_packet.hpp"

namespace braidway::telemetry {

inline constexpr std::size_t hop_by_hop_unit_bytes = 8;
inline constexpr std::uint8_t next_header_hop_by_hop = 0;
inline constexpr std::uint8_t ioam_option = 0x31;  ///< skipped by who does not know it, may change en route
inline constexpr std::uint8_t ioam_preallocated_trace = 0;
/// Option type and length, reserved byte, IOAM option-type.
inline constexpr std::size_t ioam_option_header_bytes = 4;
inline constexpr std::size_t ioam_trace_header_bytes = 8;
/// An option has at most 255 bytes behind its length; Linux keeps to the same limit.
inline constexpr std::size_t ioam_max_data_bytes = 244;

// Bits of the trace type. Each asks for a word, but for those marked. Bits 12-21 are undefined, a word each;
// bit 23 is reserved.
inline constexpr std::uint32_t ioam_node_id = 0x80'0000;  ///< and hop limit
inline constexpr std::uint32_t ioam_interfaces = 0x40'0000;
inline constexpr std::uint32_t ioam_seconds = 0x20'0000;
inline constexpr std::uint32_t ioam_fraction = 0x10'0000;
inline constexpr std::uint32_t ioam_transit_delay = 0x08'0000;
inline constexpr std::uint32_t ioam_namespace_data = 0x04'0000;
inline constexpr std::uint32_t ioam_queue_depth = 0x02'0000;
inline constexpr std::uint32_t ioam_checksum_complement = 0x01'0000;
inline constexpr std::uint32_t ioam_node_id_wide = 0x00'8000;         ///< and hop limit; two words
inline constexpr std::uint32_t ioam_interfaces_wide = 0x00'4000;      ///< two words
inline constexpr std::uint32_t ioam_namespace_data_wide = 0x00'2000;  ///< two words
inline constexpr std::uint32_t ioam_buffer_occupancy = 0x00'1000;
inline constexpr std::uint32_t ioam_opaque = 0x00'0002;  ///< a word and as many as that says; not in NodeLen
inline constexpr std::uint32_t ioam_undefined_bits = 0x00'0ffc;
inline constexpr std::uint32_t ioam_reserved_bit = 0x00'0001;
inline constexpr std::uint32_t ioam_two_word_bits =
    ioam_node_id_wide | ioam_interfaces_wide | ioam_namespace_data_wide;

/// Of the flags: O, some node found no room.
inline constexpr unsigned ioam_flag_overflow = 8;

/// NodeLen: the words of a node, without its opaque data. At most 25.
constexpr std::size_t ioam_node_words(std::uint32_t trace_type) noexcept {
  const std::uint32_t counted = trace_type & ~(ioam_opaque | ioam_reserved_bit);
  const int words = std::popcount(counted) + std::popcount(counted & ioam_two_word_bits);
  return static_cast<std::size_t>(words);
}

/// What one node tells.
struct IoamNode {
  std::uint8_t hop_limit = 0xff;      ///< of the packet. Read only: written is the packet's own
  std::uint32_t node_id = 0xff'ffff;  ///< 24 bits
  std::uint16_t ingress = 0xffff;     ///< interface
  std::uint16_t egress = 0xffff;
  std::uint32_t seconds = 0xffff'ffff;   ///< when the packet came in; since when is the domain's affair
  std::uint32_t fraction = 0xffff'ffff;  ///< of a second; Linux: microseconds
  std::uint32_t transit_delay = 0xffff'ffff;
  std::uint32_t namespace_data = 0xffff'ffff;
  std::uint32_t queue_depth = 0xffff'ffff;
  std::uint32_t checksum_complement = 0xffff'ffff;
  std::uint64_t node_id_wide = 0xff'ffff'ffff'ffff;  ///< 56 bits
  std::uint32_t ingress_wide = 0xffff'ffff;
  std::uint32_t egress_wide = 0xffff'ffff;
  std::uint64_t namespace_data_wide = 0xffff'ffff'ffff'ffff;
  std::uint32_t buffer_occupancy = 0xffff'ffff;
  std::uint32_t schema_id = 0xff'ffff;  ///< of the opaque data, 24 bits
  /// Whole words, at most 255. In a node that was read: in the packet.
  std::span<const std::byte> opaque{};
};

/// Nodes in a packet, read in place: valid as long as the packet's headers are not moved.
class IoamNodes {
 public:
  IoamNodes() = default;
  IoamNodes(std::span<const std::byte> data, std::uint32_t trace_type) noexcept
      : data_(data), trace_type_(trace_type) {}

  /// The newest node not taken yet: the first is the one nearest to the sink. False when there is none, or
  /// what is left is not a whole one.
  bool next(IoamNode& out) noexcept;
  /// Bytes not taken yet.
  [[nodiscard]] std::size_t left() const noexcept { return data_.size(); }

 private:
  std::span<const std::byte> data_;
  std::uint32_t trace_type_ = 0;
};

/// A trace in a packet, whose every length has been checked.
struct IoamTrace {
  std::uint32_t trace_type = 0;
  std::uint16_t namespace_id = 0;
  std::uint8_t flags = 0;
  std::uint8_t node_words = 0;
  std::uint8_t remaining_words = 0;  ///< free
  std::uint8_t space_words = 0;      ///< free or not
  std::uint16_t trace_offset = 0;    ///< of the trace header (namespace), from the frame's beginning
  // Of the packet around it.
  std::uint16_t hop_by_hop_bytes = 0;
  std::uint8_t next_header = 0;  ///< behind the Hop-by-Hop header
  std::uint32_t ip_bytes = 0;    ///< header included

  [[nodiscard]] bool overflowed() const noexcept { return (flags & ioam_flag_overflow) != 0; }
};

/// The pre-allocated trace in the Hop-by-Hop header of the IPv6 packet at l3_offset; l4_offset is not looked
/// at. `out` means nothing if there is a fault. Faults: those of the frame, no_trace, and those of a header
/// or trace that is wrong but for nodes_uneven.
IoamFault find_ioam_trace(const FrameInBuffer& frame, IoamTrace& out) noexcept;

/// Adds a node to the trace whose header is at `trace`, or sets O if it has no room: then the result is
/// false. For source and transit.
bool add_ioam_node(std::byte* trace, const IoamNode& node, std::uint8_t hop_limit) noexcept;

}  // namespace braidway::telemetry
