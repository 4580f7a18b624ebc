// The least and the largest of what one thread notes, since another one has last asked for them. Pure.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>

namespace braidway::telemetry {

class Extremes {
 public:
  struct Range {
    std::uint32_t least = 0;
    std::uint32_t most = 0;
    friend bool operator==(const Range&, const Range&) = default;
  };

  /// By the writer, before the first value of a burst: forgets what has been taken.
  void begin() noexcept {
    const std::uint32_t taken = taken_.load(std::memory_order_relaxed);
    if (taken == begun_.load(std::memory_order_relaxed)) return;
    least_.store(none, std::memory_order_relaxed);
    most_.store(0, std::memory_order_relaxed);
    begun_.store(taken, std::memory_order_release);
  }
  /// By the writer.
  void note(std::uint32_t value) noexcept {
    least_.store(std::min(value, least_.load(std::memory_order_relaxed)), std::memory_order_relaxed);
    most_.store(std::max(value, most_.load(std::memory_order_relaxed)), std::memory_order_relaxed);
  }

  /// By the one thread that takes: what was noted since it last did; nothing if nothing was. If that is not
  /// the writer, what is noted between this and the next begin() is lost: a part of one burst.
  std::optional<Range> take() noexcept {
    const std::uint32_t taken = taken_.load(std::memory_order_relaxed);
    if (begun_.load(std::memory_order_acquire) != taken) return std::nullopt;
    const Range range{least_.load(std::memory_order_relaxed), most_.load(std::memory_order_relaxed)};
    if (range.least > range.most) return std::nullopt;
    taken_.store(taken + 1, std::memory_order_relaxed);
    return range;
  }

 private:
  static constexpr std::uint32_t none = std::numeric_limits<std::uint32_t>::max();

  std::atomic<std::uint32_t> least_{none};
  std::atomic<std::uint32_t> most_{0};
  std::atomic<std::uint32_t> begun_{0};  ///< number of the taking that it goes on after
  std::atomic<std::uint32_t> taken_{0};  ///< written by who takes
};

}  // namespace braidway::telemetry
