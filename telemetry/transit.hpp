// A hop on the way: its own metadata go onto the stack of an INT-MD packet, whichever domain's it is. Shim
// and INT-MD header move into the headroom with the headers in front of them; the stack and all behind it
// stay (INT 2.1, "INT-MD Metadata Header Format").
//
// A hop writes exactly HopML words or nothing. It changes nothing else but E, M, the remaining hop count,
// lengths and checksums. The domain-specific part is the domain's own: where a foreign domain asks hops for
// more words than the bitmap does, nothing is written.
//
// Pure; any thread.
#pragma once

#include <cstdint>

#include "telemetry/int_md.hpp"
#include "telemetry/udp_packet.hpp"

namespace braidway::telemetry {

enum class TransitOutcome : std::uint8_t {
  pushed,
  nothing_asked,  ///< the bitmap is empty; nothing is changed
  hops_exceeded,  ///< no hop remains: E was set
  mtu_exceeded,   ///< the packet would outgrow its egress: M was set
  stack_full,     ///< the shim's Length cannot grow (255 words, a stack of 1008 bytes); nothing is changed
  passed,         ///< not for us to write on: see the fault; nothing is changed
};

struct Transited {
  Rewritten frame;  ///< front_moved is towards the memory's beginning
  TransitOutcome outcome = TransitOutcome::passed;
};

struct TransitHop {
  std::uint16_t udp_port = 0;  ///< the domain's INT port
  std::uint16_t mtu = 1500;    ///< of the egress: the longest IP packet, bytes
};

/// Faults: those of the packet; not_int_port, int_truncated, int_unknown_type, int_wrong_version,
/// int_shim_length, int_hop_length; no_headroom.
Transited push_hop(const FrameInBuffer& frame, const TransitHop& hop, const HopMetadata& metadata) noexcept;

}  // namespace braidway::telemetry
