// What was measured and forecast of each path lately: bins of 100 us for a second, and ticks for 20 seconds.
// For people and plots; nothing is decided by it.
//
// Numbers are kept in 16 bits: loads and shares to 1/32767, delays to 64 ns up to 2 ms.
//
// Plain state; owner: the slow loop's thread, or who excludes it. All memory at construction: 20 KB a path
// and 14 bytes a path and tick, which is 300 KB a path with ticks of 1 ms, and 154 MB for 512 paths.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ctrl/model/cross_load.hpp"

namespace braidway::ctrl::forecast {

/// One tick of one path.
struct HistoryTick {
  model::CrossLoad load;   ///< of others
  float own = 0;           ///< of ours, part of the capacity; 0 too if it is not known
  float delay_us = 0;      ///< mean of the packets' that came, above the path's least ever
  float forecast = 0;      ///< of `load`, as made before: 5 ms, or the tick if that is longer
  float share = 1;         ///< of its weight that the path was given, up to 2
  std::uint32_t sent = 0;  ///< packets of ours, up to 65535
  std::uint32_t held = 0;  ///< of these and others, those that its port did not take at once, up to 65535
};

class History {
 public:
  /// `bins`: a tick; `tick_us`: its length.
  History(std::size_t paths, std::size_t bins, std::uint32_t tick_us);

  /// The next tick: of each path what it was, and its bins.
  void add(std::size_t path, const HistoryTick& tick, std::span<const model::CrossLoad> bins) noexcept;
  /// All paths have been added.
  void advance() noexcept;

  /// The last ticks, oldest first; at most so many.
  [[nodiscard]] std::vector<HistoryTick> ticks(std::size_t path, std::size_t most) const;
  /// The last bins of 100 us, oldest first; at most so many.
  [[nodiscard]] std::vector<model::CrossLoad> bins(std::size_t path, std::size_t most) const;
  [[nodiscard]] std::size_t bytes() const noexcept {
    return ticks_.size() * sizeof(PackedTick) + fine_.size() * sizeof(std::uint16_t);
  }

 private:
  struct PackedTick {
    std::uint16_t load;
    std::uint16_t own;
    std::uint16_t delay;
    std::uint16_t forecast;
    std::uint16_t share;
    std::uint16_t sent;
    std::uint16_t held;
  };

  std::size_t bins_;
  std::size_t kept_ticks_;           ///< of each path
  std::size_t kept_bins_;            ///< the same, whole ticks
  std::vector<PackedTick> ticks_;    ///< by path: a ring
  std::vector<std::uint16_t> fine_;  ///< by path: a ring of bins
  std::uint64_t written_ = 0;        ///< ticks
};

}  // namespace braidway::ctrl::forecast
