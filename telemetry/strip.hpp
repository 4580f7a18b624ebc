// The sink: what a tagged packet says is read and checked (examine), then the packet is made again what the
// source had (strip). Between the two the hops' metadata can be read where they lie.
//
// Strands (NPT 1): headers move back over INT; the UDP destination port is the original one; lengths and
// checksums follow incrementally, so that what was damaged on the way is not hidden. ECN, TTL and DSCP are
// left as they arrived: INT signalled by port used no DSCP, so there is none to restore. Tunnels (NPT 2): the
// packet inside gets a link header from the caller; its ECN becomes what RFC 6040 says, its DSCP is its own.
// The outer UDP checksum is not looked at: sources send none, and the packet inside has its own ICRC.
//
// The ICRC is never computed here: it would hide corruption. E and M are information, and a remaining hop
// count of 0 is as good as any other. Pure; any thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "telemetry/int_md.hpp"
#include "telemetry/order_tag.hpp"
#include "telemetry/tunnel.hpp"
#include "telemetry/udp_packet.hpp"

namespace braidway::telemetry {

/// A tagged packet, examined and found right.
struct Tagged {
  IntHeader header;
  OrderWords words;
  StackView stack;
  std::uint32_t ip_bytes = 0;      ///< of the packet as it came, header included
  std::uint8_t traffic_class = 0;  ///< the same: DSCP(6), ECN(2)
  std::uint8_t inner_ecn = 0;      ///< that the packet of a tunnel goes on with
};

/// Reads a packet that came to `int_port`. `out` means nothing if there is a fault: one of those of the
/// packet, or of those listed for tagged packets.
IntFault examine(const FrameInBuffer& frame, std::uint16_t int_port, Tagged& out) noexcept;

/// Strips what examine() has just found right in the same frame, unchanged since. front_moved is away from
/// the memory's beginning; the result is without fault. `link`: for the packet of a tunnel.
Rewritten strip(const FrameInBuffer& frame, const Tagged& tagged, const LinkHeader& link) noexcept;

}  // namespace braidway::telemetry
