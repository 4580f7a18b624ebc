// What a feedback message says of the delay of a peer's paths. Pure; values, no owner thread.
#pragma once

#include <cstddef>
#include <span>

#include "lb/types.hpp"

namespace braidway::lb {

/// The delay of one path since the message before.
struct PathDelay {
  PathId path{};
  float mean_ns = 0;  ///< above the path's minimum
  float max_ns = 0;   ///< the same
};

/// Halfway between its mean and its maximum: what a queue that grows has reached lately, and not one packet's
/// chance.
constexpr float recent_ns(const PathDelay& delay) noexcept { return (delay.mean_ns + delay.max_ns) / 2; }

/// Delay that more than half of the paths have when the receiver's own port is congested, so that PFC pauses
/// what lies before it, ns: an interval of messages, more than ECN lets a queue of one port grow to.
inline constexpr float congested_ns = 100'000;

/// How many of the paths heard are later than that.
struct Lateness {
  std::size_t late = 0;
  std::size_t heard = 0;

  [[nodiscard]] constexpr bool congested() const noexcept { return 2 * late > heard; }
};
constexpr Lateness lateness(std::span<const PathDelay> heard, float late_ns = congested_ns) noexcept {
  Lateness result{.heard = heard.size()};
  for (const PathDelay& delay : heard) result.late += recent_ns(delay) > late_ns ? 1 : 0;
  return result;
}

}  // namespace braidway::lb
