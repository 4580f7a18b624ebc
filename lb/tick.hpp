// Time in four bytes, for what is kept once a flow. Pure; values, no owner thread.
#pragma once

#include <cstdint>

#include "lb/types.hpp"

namespace braidway::lb {

/// A point in time in units of 1,024 ns of the caller's clock. Wraps after 73 minutes, so that only spans far
/// below that mean anything: whoever keeps one gives it up (or renews it) in time.
enum class Tick : std::uint32_t {};

constexpr unsigned tick_shift = 10;

constexpr Tick tick(Nanoseconds time) noexcept {
  return Tick{static_cast<std::uint32_t>(static_cast<std::uint64_t>(value(time)) >> tick_shift)};
}

/// The spans of silence that ticks are used for: at least one of them, and less than half of what they wrap
/// after.
inline constexpr Nanoseconds shortest_silence{1'000};
inline constexpr Nanoseconds longest_silence{1'800'000'000'000};

/// From `since` to `now`, to 1,024 ns.
constexpr Nanoseconds elapsed(Tick since, Tick now) noexcept {
  const auto ticks = static_cast<std::uint32_t>(now) - static_cast<std::uint32_t>(since);
  return Nanoseconds{static_cast<std::int64_t>(ticks) << tick_shift};
}

}  // namespace braidway::lb
