// Packets that one lane has sent by each path of a peer, in total and by marking period
// (lb/alternate_marking.hpp): lb::SentByPeriod, for one thread that counts and another that compares.
//
// Owner: the lane's worker counts; anybody reads, and may see a total a moment old. All memory at
// construction: 132 bytes a path.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "lb/alternate_marking.hpp"
#include "lb/sequence.hpp"
#include "lb/types.hpp"

namespace braidway::dataplane {

class SentCounts {
 public:
  explicit SentCounts(std::size_t paths) : totals_(paths), through_(paths * remembered) {}

  /// The packets that follow leave at `departure`, which never goes back. Once a burst.
  void begin(lb::Nanoseconds departure) noexcept {
    const std::uint32_t period = lb::marking_period(departure);
    if (period != latest_.load(std::memory_order_relaxed)) [[unlikely]] {
      end_periods(period);
    }
  }
  void count(lb::PathId path) noexcept {
    std::atomic<std::uint32_t>& total = totals_[lb::value(path)];
    total.store(total.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  [[nodiscard]] std::uint32_t total(lb::PathId path) const noexcept {
    return totals_[lb::value(path)].load(std::memory_order_acquire);
  }
  /// Packets of all periods up to this one, which is over; nothing if that is not remembered
  /// any more, or while the owner is at it.
  [[nodiscard]] std::optional<std::uint32_t> through(lb::PathId path, std::uint32_t period) const noexcept {
    const std::uint32_t version = version_.load(std::memory_order_acquire);
    const std::uint32_t latest = latest_.load(std::memory_order_acquire);
    const bool ended = lb::before(period, latest);
    if (version % 2 != 0 || (ended && latest - period >= remembered)) return std::nullopt;
    // If the period has not ended here, nothing has left since.
    const std::uint32_t sent =
        ended ? through_[place(path, period)].load(std::memory_order_acquire) : total(path);
    return version_.load(std::memory_order_relaxed) == version ? std::optional{sent} : std::nullopt;
  }

 private:
  /// 4 ms: more than a message takes to tell of a period.
  static constexpr std::uint32_t remembered = 32;

  static std::size_t place(lb::PathId path, std::uint32_t period) noexcept {
    return std::size_t{lb::value(path)} * remembered + period % remembered;
  }
  /// Of periods without a packet it is what was sent before them.
  void end_periods(std::uint32_t next) noexcept {
    const std::uint32_t before = latest_.load(std::memory_order_relaxed);
    // Read, and read again if this has gone on meanwhile (telemetry/published.hpp).
    const std::uint32_t version = version_.load(std::memory_order_relaxed);
    version_.store(version + 1, std::memory_order_relaxed);
    latest_.store(next, std::memory_order_release);
    const std::uint32_t ended = std::min(next - before, remembered);
    for (std::size_t path = 0; path < totals_.size(); ++path) {
      const auto id = static_cast<lb::PathId>(path);
      for (std::uint32_t i = 1; i <= ended; ++i) {
        through_[place(id, next - i)].store(total(id), std::memory_order_release);
      }
    }
    version_.store(version + 2, std::memory_order_release);
  }

  std::atomic<std::uint32_t> version_{0};            ///< odd: periods are being ended
  std::atomic<std::uint32_t> latest_{0};             ///< period of the packets that are counted
  std::vector<std::atomic<std::uint32_t>> totals_;   ///< by path
  std::vector<std::atomic<std::uint32_t>> through_;  ///< by path and period
};

}  // namespace braidway::dataplane
