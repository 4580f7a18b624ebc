// The domain-specific words that a source gateway adds to INT, last in the stack (design, section 6): the
// order tag, by which the sink restores the order of a flow, and the departure time, by which it measures the
// path.
//
//   DS bit 0 (0x8000), 8 bytes: sequence(32) | source gateway(16) path(8) lane(4) epoch(4)
//   DS bit 1 (0x4000), 4 bytes: low 32 bits of the source's clock, ns
//
// Pure; values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>

#include "lb/types.hpp"
#include "telemetry/big_endian.hpp"
#include "telemetry/checksum.hpp"

namespace braidway::telemetry {

/// Braidway's domain in INT's Domain Specific ID.
inline constexpr std::uint16_t int_domain = 0x4257;
/// The DS instruction of both: what a source always asks of itself.
inline constexpr std::uint16_t order_words_instruction = 0x8000 | 0x4000;
inline constexpr std::size_t order_words_bytes = 12;

/// The order tag, as it lies in the packet: one number, of which fields are read.
class OrderTag {
 public:
  OrderTag() = default;
  /// Lane and epoch modulo 16. The sequence is in the flow and epoch, the path numbered by the source.
  constexpr OrderTag(std::uint32_t sequence, lb::GatewayId source, lb::PathId path, lb::Lane lane,
                     std::uint8_t epoch) noexcept
      : bits_(std::uint64_t{sequence} << 32U | std::uint64_t{value(source)} << 16U |
              std::uint64_t{value(path)} << 8U | (value(lane) & 0xfU) << 4U | (epoch & 0xfU)) {}
  explicit constexpr OrderTag(std::uint64_t bits) noexcept : bits_(bits) {}

  [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return bits_; }
  [[nodiscard]] constexpr std::uint32_t sequence() const noexcept {
    return static_cast<std::uint32_t>(bits_ >> 32U);
  }
  [[nodiscard]] constexpr lb::GatewayId source() const noexcept {
    return lb::GatewayId{static_cast<std::uint16_t>(bits_ >> 16U)};
  }
  [[nodiscard]] constexpr lb::PathId path() const noexcept {
    return lb::PathId{static_cast<std::uint8_t>(bits_ >> 8U)};
  }
  [[nodiscard]] constexpr lb::Lane lane() const noexcept {
    return lb::Lane{static_cast<std::uint8_t>(bits_ >> 4U & 0xfU)};
  }
  [[nodiscard]] constexpr std::uint8_t epoch() const noexcept {
    return static_cast<std::uint8_t>(bits_ & 0xfU);
  }

  friend constexpr bool operator==(const OrderTag&, const OrderTag&) = default;

 private:
  std::uint64_t bits_ = 0;
};

struct OrderWords {
  OrderTag tag;
  std::uint32_t departure = 0;  ///< ns, modulo 2^32

  friend constexpr bool operator==(const OrderWords&, const OrderWords&) = default;
};

/// Writes order_words_bytes.
inline void store_order_words(std::byte* to, const OrderWords& words) noexcept {
  store_be64(to, words.tag.bits());
  store_be32(to + 8, words.departure);
}
/// Their checksum sum.
inline std::uint64_t order_words_sum(const OrderWords& words) noexcept {
  return checksum_words(words.tag.bits()) + checksum_words(words.departure);
}
inline OrderWords load_order_words(const std::byte* from) noexcept {
  return {.tag = OrderTag{load_be64(from)}, .departure = load_be32(from + 8)};
}

}  // namespace braidway::telemetry
