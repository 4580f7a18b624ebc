// How much later than planned frames leave: a histogram of nanoseconds with 16 steps an octave (6 %), fixed
// memory. Owner: one thread.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace braidway::bench::wire {

class Lateness {
 public:
  void record(std::int64_t late_ns) noexcept {
    const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(late_ns, 0));
    ++counts_[std::min(step_of(ns), counts_.size() - 1)];
    ++count_;
    worst_ = std::max(worst_, ns);
  }
  void add(const Lateness& other) noexcept {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    count_ += other.count_;
    worst_ = std::max(worst_, other.worst_);
  }
  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  [[nodiscard]] std::uint64_t worst_ns() const noexcept { return worst_; }
  /// What the share `share` of all frames did not exceed, at most a step too high; 0 without frames.
  [[nodiscard]] std::uint64_t quantile_ns(double share) const noexcept {
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(count_));
    std::uint64_t seen = 0;
    for (std::size_t step = 0; step < counts_.size(); ++step) {
      seen += counts_[step];
      if (seen > wanted || (seen == count_ && count_ > 0)) return std::min(end_of(step), worst_);
    }
    return 0;
  }

 private:
  static constexpr unsigned fraction_bits = 4;
  static constexpr std::uint64_t steps_an_octave = 1U << fraction_bits;
  static constexpr unsigned octaves = 32;  // up to 64 s

  /// Below 16 each nanosecond has a step of its own.
  static std::size_t step_of(std::uint64_t ns) noexcept {
    if (ns < steps_an_octave) return ns;
    const auto shift = static_cast<unsigned>(std::bit_width(ns)) - 1 - fraction_bits;
    return (shift + 1) * steps_an_octave + (ns >> shift) - steps_an_octave;
  }
  /// The largest number in that step.
  static std::uint64_t end_of(std::size_t step) noexcept {
    if (step < steps_an_octave) return step;
    const std::size_t shift = step / steps_an_octave - 1;
    return ((step % steps_an_octave + steps_an_octave + 1) << shift) - 1;
  }

  std::array<std::uint64_t, steps_an_octave*(octaves + 1)> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t worst_ = 0;
};

}  // namespace braidway::bench::wire
