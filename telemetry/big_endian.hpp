// Numbers in network byte order (big-endian) in memory of any alignment. Pure; any thread. Nothing is
// checked: the caller knows that the bytes are there.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace braidway::telemetry {

static_assert(std::endian::native == std::endian::little, "big-endian numbers are swapped");

inline std::uint16_t load_be16(const std::byte* from) noexcept {
  std::uint16_t number;
  std::memcpy(&number, from, sizeof(number));
  return __builtin_bswap16(number);
}
inline std::uint32_t load_be32(const std::byte* from) noexcept {
  std::uint32_t number;
  std::memcpy(&number, from, sizeof(number));
  return __builtin_bswap32(number);
}
inline std::uint64_t load_be64(const std::byte* from) noexcept {
  std::uint64_t number;
  std::memcpy(&number, from, sizeof(number));
  return __builtin_bswap64(number);
}

inline void store_be16(std::byte* to, std::uint16_t value) noexcept {
  value = __builtin_bswap16(value);
  std::memcpy(to, &value, sizeof(value));
}
inline void store_be32(std::byte* to, std::uint32_t value) noexcept {
  value = __builtin_bswap32(value);
  std::memcpy(to, &value, sizeof(value));
}
inline void store_be64(std::byte* to, std::uint64_t value) noexcept {
  value = __builtin_bswap64(value);
  std::memcpy(to, &value, sizeof(value));
}

}  // namespace braidway::telemetry
