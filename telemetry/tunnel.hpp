// The source of a tunnel: a whole IP packet goes behind a new link header, IP, UDP and INT-MD (NPT 2). The
// outer UDP source port is the path's: it is what pins the tunnel to one way through somebody's ECMP fabric.
//
// The packet inside is not touched, neither its TTL: the fabric is one link to it. DSCP and ECN are copied
// outwards (RFC 6040, normal mode; switches classify by DSCP); what the sink makes of the outer ones is in
// strip.hpp.
//
// The outer UDP checksum is 0, over IPv6 too: RFC 6935 allows it to tunnels, and of RFC 6936's conditions the
// packet inside bears its own: a damaged address or port makes a packet that no sink takes for tagged or that
// its receiver's ICRC refuses. IPv4: id 0 with DF set (RFC 6864: an atomic datagram).
//
// Made once per path, by the control side; stamping needs no state. Any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "lb/flow_key.hpp"
#include "telemetry/int_md.hpp"
#include "telemetry/stamp.hpp"
#include "telemetry/udp_packet.hpp"

namespace braidway::telemetry {

/// Ethernet header with its VLAN tags. The EtherType at its end is written by whoever uses it.
class LinkHeader {
 public:
  LinkHeader() = default;
  /// 14 to 22 bytes.
  explicit LinkHeader(std::span<const std::byte> header) noexcept;

  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  /// Writes the header so that it ends at `end`. 32 bytes before `end` are written over.
  void write_before(std::byte* end, std::uint16_t ethertype) const noexcept {
    std::memcpy(end - room, image_.data(), room);
    store_be16(end - 2, ethertype);
  }

  static constexpr std::size_t room = 32;

 private:
  std::array<std::byte, room> image_{};  ///< the header at its end
  std::uint8_t bytes_ = ethernet_header_bytes;
};

struct TunnelSettings {
  IntSettings telemetry;
  LinkHeader link;
  lb::IpAddress source;  ///< both IPv4 or both IPv6
  lb::IpAddress destination;
  std::uint16_t source_port = 0;
  std::uint32_t flow_label = 0;  ///< IPv6's, 20 bits; the path's, as the source port
  std::uint8_t hop_limit = 64;   ///< or TTL
};

class TunnelStamp {
 public:
  explicit TunnelStamp(const TunnelSettings& settings) noexcept;

  /// Stamps any IP packet; l4_offset is not looked at. The frame's own link header is left behind. Faults:
  /// not_plain_ip (there is no IP header in the piece of memory given), ip_length_mismatch, no_headroom,
  /// exceeds_mtu.
  Rewritten stamp(const FrameInBuffer& frame, const OrderWords& words,
                  const HopMetadata* own_hop) const noexcept;

  /// From the new frame's beginning.
  [[nodiscard]] std::uint16_t l3_offset() const noexcept { return link_bytes_; }
  [[nodiscard]] std::uint16_t l4_offset() const noexcept {
    return static_cast<std::uint16_t>(link_bytes_ + ip_header_bytes_);
  }

 private:
  void finish_ip_header(std::byte* ip, std::size_t ip_bytes, std::uint8_t traffic_class) const noexcept;

  static constexpr std::size_t most_bytes = max_link_header_bytes + ipv6_header_bytes + udp_header_bytes;

  IntOpening opening_;
  std::uint16_t bitmap_;
  std::uint8_t link_bytes_;
  std::uint8_t ip_header_bytes_;
  std::uint32_t flow_label_;
  std::uint64_t ipv4_sum_ = 0;                   ///< of the IPv4 header without type of service and length
  std::array<std::byte, most_bytes> headers_{};  ///< link, IP and UDP; lengths and traffic class are 0
};

}  // namespace braidway::telemetry
