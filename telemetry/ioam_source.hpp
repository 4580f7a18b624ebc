// The source of a trace: the packet goes behind a new IPv6 header and a Hop-by-Hop header with free room for
// the nodes' data. It is not ours, so nothing may be inserted into it (RFC 8200, section 4): it travels
// inside (IPv6-in-IPv6, or IPv4-in-IPv6), untouched, and its link header moves to the new front.
//
// DSCP and ECN are copied outwards (RFC 6040, normal mode); what the sink makes of the outer ones is in
// ioam_sink.hpp. The Hop-by-Hop header begins with PadN so that the option is aligned (RFC 9486, section 4).
//
// Made once per peer, by the control side; 308 bytes. Adding a trace needs no state. Any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lb/flow_key.hpp"
#include "telemetry/ioam.hpp"

namespace braidway::telemetry {

struct IoamSettings {
  lb::IpAddress source;  ///< of the outer header: IPv6
  lb::IpAddress destination;
  std::uint32_t trace_type = 0;    ///< of the bits that are defined
  std::uint16_t namespace_id = 0;  ///< 0: the default namespace
  std::uint8_t nodes = 1;          ///< that find room, ourselves included
  std::uint8_t opaque_words = 0;   ///< of each node, if the trace type asks for opaque data
  std::uint8_t hop_limit = 64;
  std::uint16_t mtu = 1500;  ///< of the egress: the longest IP packet, bytes
};

/// What has become of a frame.
struct IoamRewritten {
  IoamFault fault = IoamFault::none;  ///< if any, nothing was changed
  std::uint16_t front_moved = 0;      ///< bytes that the frame's beginning was moved by
  std::uint32_t frame_bytes = 0;      ///< of link header and IP packet now, as in Rewritten
};
static_assert(sizeof(IoamRewritten) == 8, "returned in a register");

class IoamSource {
 public:
  /// Faults: empty_trace_type, undefined_trace_bits, no_nodes, trace_too_long.
  static IoamFault check(const IoamSettings& settings) noexcept;

  /// Of settings without fault.
  explicit IoamSource(const IoamSettings& settings) noexcept;

  /// Bytes that a packet grows by, all of them into the headroom: at most 304.
  [[nodiscard]] std::size_t added_bytes() const noexcept { return added_; }

  /// Adds the headers to any IP packet; l4_offset is not looked at. `flow_label`: the outer one, 20 bits.
  /// `own`: our own data, or nullptr to leave it to others; with more opaque data than there is room for, O
  /// is set instead. front_moved is towards the memory's beginning. Faults: those of the frame.
  IoamRewritten add(const FrameInBuffer& frame, std::uint32_t flow_label, const IoamNode* own) const noexcept;

 private:
  static constexpr std::size_t padding_bytes = 4;  ///< next header, length, PadN of two bytes
  static constexpr std::size_t most_bytes = ipv6_header_bytes + padding_bytes + ioam_option_header_bytes +
                                            ioam_trace_header_bytes + ioam_max_data_bytes + 4;

  std::array<std::byte, most_bytes> headers_{};  ///< flow label, traffic class, length and protocol are 0
  std::uint16_t added_;
  std::uint16_t mtu_;
};

}  // namespace braidway::telemetry
