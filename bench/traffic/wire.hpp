// Big-endian numbers in byte arrays, as every header of a frame has them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace braidway::bench::traffic {

template <class Byte>
constexpr void put_be(Byte* to, std::size_t bytes, std::uint64_t number) noexcept {
  for (std::size_t at = bytes; at-- > 0; number >>= 8) to[at] = static_cast<Byte>(number & 0xff);
}

template <class Byte>
constexpr std::uint64_t get_be(const Byte* from, std::size_t bytes) noexcept {
  std::uint64_t number = 0;
  for (std::size_t at = 0; at < bytes; ++at) number = number << 8 | static_cast<std::uint8_t>(from[at]);
  return number;
}

}  // namespace braidway::bench::traffic
