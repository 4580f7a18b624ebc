// The two things that a wire may do to a frame's bytes: mark congestion, flip a bit. Frames begin with their
// Ethernet header and have no FCS; up to four VLAN tags are looked through (IEEE 802.1Q, 802.1ad). Pure: no
// state, any thread, no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace braidway::bench::wire {

/// Sets Congestion Experienced in an IPv4 or IPv6 packet that says it is ECN-capable (RFC 3168, section 5),
/// and keeps an IPv4 header's checksum right (RFC 1624). True if it did: not if the packet is marked already,
/// is not ECN-capable, or is no IP.
bool mark_ce(std::span<std::byte> frame) noexcept;

/// Flips one bit of the payload: of what is behind the IP header and the eight bytes of a UDP header, without
/// Ethernet padding; of other frames, behind the Ethernet header and its tags. `draw` says which, evenly.
/// False if there is no payload.
bool flip_payload_bit(std::span<std::byte> frame, std::uint64_t draw) noexcept;

}  // namespace braidway::bench::wire
