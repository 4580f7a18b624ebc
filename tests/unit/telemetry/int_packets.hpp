// Packets for the tests of INT: the golden vectors, frames in buffers, and checksums computed the long way.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/ip_packet.hpp"
#include "telemetry/strip.hpp"
#include "telemetry/transit.hpp"
#include "tests/unit/dataplane/frame_builder.hpp"

namespace braidway::tests {

inline Bytes from_hex(std::string_view hex) {
  Bytes bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoul(std::string{hex.substr(at, 2)}, nullptr, 16)));
  }
  return bytes;
}

inline std::size_t number16(const Bytes& bytes, std::size_t at) {
  return std::to_integer<std::size_t>(bytes.at(at)) << 8U | std::to_integer<std::size_t>(bytes.at(at + 1));
}
inline void set_number16(Bytes& bytes, std::size_t at, std::size_t number) {
  bytes.at(at) = static_cast<std::byte>(number >> 8U);
  bytes.at(at + 1) = static_cast<std::byte>(number);
}

// From the wire formats' reference, sections 5.4 and 7; all begin with the IP header.
inline constexpr std::string_view connectx_cnp =
    "45c2003c718c4000401191610a0011010a001201000012b7002800008100ffff40000118000000000000000000000000000000"
    "000000000082fd002a";
inline constexpr std::string_view cnp_with_two_hops =
    "45c2006c718c4000401191310a0011010a0012010000138d00580000140b12b720000406f00000000000000000000002000500"
    "06000005dc01000064000000010003000400000384000000078100ffff40000118000000000000000000000000000000000000"
    "000082fd002a";
inline constexpr std::string_view uc_send =
    "45010040047840004011b4d5c0a80007c0a80007c00012b7002caca22460ffff000000d300cf17104630818be28935d90e9a95"
    "505401be885e50000078f353f3";
inline constexpr std::string_view uc_send_as_strand =
    "4501005c047840004011b4b9c0a80007c0a80007c000f15f0048d389140612b72000000800004257c0000000000000070007021"
    "30ddba11e2460ffff000000d300cf17104630818be28935d90e9a95505401be885e50000078f353f3";
inline constexpr std::string_view uc_send_as_tunnel =
    "4501007800004000401126650a0000070a000009c0def15f00640000180600042000000800004257c0000000000000070007021"
    "30ddba11e45010040047840004011b4d5c0a80007c0a80007c00012b7002caca22460ffff000000d300cf17104630818be28935"
    "d90e9a95505401be885e50000078f353f3";
inline constexpr telemetry::OrderWords golden_words{
    .tag = {7, lb::GatewayId{7}, lb::PathId{2}, lb::Lane{1}, 3}, .departure = 0x0ddba11e};

inline constexpr std::string_view mac_addresses = "02000000000b02000000000a";
/// An untagged Ethernet header.
inline Bytes ethernet(std::uint16_t ethertype = telemetry::ethertype_ipv4) {
  Bytes header = from_hex(mac_addresses);
  header.resize(header.size() + 2);
  set_number16(header, header.size() - 2, ethertype);
  return header;
}
/// A golden vector in an Ethernet frame.
inline Bytes frame_of(std::string_view ip_hex) {
  Bytes frame = ethernet();
  const Bytes ip = from_hex(ip_hex);
  frame.insert(frame.end(), ip.begin(), ip.end());
  return frame;
}

/// A frame in a heap block of its own size, with headroom: sanitizers see every byte touched beyond it.
class Buffer {
 public:
  static constexpr std::size_t headroom = 128;  ///< an mbuf's

  explicit Buffer(const Bytes& frame, std::size_t free = headroom)
      : memory_(free + frame.size(), std::byte{0xe7}), front_(free), frame_bytes_(frame.size()) {
    std::ranges::copy(frame, memory_.begin() + static_cast<std::ptrdiff_t>(free));
  }

  /// Offsets by the EtherTypes and the IP header's length, as far as they can be read.
  [[nodiscard]] telemetry::FrameInBuffer view() {
    const std::byte* frame = memory_.data() + front_;
    std::size_t l3 = 14;
    while (l3 < 22 && l3 + 4 <= frame_bytes_) {
      const std::uint16_t ethertype = telemetry::load_be16(frame + l3 - 2);
      if (ethertype != 0x8100 && ethertype != 0x88a8) break;
      l3 += 4;
    }
    const bool v4 = l3 < frame_bytes_ && (frame[l3] >> 4U) == std::byte{4};
    return {.memory = memory_,
            .headroom = front_,
            .frame_bytes = frame_bytes_,
            .l3_offset = static_cast<std::uint16_t>(l3),
            .l4_offset = static_cast<std::uint16_t>(l3 + (v4 ? 20 : 40))};
  }
  void moved_forward(const telemetry::Rewritten& what) {
    front_ -= what.front_moved;
    frame_bytes_ = what.frame_bytes;
  }
  void moved_back(const telemetry::Rewritten& what) {
    front_ += what.front_moved;
    frame_bytes_ = what.frame_bytes;
  }
  [[nodiscard]] Bytes bytes() const {
    const auto begin = memory_.begin() + static_cast<std::ptrdiff_t>(front_);
    return {begin, begin + static_cast<std::ptrdiff_t>(frame_bytes_)};
  }
  [[nodiscard]] std::byte& at(std::size_t offset) { return memory_.at(front_ + offset); }

 private:
  Bytes memory_;
  std::size_t front_;
  std::size_t frame_bytes_;
};

/// Ones' complement sum, straight from RFC 1071.
inline std::size_t plain_sum(const Bytes& bytes, std::size_t from, std::size_t count) {
  std::size_t sum = 0;
  for (std::size_t at = 0; at < count; ++at) {
    const auto byte = std::to_integer<std::size_t>(bytes.at(from + at));
    sum += at % 2 == 0 ? byte << 8U : byte;
  }
  while (sum > 0xffff) sum = (sum & 0xffffU) + (sum >> 16U);
  return sum;
}

/// The sum over pseudo header and datagram of the packet at `l3`: FFFF if the checksum is right.
inline std::size_t plain_udp_sum(const Bytes& frame, std::size_t l3) {
  const bool v4 = (frame.at(l3) >> 4U) == std::byte{4};
  const std::size_t l4 = l3 + (v4 ? 20 : 40);
  const std::size_t udp_bytes = number16(frame, l4 + 4);
  std::size_t sum =
      plain_sum(frame, l3 + (v4 ? 12 : 8), v4 ? 8 : 32) + 17 + udp_bytes + plain_sum(frame, l4, udp_bytes);
  while (sum > 0xffff) sum = (sum & 0xffffU) + (sum >> 16U);
  return sum;
}

/// Right checksums for IPv4's header and UDP's datagram at `l3`.
inline void fill_checksums(Bytes& frame, std::size_t l3, bool udp = true) {
  const bool v4 = (frame.at(l3) >> 4U) == std::byte{4};
  const std::size_t l4 = l3 + (v4 ? 20 : 40);
  if (v4) {
    set_number16(frame, l3 + 10, 0);
    set_number16(frame, l3 + 10, ~plain_sum(frame, l3, 20) & 0xffffU);
  }
  set_number16(frame, l4 + 6, 0);
  if (!udp) return;
  const std::size_t checksum = ~plain_udp_sum(frame, l3) & 0xffffU;
  set_number16(frame, l4 + 6, checksum == 0 ? 0xffff : checksum);
}

}  // namespace braidway::tests
