// The little that a tunnel needs to know of the IP packet that it carries (RFC 791, RFC 8200), and what
// becomes of ECN where the packet enters and leaves (RFC 6040). Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "telemetry/udp_packet.hpp"

namespace braidway::telemetry {

inline constexpr std::uint16_t ethertype_ipv4 = 0x0800;
inline constexpr std::uint16_t ethertype_ipv6 = 0x86dd;

struct IpPacket {
  std::size_t bytes = 0;           ///< header included
  std::uint8_t traffic_class = 0;  ///< DSCP(6), ECN(2); IPv4's type of service
  bool ipv4 = false;
};

/// The packet at `ip`, of which `contiguous` bytes may be read. False if there is none, or less of it than
/// its header without options. Fragments, options and extension headers are as good as any other.
inline bool find_ip(const std::byte* ip, std::size_t contiguous, IpPacket& out) noexcept {
  if (contiguous < ipv4_header_bytes) return false;
  const auto first = std::to_integer<unsigned>(ip[0]);
  if (first >> 4U == 4) {
    const std::size_t header_bytes = std::size_t{4} * (first & 0xfU);
    out = {.bytes = load_be16(ip + 2), .traffic_class = std::to_integer<std::uint8_t>(ip[1]), .ipv4 = true};
    return header_bytes >= ipv4_header_bytes && out.bytes >= header_bytes;
  }
  if (first >> 4U != 6 || contiguous < ipv6_header_bytes) return false;
  out = {.bytes = ipv6_header_bytes + load_be16(ip + 4),
         .traffic_class = static_cast<std::uint8_t>(load_be16(ip) >> 4U),
         .ipv4 = false};
  return true;
}

inline constexpr unsigned ecn_mask = 3;
inline constexpr unsigned ecn_not_ect = 0;
inline constexpr unsigned ecn_ect1 = 1;
inline constexpr unsigned ecn_ect0 = 2;
inline constexpr unsigned ecn_ce = 3;
/// No mark can be handed on: the packet must be dropped, or congestion would go unheard.
inline constexpr unsigned ecn_drop = 4;

namespace detail {
/// RFC 6040, figure 4: [arriving inner header][arriving outer header]. Columns and rows by code point.
inline constexpr std::array<std::array<std::uint8_t, 4>, 4> decapsulated_ecn{{
    {ecn_not_ect, ecn_not_ect, ecn_not_ect, ecn_drop},
    {ecn_ect1, ecn_ect1, ecn_ect1, ecn_ce},
    {ecn_ect0, ecn_ect1, ecn_ect0, ecn_ce},
    {ecn_ce, ecn_ce, ecn_ce, ecn_ce},
}};
}  // namespace detail

/// The ECN field that the packet goes on with. At the way in (normal mode) the outer one is a copy of the
/// inner.
constexpr unsigned decapsulated_ecn(unsigned inner, unsigned outer) noexcept {
  return detail::decapsulated_ecn[inner & ecn_mask][outer & ecn_mask];
}

/// Writes a packet's ECN field if it is another one, and follows with IPv4's header checksum.
inline void set_ecn(std::byte* ip, bool ipv4, unsigned ecn) noexcept {
  if (!ipv4) {
    ip[1] = (ip[1] & std::byte{0xcf}) | static_cast<std::byte>(ecn << 4U);
    return;
  }
  if ((std::to_integer<unsigned>(ip[1]) & ecn_mask) == ecn) return;
  const std::uint16_t was = load_checksum_word(ip);
  ip[1] = (ip[1] & std::byte{0xfc}) | static_cast<std::byte>(ecn);
  adjust_ipv4_checksum(ip + ipv4_checksum_offset, load_checksum_word(ip + ipv4_checksum_offset),
                       checksum_minus(was) + load_checksum_word(ip));
}

}  // namespace braidway::telemetry
