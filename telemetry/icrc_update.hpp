// Corrects the ICRC of a RoCEv2 packet of which a few bytes changed, without reading the rest: a CRC is
// linear, so the change of the ICRC is the change of the bytes times x^(8n), modulo the polynomial, n being
// how far the bytes are from the ICRC. An ICRC that was wrong stays wrong by the same bits: corruption on the
// way is not hidden.
//
// Used where a flow without a peer gets new entropy: another UDP source port. (IPv6's flow label needs
// nothing, the ICRC does not cover it.) Source: CRC arithmetic, and the reduction from Gopal et al., "Fast
// CRC Computation for Generic Polynomials Using PCLMULQDQ Instruction", Intel 2009.
//
// Constant after construction: any thread. 36 KiB, in the object. Nothing throws.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace braidway::telemetry {

/// How polynomials are multiplied.
enum class Multiply : std::uint8_t {
  carryless,  ///< by the PCLMULQDQ instruction
  portable,   ///< bit by bit
};

class IcrcUpdate {
 public:
  /// Bytes from a change to the ICRC: as many as a packet of the usual jumbo MTU has.
  static constexpr std::size_t max_distance = 9216;

  /// What this CPU has.
  static Multiply fastest() noexcept;

  /// `multiply` must be something that this CPU has.
  explicit IcrcUpdate(Multiply multiply = fastest()) noexcept;

  /// x^(8 * distance) modulo the polynomial, bit-reflected: bit 31 is x^0. `distance` is at most
  /// max_distance.
  [[nodiscard]] std::uint32_t factor(std::size_t distance) const noexcept;

  /// What the ICRC, as a little-endian number, is to be XORed with when one to four bytes change of which the
  /// first is `distance` bytes before the ICRC's first. `changed`: old XOR new bytes, the first of them
  /// lowest. `distance` is at least the number of bytes and at most max_distance. Several changes: XOR all.
  [[nodiscard]] std::uint32_t delta(std::uint32_t changed, std::size_t distance) const noexcept;

  /// The same for the bytes themselves, as many before as after.
  [[nodiscard]] std::uint32_t delta(std::span<const std::byte> before, std::span<const std::byte> after,
                                    std::size_t distance) const noexcept;

  /// Gives the RoCEv2 packet that begins with its IP header (IPv4 without options, IPv6 without extension
  /// headers) another UDP source port, and corrects ICRC and UDP checksum; a checksum of 0 ("none") stays 0.
  /// `ip_packet` may go on behind the packet. False, and nothing is changed, if this is no whole RoCEv2
  /// packet of one fragment, or a longer one than max_distance allows.
  [[nodiscard]] bool set_udp_source_port(std::span<std::byte> ip_packet, std::uint16_t port) const noexcept;

 private:
  std::array<std::uint32_t, max_distance + 1> factors_;
  Multiply multiply_;
};

}  // namespace braidway::telemetry
