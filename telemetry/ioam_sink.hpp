// The sink of a trace: what a packet brings is read and checked (examine), then the packet inside is what
// goes on (strip), byte for byte but for ECN, which becomes what RFC 6040 (figure 4) says. Between the two
// the nodes' data can be read where it lies; stripping writes the link header over it.
//
// Whether the outer destination is ours is the caller's to know. Any Hop-by-Hop option beside the trace goes
// with the outer header. Pure; any thread.
#pragma once

#include <cstdint>

#include "telemetry/ioam.hpp"
#include "telemetry/ioam_source.hpp"

namespace braidway::telemetry {

/// A packet with a trace, examined and found right.
struct Traced {
  IoamTrace trace;
  IoamNodes nodes;
  std::uint8_t node_count = 0;
  // For strip.
  std::uint16_t inner_offset = 0;  ///< from the frame's beginning
  std::uint32_t inner_bytes = 0;
  bool inner_ipv4 = false;
  std::uint8_t inner_ecn = 0;  ///< that the packet is to have
  bool inner_ecn_changes = false;
};

/// `out` means nothing if there is a fault: one of find_ioam_trace, other_namespace, nodes_uneven, or one of
/// those for the sink.
IoamFault examine_ioam(const FrameInBuffer& frame, std::uint16_t namespace_id, Traced& out) noexcept;

/// Strips what examine_ioam() has just found right in the same frame, unchanged since. front_moved is away
/// from the memory's beginning; the result is without fault.
IoamRewritten strip_ioam(const FrameInBuffer& frame, const Traced& traced) noexcept;

}  // namespace braidway::telemetry
