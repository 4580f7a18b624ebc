// The shapes that nearly all frames of a RoCEv2 host have, recognised with a dozen loads: Ethernet without
// VLAN, IPv4 without options or fragments, UDP to 4791, a BTH of a known transport; and the same with a
// source's INT between UDP and BTH. Whatever differs is parse_frame()'s; for frames of these shapes both give
// the same answer (a test holds them against each other).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "dataplane/parser.hpp"
#include "telemetry/int_md.hpp"
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

/// What the headers up to UDP's say, if they are of the shape; `head` holds plain_header_bytes at least.
struct PlainUdp {
  std::uint64_t addresses;  ///< source lowest, each as on the wire
  std::size_t udp_bytes;
  bool plain;
};

inline PlainUdp parse_plain_udp(const std::byte* head, std::size_t frame_bytes, std::uint16_t port) noexcept {
  // Eight bytes each, the first byte on the wire lowest.
  const std::uint64_t ethertype_ihl_length = detail::load64(head + 12);  // 08 00 45 .. LL LL .. ..
  const std::uint64_t fragment_protocol = detail::load64(head + 20);     // FF FF .. 11 .. .. .. ..
  const std::uint64_t udp = detail::load64(head + plain_l4_offset);      // .. .. PP PP LL LL .. ..
  // Both lengths are the fifth and sixth byte of their eight.
  const std::size_t ip_bytes = __builtin_bswap64(ethertype_ihl_length) >> 16U & 0xffffU;
  const std::size_t udp_bytes = __builtin_bswap64(udp) >> 16U & 0xffffU;
  const std::uint64_t differs =
      ((ethertype_ihl_length ^ 0x45'0008U) & 0xff'ffffU) |
      ((fragment_protocol ^ 0x1100'0000U) & 0xff00'ff3fU) |  // MF and offset, protocol
      ((udp ^ std::uint64_t{__builtin_bswap16(port)} << 16U) & 0xffff'0000U) |
      (ip_bytes ^ (udp_bytes + sizeof(std::uint32_t) * 5));
  return {.addresses = detail::load64(head + 26),
          .udp_bytes = udp_bytes,
          .plain = static_cast<bool>((differs == 0) & (ip_bytes + plain_l3_offset <= frame_bytes))};
}

namespace detail {

/// Of the first eight bytes of a BTH, which are: op flags .. .. .. qpn qpn qpn.
inline bool plain_bth(std::uint64_t bth) noexcept {
  const bool defined = (plain_transports >> (static_cast<unsigned>(bth >> 5U) & 7U) & 1U) != 0;
  return static_cast<bool>(((bth & 0x0f00U) == 0) & defined);
}
inline lb::FlowKey plain_key(std::uint64_t addresses, std::uint64_t bth) noexcept {
  return lb::rocev2_key(lb::ipv4(__builtin_bswap32(static_cast<std::uint32_t>(addresses))),
                        lb::ipv4(__builtin_bswap32(static_cast<std::uint32_t>(addresses >> 32U))),
                        lb::Qpn{static_cast<std::uint32_t>(__builtin_bswap64(bth)) & 0xff'ffffU});
}

}  // namespace detail

/// True if the frame is plain RoCEv2 over IPv4; then `traffic_class` and `key` are set, and the offsets are
/// the constants above. `head` holds at least plain_header_bytes.
inline bool parse_plain_rocev2(const std::byte* head, std::size_t frame_bytes, TrafficClass& traffic_class,
                               lb::FlowKey& key) noexcept {
  const PlainUdp udp = parse_plain_udp(head, frame_bytes, telemetry::rocev2_udp_port);
  const std::uint64_t bth = detail::load64(head + plain_l4_offset + 8);
  const bool plain = udp.plain & detail::plain_bth(bth) &
                     (udp.udp_bytes >= 8 + telemetry::bth_bytes + telemetry::icrc_bytes);
  if (!plain) [[unlikely]] {
    return false;
  }
  const auto transport = static_cast<unsigned>(bth >> 5U) & 7U;
  traffic_class = transport == detail::ud_transport ? TrafficClass::ud : TrafficClass::rdma;
  key = detail::plain_key(udp.addresses, bth);
  return true;
}

/// True if the frame is such a one with INT of a strand before its BTH; then `key` is set, the class is
/// `tagged`, and the offsets are the constants above. `head` holds all of the frame, and at least
/// plain_header_bytes.
inline bool parse_plain_tagged(const std::byte* head, std::size_t frame_bytes, std::uint16_t int_port,
                               lb::FlowKey& key) noexcept {
  constexpr std::size_t shim = plain_l4_offset + telemetry::udp_header_bytes;
  const PlainUdp udp = parse_plain_udp(head, frame_bytes, int_port);
  if (!udp.plain || udp.udp_bytes < telemetry::udp_header_bytes + telemetry::int_fixed_bytes) {
    return false;
  }
  const auto header = telemetry::IntHeader::load(head + shim);
  const std::size_t int_bytes = telemetry::int_shim_bytes + 4 * header.length_words();
  if (telemetry::check_int_header(header, udp.udp_bytes) != telemetry::IntFault::none ||
      header.npt() != telemetry::Npt::port || header.original_port() != telemetry::rocev2_udp_port ||
      udp.udp_bytes <
          telemetry::udp_header_bytes + int_bytes + telemetry::bth_bytes + telemetry::icrc_bytes) {
    return false;
  }
  const std::uint64_t bth = detail::load64(head + shim + int_bytes);
  if (!detail::plain_bth(bth)) {
    return false;
  }
  key = detail::plain_key(udp.addresses, bth);
  return true;
}

}  // namespace braidway::dataplane
