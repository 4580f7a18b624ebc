// The least one-way delay of a path, in the difference of two clocks that nobody has set to each other: what
// a packet took above it is the path's congestion.
//
// Arrival by our clock less departure by the source's is delay + offset, and the offset drifts: crystals are
// off by some 10 ppm, 10 us a second. So the least is no number but a line. Time is cut into buckets; the
// line lies below the lowest sample of each of the last eight, as near to them as can be: of their lower
// convex hull it is the edge over the middle (Moon, Skelly, Towsley, "Estimation and Removal of Clock Skew
// from Network Delay Measurements", INFOCOM 1999). Buckets begin with 1 ms and double while the window fills,
// up to 0.54 s: a slope is known after 2 ms, and in the end the window is 4.3 s. A sample below the line
// lowers it at once.
//
//   drift    followed up to 200 ppm. Where each bucket has a sample within e of the least delay, the line is
//            within 4e + 1 us of the truth: slopes are known to 2e over the window, and the line is used for
//            at most a bucket beyond it.
//   queues   that stand on the path for the whole window are taken for the path. So is a longer way.
//   steps    of the clock: a sample more than 10 ms below the line begins anew at once. One forward by more
//            than 10 ms is seen when the next bucket that it fills ends: no network keeps each packet of a
//            bucket so long. A smaller one forward looks like a queue and is forgotten with the window.
//   silence  of more than a window: the next sample begins anew, with the drift as it was.
//
// Integers only. Pure; owner: one thread. Times may go back or jump: the line begins anew.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "lb/types.hpp"
#include "telemetry/source_clock.hpp"

namespace braidway::telemetry {

class DelayFloor {
 public:
  static constexpr std::size_t buckets = 8;
  static constexpr std::int64_t shortest_bucket = std::int64_t{1} << 20;  ///< ns
  static constexpr std::int64_t longest_bucket = std::int64_t{1} << 29;
  static constexpr std::int64_t window = buckets * longest_bucket;
  static constexpr std::int64_t most_drift_ppm = 200;
  /// More than any path's least delay can change, ns.
  static constexpr std::int64_t step = 10'000'000;

  /// The time at which the next samples are taken: once a burst.
  void at(lb::Nanoseconds now) noexcept;

  /// What a sample (arrival less departure, ns) is above the line, ns. Not negative. After at().
  std::int64_t above(std::int64_t raw) noexcept {
    std::int64_t over = wrapping_minus(raw, line_now_);
    if (over < lowest_over_) [[unlikely]] {
      if (over < 0 || !begun_) over = lower(raw, over);
      lowest_over_ = over;
      lowest_ = {now_, raw};
    }
    return over;
  }

  /// Another clock: forgets all, drift as well.
  void restart() noexcept { *this = DelayFloor{}; }

  /// Source's clock against ours as it is known, parts per 2^30: positive if it is slower, so that
  /// delays seem to grow.
  [[nodiscard]] std::int64_t drift() const noexcept { return slope_; }

 private:
  struct Point {
    lb::Nanoseconds at{};
    std::int64_t raw = 0;
  };
  static constexpr std::int64_t none = std::numeric_limits<std::int64_t>::max();
  static constexpr unsigned slope_bits = 30;
  static constexpr std::int64_t most_slope = (most_drift_ppm << slope_bits) / 1'000'000;

  static constexpr std::int64_t wrapping_minus(std::int64_t a, std::int64_t b) noexcept {
    return between(lb::Nanoseconds{b}, lb::Nanoseconds{a});
  }
  [[nodiscard]] std::int64_t line_at(lb::Nanoseconds time) const noexcept {
    return value(later(lb::Nanoseconds{level_}, between(level_at_, time) * slope_ >> slope_bits));
  }
  std::int64_t lower(std::int64_t raw, std::int64_t over) noexcept;
  void begin(const Point& first) noexcept;
  void end_bucket() noexcept;
  void make_room() noexcept;
  void fit() noexcept;

  // Read for each sample.
  lb::Nanoseconds now_{};
  std::int64_t line_now_ = 0;
  std::int64_t lowest_over_ = none;  ///< least of the bucket, above the line
  Point lowest_;
  // Once a burst.
  lb::Nanoseconds level_at_{};
  std::int64_t level_ = 0;
  std::int64_t slope_ = 0;
  lb::Nanoseconds bucket_begin_{};
  std::int64_t bucket_length_ = shortest_bucket;
  bool begun_ = false;
  std::uint8_t count_ = 0;
  std::array<Point, buckets> ended_{};  ///< the lowest of each bucket, oldest first
};

}  // namespace braidway::telemetry
