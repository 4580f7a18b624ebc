// What others put on a path: its cross load, part of the path's capacity. It is what is forecast; what we put
// on a path ourselves we know, and decide.
//
// It shows only while a queue stands, for then what came in is what went out and what the queue grew by:
//
//     cross load = capacity - own load + growth of the queue
//
// Where no queue stands, the same without growth is only a bound: the others used at most what we left. Such
// a bin is censored. A path that is free because we left it is therefore not a path that others left: its
// bins are censored at 1, and say nothing.
//
// Unless the path's hops tell how full their ports are (utilisation): what left by the fullest, less what we
// put there, is others', whether or not a queue stands. They measure over a time of their own, which is not
// quite that in which our packets were counted. So it is measured only as far as our own load stayed the
// same: where it changed, there is a bound again.
//
// Our own load is no part of it as long as it is counted where the queue is left, and over the same time
// (load_bins.hpp): what is counted on its way in, or by another clock, makes our own changes look like
// somebody's, and our own job's period like something to be forecast.
//
// Counters and meters lie at times. A bin without a measurement (a tick that was missed, a path that was not
// there), with one that is no number, or with a counter that ran backwards, is unknown: censored at 1. More
// than a path can carry is cut to 1, less than nothing to 0: clocks of sender and receiver differ by parts
// of a bin.
//
// Pure. Source: section 7 of the design.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

namespace braidway::ctrl::model {

/// One path, one bin.
struct CrossLoad {
  float load = 1;        ///< part of the capacity, 0 to 1; an upper bound if censored
  bool censored = true;  ///< no queue stood

  [[nodiscard]] bool unknown() const noexcept { return !std::isfinite(load) || (censored && load >= 1); }
  bool operator==(const CrossLoad&) const = default;
};

/// One path, one bin, as measured.
struct PathUse {
  double capacity = 0;    ///< bytes that the path can carry in the bin
  double own = 0;         ///< bytes of ours that came onto it
  double own_change = 0;  ///< by how much less or more that was just before; for `left_by`
  double left_by = -1;    ///< bytes of whoever that left by its fullest hop; below 0: none told
  double growth = 0;      ///< of its queue, bytes; ignored where none stood
  bool queued = false;    ///< a queue stood all the time
};

/// Part of the capacity by which our own load may have changed where others' is what is left of all.
inline constexpr double same_own = 0.1;

[[nodiscard]] inline CrossLoad cross_load(const PathUse& use) noexcept {
  if (!use.queued && use.left_by >= 0 && use.capacity > 0 && use.own >= 0) {
    const bool changed = use.own_change > same_own * use.capacity;
    const double others = use.left_by - use.own + (changed ? std::min(use.own_change, use.own) : 0);
    return {.load = static_cast<float>(std::clamp(others / use.capacity, 0.0, 1.0)), .censored = changed};
  }
  const double left = use.capacity - use.own + (use.queued ? use.growth : 0);
  if (!std::isfinite(left) || !(use.capacity > 0) || use.own < 0) return {};
  return {.load = static_cast<float>(std::clamp(left / use.capacity, 0.0, 1.0)), .censored = !use.queued};
}

/// What a sample says where somebody expected `expected`: the measurement, or as much of the expectation as
/// the bound leaves. A load that is no number, which only a caller's mistake can make, is unknown: who keeps
/// sums would never be rid of it.
[[nodiscard]] inline float completed(const CrossLoad& sample, float expected) noexcept {
  if (!std::isfinite(sample.load)) return expected;
  return std::clamp(sample.censored ? std::min(sample.load, expected) : sample.load, 0.0F, 1.0F);
}

/// The bins of a time together: as those that were measured, if they are half of it; else at most what they
/// say.
[[nodiscard]] inline CrossLoad over(std::span<const CrossLoad> bins) noexcept {
  float sum = 0;
  float bounds = 0;
  std::size_t measured = 0;
  for (const CrossLoad& bin : bins) {
    (bin.censored ? bounds : sum) += bin.load;
    measured += bin.censored ? 0 : 1;
  }
  if (bins.empty()) return {};
  if (measured > 0 && 2 * measured >= bins.size())
    return {.load = sum / static_cast<float>(measured), .censored = false};
  return {.load = (sum + bounds) / static_cast<float>(bins.size()), .censored = true};
}

/// By how much a forecast was wrong as far as the sample tells: one below the bound was not.
[[nodiscard]] inline float error_of(float forecast, const CrossLoad& sample) noexcept {
  if (sample.unknown()) return 0;
  return sample.censored ? std::max(forecast - sample.load, 0.0F) : std::abs(forecast - sample.load);
}

}  // namespace braidway::ctrl::model
