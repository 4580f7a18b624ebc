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

/// Whether more than half of the paths heard are later than that.
constexpr bool congested(std::span<const PathDelay> heard, float late_ns = congested_ns) noexcept {
  std::size_t late = 0;
  for (const PathDelay& delay : heard) late += recent_ns(delay) > late_ns ? 1 : 0;
  return 2 * late > heard.size();
}

}  // namespace braidway::lb
