// The source: order words and INT-MD go into a packet, between its UDP header and its payload (NPT 1, a
// "strand"). The UDP destination port becomes the domain's INT port; the shim keeps the original one. Link,
// IP and UDP headers move into the headroom, the payload stays where it is. Nothing else is changed:
// addresses, source port, DSCP, ECN, TTL, IPv4 id, and the ICRC at the end, which is stale until the sink has
// stripped.
//
// The IPv4 header checksum follows incrementally, the UDP checksum too; a UDP checksum of 0 ("none", what
// RoCEv2 mostly has, over IPv6 too) stays 0. An IPv4 checksum of FFFF, which no right computation gives, is
// stripped as its equal 0000.
//
// Made once per kind of packet and egress, by the control side; stamping needs no state. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "telemetry/int_md.hpp"
#include "telemetry/order_tag.hpp"
#include "telemetry/roce.hpp"
#include "telemetry/udp_packet.hpp"

namespace braidway::telemetry {

/// What a source asks of the hops on the way.
struct IntSettings {
  std::uint16_t udp_port = int_udp_port;  ///< one for the whole domain
  std::uint16_t bitmap = 0;               ///< of int_defined_bits; 0: order words only
  std::uint8_t hops = 8;                  ///< that may write, ourselves included: at least 1
  std::uint16_t mtu = 1500;               ///< of the egress: the longest IP packet, bytes
};

/// Shim and INT-MD header as a source begins them, and the room that they take.
class IntOpening {
 public:
  IntOpening(const IntSettings& settings, Npt npt) noexcept;

  struct Choice {
    const IntHeader* header = nullptr;  ///< nullptr: not even the order words fit the MTU
    std::size_t hop_bytes = 0;          ///< of our own
  };
  /// For an IP packet that has `ip_bytes` with all but our own hop. If only that does not fit, it is left out
  /// and M set.
  [[nodiscard]] Choice choose(std::size_t ip_bytes, bool own_hop) const noexcept {
    const std::size_t hop_bytes = own_hop ? hop_bytes_ : 0;
    if (ip_bytes + hop_bytes <= mtu_) [[likely]] {
      return {own_hop ? &with_hop_ : &without_hop_, hop_bytes};
    }
    if (ip_bytes <= mtu_) return {&no_room_for_hop_, 0};
    return {};
  }

 private:
  IntHeader with_hop_;
  IntHeader without_hop_;
  IntHeader no_room_for_hop_;
  std::size_t hop_bytes_;
  std::size_t mtu_;
};

class StrandStamp {
 public:
  explicit StrandStamp(const IntSettings& settings) noexcept
      : opening_(settings, Npt::port), bitmap_(settings.bitmap), udp_port_(settings.udp_port) {}

  /// Stamps a UDP packet. `own_hop`: our own metadata for the bitmap, or nullptr to leave them to others.
  /// front_moved is towards the memory's beginning. Faults: those of the packet, no_headroom, exceeds_mtu.
  Rewritten stamp(const FrameInBuffer& frame, const OrderWords& words,
                  const HopMetadata* own_hop) const noexcept;

 private:
  IntOpening opening_;
  std::uint16_t bitmap_;
  std::uint16_t udp_port_;
};

}  // namespace braidway::telemetry
