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

namespace braidway::telemetry {

/// Braidway's domain in INT's Domain Specific ID.
inline constexpr std::uint16_t int_domain = 0x4257;
/// The DS instruction of both: what a source always asks of itself.
inline constexpr std::uint16_t order_words_instruction = 0x8000 | 0x4000;
inline constexpr std::size_t order_words_bytes = 12;

struct OrderWords {
  std::uint32_t sequence = 0;  ///< in the flow and epoch
  lb::GatewayId source{};
  lb::PathId path{};       ///< numbered by the source
  lb::Lane lane{};         ///< 0..15
  std::uint8_t epoch = 0;  ///< 0..15
  std::uint32_t departure = 0;

  friend constexpr bool operator==(const OrderWords&, const OrderWords&) = default;
};

/// Writes order_words_bytes. Lane and epoch are taken modulo 16.
inline void store_order_words(std::byte* to, const OrderWords& words) noexcept {
  store_be64(to, std::uint64_t{words.sequence} << 32U | std::uint64_t{value(words.source)} << 16U |
                     std::uint64_t{value(words.path)} << 8U | (value(words.lane) & 0xfU) << 4U |
                     (words.epoch & 0xfU));
  store_be32(to + 8, words.departure);
}

inline OrderWords load_order_words(const std::byte* from) noexcept {
  const std::uint64_t tag = load_be64(from);
  return {.sequence = static_cast<std::uint32_t>(tag >> 32U),
          .source = lb::GatewayId{static_cast<std::uint16_t>(tag >> 16U)},
          .path = lb::PathId{static_cast<std::uint8_t>(tag >> 8U)},
          .lane = lb::Lane{static_cast<std::uint8_t>(tag >> 4U & 0xfU)},
          .epoch = static_cast<std::uint8_t>(tag & 0xfU),
          .departure = load_be32(from + 8)};
}

}  // namespace braidway::telemetry
