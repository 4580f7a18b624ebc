// The order of 32-bit numbers that wrap (serial number arithmetic, RFC 1982): right for numbers less than
// 2^31 apart. Pure.
#pragma once

#include <cstdint>

namespace braidway::lb {

/// How far `to` is ahead of `from`; negative if it is behind.
constexpr std::int32_t distance(std::uint32_t from, std::uint32_t to) noexcept {
  return static_cast<std::int32_t>(to - from);
}

/// `a` was numbered before `b`.
constexpr bool before(std::uint32_t a, std::uint32_t b) noexcept { return distance(a, b) > 0; }

}  // namespace braidway::lb
