// How often a quantity had which value: a log-linear histogram of fixed memory. Each power of two is cut into
// 16 buckets of equal width (as in HdrHistogram, Gil Tene), values below 32 have a bucket each. So a value
// that is read differs from the one recorded by at most 1/32 (3.2 %) of it, and by nothing below 32.
//
// Values are 32 bits in whatever unit the owner says: nanoseconds up to 4.29 s, bytes up to 4.29 GB. Whoever
// has larger ones records the largest, see saturated().
//
// One writer, any readers in other threads. A reader takes HistogramCounts, which are plain values: they can
// be added over lanes, and an earlier reading can be taken off. Pure; 3.6 KB.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "telemetry/counter.hpp"

namespace braidway::telemetry {

/// What of a number fits 32 bits; below 0 is 0.
constexpr std::uint32_t saturated(std::int64_t number) noexcept {
  constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
  return static_cast<std::uint32_t>(number < 0 ? 0 : number > most ? most : number);
}

/// Which values share a bucket.
struct HistogramScale {
  static constexpr unsigned exact_bits = 5;  ///< values of so many bits have a bucket each
  static constexpr std::size_t per_octave = std::size_t{1} << (exact_bits - 1);
  static constexpr std::size_t buckets = (32 - exact_bits + 2) * per_octave;

  static constexpr std::size_t bucket_of(std::uint32_t value) noexcept {
    const auto shift = static_cast<unsigned>(std::bit_width(value | per_octave)) - exact_bits;
    return shift * per_octave + (value >> shift);
  }
  /// The least value of a bucket.
  static constexpr std::uint32_t least_of(std::size_t bucket) noexcept {
    const unsigned shift = shift_of(bucket);
    return static_cast<std::uint32_t>(bucket - shift * per_octave) << shift;
  }
  /// The largest.
  static constexpr std::uint32_t most_of(std::size_t bucket) noexcept {
    return least_of(bucket) + ((std::uint32_t{1} << shift_of(bucket)) - 1);
  }
  /// The value that stands for all of it.
  static constexpr std::uint32_t middle_of(std::size_t bucket) noexcept {
    return least_of(bucket) + (most_of(bucket) - least_of(bucket)) / 2;
  }

 private:
  static constexpr unsigned shift_of(std::size_t bucket) noexcept {
    return bucket < 2 * per_octave ? 0 : static_cast<unsigned>(bucket / per_octave) - 1;
  }
};

/// Owner: whoever records.
class LogLinearHistogram {
 public:
  void record(std::uint32_t value) noexcept { counts_[HistogramScale::bucket_of(value)].add(1); }
  /// How many values a bucket has had.
  [[nodiscard]] std::uint64_t count(std::size_t bucket) const noexcept { return counts_[bucket].get(); }

 private:
  std::array<Counter, HistogramScale::buckets> counts_{};
};

/// A reading. Counts of one that was taken earlier from the same histograms are never above those of a later.
class HistogramCounts {
 public:
  HistogramCounts() = default;
  explicit HistogramCounts(const LogLinearHistogram& of) noexcept { add(of); }

  void add(const LogLinearHistogram& other) noexcept;
  void add(const HistogramCounts& other) noexcept;
  /// Leaves what was recorded since `earlier`.
  void remove(const HistogramCounts& earlier) noexcept;

  [[nodiscard]] std::uint64_t count(std::size_t bucket) const noexcept { return counts_[bucket]; }
  /// Values in all.
  [[nodiscard]] std::uint64_t total() const noexcept;
  /// The value that the share `share` (0..1) of all are not above: rank ceil(share * total), at least 1. What
  /// is beyond those bounds is as they are, NaN as 0. Nothing if there is no value.
  [[nodiscard]] std::optional<std::uint32_t> quantile(double share) const noexcept;

  friend bool operator==(const HistogramCounts&, const HistogramCounts&) = default;

 private:
  std::array<std::uint64_t, HistogramScale::buckets> counts_{};
};

}  // namespace braidway::telemetry
