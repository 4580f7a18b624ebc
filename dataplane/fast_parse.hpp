// The shape that nearly all frames of a RoCEv2 host have, recognised with a dozen loads at fixed offsets:
// untagged Ethernet, IPv4 without options or fragments, UDP to 4791, a BTH of a known transport. Whatever
// differs is parse_frame()'s; for frames of this shape both give the same answer (a test holds them against
// each other).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dataplane/parser.hpp"
#include "telemetry/roce.hpp"

namespace braidway::dataplane {

/// Offsets in such a frame, bytes.
inline constexpr std::uint16_t plain_l3_offset = 14;
inline constexpr std::uint16_t plain_l4_offset = 34;
inline constexpr std::size_t plain_header_bytes = plain_l4_offset + 8 + telemetry::bth_bytes;

namespace detail {

inline std::uint64_t load64(const std::byte* from) noexcept {
  std::uint64_t word;
  std::memcpy(&word, from, sizeof word);
  return word;
}

/// Bit t is set for the connected transports RC, UC and XRC and for UD, by the opcode's three transport bits.
/// CNP's bits are not: nothing else of them is defined, and CNPs are few.
inline constexpr unsigned plain_transports = 1U << 0U | 1U << 1U | 1U << 3U | 1U << 5U;
inline constexpr unsigned ud_transport = 3;

}  // namespace detail

/// True if the frame is plain RoCEv2 over IPv4; then `traffic_class` and `key` are set, and the offsets are
/// the constants above. `head` holds at least plain_header_bytes.
inline bool parse_plain_rocev2(const std::byte* head, std::size_t frame_bytes, TrafficClass& traffic_class,
                               lb::FlowKey& key) noexcept {
  // Eight bytes each, the first byte on the wire lowest.
  const std::uint64_t ethertype_ihl_length = detail::load64(head + 12);  // 08 00 45 .. LL LL .. ..
  const std::uint64_t fragment_protocol = detail::load64(head + 20);     // FF FF .. 11 .. .. .. ..
  const std::uint64_t addresses = detail::load64(head + 26);
  const std::uint64_t udp = detail::load64(head + plain_l4_offset);      // .. .. 12 b7 LL LL .. ..
  const std::uint64_t bth = detail::load64(head + plain_l4_offset + 8);  // op flags .. .. .. qpn qpn qpn
  // Both lengths are the fifth and sixth byte of their eight.
  const std::size_t ip_bytes = __builtin_bswap64(ethertype_ihl_length) >> 16U & 0xffffU;
  const std::size_t udp_bytes = __builtin_bswap64(udp) >> 16U & 0xffffU;
  const auto transport = static_cast<unsigned>(bth >> 5U) & 7U;
  const std::uint64_t differs =
      ((ethertype_ihl_length ^ 0x45'0008U) & 0xff'ffffU) |
      ((fragment_protocol ^ 0x1100'0000U) & 0xff00'ff3fU) |  // MF and offset, protocol
      ((udp ^ 0xb712'0000U) & 0xffff'0000U) | (bth & 0x0f00U) |
      (ip_bytes ^ (udp_bytes + sizeof(std::uint32_t) * 5));
  const bool plain = (differs == 0) & (udp_bytes >= 8 + telemetry::bth_bytes + telemetry::icrc_bytes) &
                     (ip_bytes + plain_l3_offset <= frame_bytes) &
                     ((detail::plain_transports >> transport & 1U) != 0);
  if (!plain) [[unlikely]] {
    return false;
  }
  traffic_class = transport == detail::ud_transport ? TrafficClass::ud : TrafficClass::rdma;
  key = lb::rocev2_key(lb::ipv4(__builtin_bswap32(static_cast<std::uint32_t>(addresses))),
                       lb::ipv4(__builtin_bswap32(static_cast<std::uint32_t>(addresses >> 32U))),
                       lb::Qpn{static_cast<std::uint32_t>(__builtin_bswap64(bth)) & 0xff'ffffU});
  return true;
}

}  // namespace braidway::dataplane
