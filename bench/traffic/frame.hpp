// RoCEv2 frames as bytes: written with everything an RNIC writes (checksums, pad, ICRC), read with every
// length checked.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "telemetry/icrc.hpp"
#include "telemetry/roce.hpp"

namespace braidway::bench::traffic {

enum class IpVersion : std::uint8_t { v4 = 4, v6 = 6 };

struct Endpoint {
  std::array<std::uint8_t, 6> mac;
  std::array<std::uint8_t, 4> ipv4;
  std::array<std::uint8_t, 16> ipv6;
};
inline constexpr Endpoint client_endpoint{.mac = {0x02, 0, 0, 0, 0x01, 0x01},
                                          .ipv4 = {10, 0, 1, 1},
                                          .ipv6 = {0xfd, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
inline constexpr Endpoint server_endpoint{.mac = {0x02, 0, 0, 0, 0x02, 0x01},
                                          .ipv4 = {10, 0, 2, 1},
                                          .ipv6 = {0xfd, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

inline constexpr std::size_t ethernet_bytes = 14;
inline constexpr std::size_t udp_bytes = 8;
inline constexpr std::size_t min_frame_bytes = 60;  ///< without FCS
constexpr std::size_t ip_header_bytes(IpVersion ip) noexcept { return ip == IpVersion::v4 ? 20 : 40; }
/// The longest frame with this path MTU: Ethernet, IP, UDP, BTH, the longest extension, payload and ICRC.
constexpr std::size_t max_frame_bytes(IpVersion ip, std::size_t path_mtu) noexcept {
  return ethernet_bytes + ip_header_bytes(ip) + udp_bytes + telemetry::bth_bytes + sizeof(telemetry::Reth) +
         sizeof(telemetry::ImmDt) + path_mtu + telemetry::icrc_bytes;
}

/// What one frame says.
struct FrameFields {
  telemetry::Opcode opcode = telemetry::Opcode::rc_acknowledge;
  std::uint32_t dest_qpn = 0;
  std::uint32_t psn = 0;
  bool ack_request = false;
  std::uint16_t udp_source = 0;
  std::uint16_t ip_id = 0;                 ///< IPv4 only
  std::span<const std::byte> extension{};  ///< as long as the opcode's extended headers
  std::size_t payload_bytes = 0;
};

struct WrittenFrame {
  std::size_t bytes = 0;
  std::uint32_t icrc = 0;
};

/// Frames of one direction. Value type; no owner thread.
/// Whether a frame between the two ends answers a request, as far as its opcode says; false for what is too
/// short to have one.
inline bool is_response(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() <= ethernet_bytes) return false;
  const bool ipv4 = std::to_integer<unsigned>(bytes[ethernet_bytes]) >> 4U == 4;
  const std::size_t bth = ethernet_bytes + ip_header_bytes(ipv4 ? IpVersion::v4 : IpVersion::v6) + udp_bytes;
  if (bytes.size() <= bth) return false;
  const auto opcode = static_cast<telemetry::Opcode>(bytes[bth]);
  return opcode >= telemetry::Opcode::rc_read_response_first &&
         opcode <= telemetry::Opcode::rc_atomic_acknowledge;
}

class Route {
 public:
  Route(const Endpoint& from, const Endpoint& to, IpVersion ip) noexcept : from_{from}, to_{to}, ip_{ip} {}

  IpVersion ip() const noexcept { return ip_; }

  /// Writes a frame into `buffer` (at least max_frame_bytes); `fill(std::span<std::byte>)` writes the
  /// payload.
  template <class Fill>
  WrittenFrame write(std::span<std::byte> buffer, const FrameFields& fields, Fill&& fill) const noexcept {
    fill(write_headers(buffer, fields));
    return seal(buffer, fields);
  }

  enum class Reading : std::uint8_t { whole, broken, foreign };
  struct Frame {
    std::uint8_t opcode = 0;
    std::uint32_t dest_qpn = 0;
    std::uint32_t psn = 0;
    bool ack_request = false;
    std::uint16_t udp_source = 0;
    std::span<const std::byte> extension;
    std::span<const std::byte> payload;
    std::uint32_t icrc = 0;
  };
  /// Reads a frame of this direction. `foreign`: not RoCEv2 between these two ends. `broken`: a length, a
  /// checksum or the ICRC is wrong, so nothing in it can be believed.
  Reading read(std::span<const std::byte> bytes, Frame& frame) const noexcept;

 private:
  std::span<std::byte> write_headers(std::span<std::byte> buffer, const FrameFields& fields) const noexcept;
  WrittenFrame seal(std::span<std::byte> buffer, const FrameFields& fields) const noexcept;

  Endpoint from_;
  Endpoint to_;
  IpVersion ip_;
};

/// The UDP source port of a QP: what ECMP tells flows apart by, from the range that RNICs use.
constexpr std::uint16_t udp_source_of(std::uint32_t qpn) noexcept {
  return static_cast<std::uint16_t>(0xc000U | ((qpn * 0x9e3779b1U) >> 18));
}

}  // namespace braidway::bench::traffic
