// A peer's paths' cross load, bin by bin, from what its messages say: how many bytes came by each path since
// the message before, and how late they were.
//
// A message comes about every 100 us but not on the bins' edges, and where there are many paths it tells of
// some of them: what it tells of a path is about the time since one last did, and divided among the bins of
// that time. That is when the packets came onto the path: as much before they were received as
// they were late, since queues are first in, first out. Where they were late by more than `queued_ns`, all of
// them, a queue stood all along, and the path carried what it can: what of that did not come as ours was
// others'. It came within less time than it left in while the queue grew, and within more while it shrank;
// without that our own coming and going would look like others'.
//
// Where hops tell how full they are, that says what others put there without a queue (cross_load.hpp), and
// on a path that none of our packets take while a probe does.
//
// A bin is closed `lag` bins after its end, and unknown unless messages were about nearly all of it.
//
// A tick of which half was measured is as those bins were; else its load is at most what its bins say.
//
// Messages that are late, repeated, or of before a bin that is closed change nothing; neither do counters
// that ran backwards, nor times that did.
//
// Pure; owner: the thread that the messages are told to. All memory at construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ctrl/model/cross_load.hpp"
#include "ctrl/model/forecaster.hpp"
#include "lb/types.hpp"

namespace braidway::ctrl::model {

class LoadBins {
 public:
  struct Parameters {
    lb::Nanoseconds bin{100'000};
    std::size_t tick_bins = 10;
    /// How late packets are where a queue stands, ns: more than hosts' bursts make of an idle path.
    float queued_ns = 3'000;
    /// Part of a path's capacity that must have come by it, for it to be said that a queue stood all along:
    /// of a few packets it is not known what was between them.
    double least_part = 0.05;
    /// Bins after its end until a bin is closed: the message about it has come by then, unless packets were
    /// later than that.
    std::int64_t lag = 3;
    /// Part of a bin that messages must have been about.
    double covered = 0.8;
  };

  /// `capacities`: of 1..256 paths, bytes a nanosecond, above 0. Throws std::invalid_argument for what it
  /// cannot work with.
  LoadBins(std::span<const double> capacities, const Parameters& parameters);

  /// What one message says of one path.
  struct Heard {
    std::uint64_t bytes = 0;    ///< that came by it since the last message that told of it
    float least_delay_ns = -1;  ///< theirs, above the path's least ever; below 0: none came
    float mean_delay_ns = -1;   ///< the same
    /// Of the fullest hop, by whoever, at about the end of that time, share of its capacity; below 0: not
    /// told.
    float utilisation = -1;
    bool told = true;  ///< the message is about it at all
  };
  /// A message; by path.
  void hear(std::span<const Heard> paths, lb::Nanoseconds now) noexcept;

  /// Closes the next tick if its bins are over by now: then its samples, by path, good until the next call;
  /// else nothing.
  std::span<const Sample> next_tick(lb::Nanoseconds now) noexcept;

 private:
  /// Messages that are so far apart say nothing about the time between.
  static constexpr std::int64_t longest_gap_bins = 8;
  static constexpr double never = -1e18;
  /// Bins that are not closed yet.
  [[nodiscard]] std::size_t room() const noexcept { return 4 * parameters_.tick_bins + 2 * longest_gap_bins; }

  struct Bin {
    double bytes = 0;       ///< ours that came
    double carried = 0;     ///< bytes that the path could carry while these were received
    double covered = 0;     ///< part of it
    double queued = 0;      ///< the same, in which a queue stood
    double told = 0;        ///< the same, of which hops told how full they were
    double left_by = 0;     ///< bytes that left by the fullest of these then
    double own_change = 0;  ///< bytes by which ours then were less or more than before
  };

  [[nodiscard]] Bin& bin(std::size_t path, std::int64_t number) noexcept {
    return open_[path * room() + static_cast<std::size_t>(number) % room()];
  }
  void begin(std::int64_t first) noexcept;
  void add(std::size_t path, const Heard& heard, double now, double passed) noexcept;
  void close_tick() noexcept;

  Parameters parameters_;
  std::vector<double> capacities_;  ///< bytes a bin
  std::vector<Bin> open_;           ///< by path: a ring
  std::vector<double> told_;        ///< by path: the time, in bins, up to which messages were about it
  std::vector<double> own_;         ///< by path: of the last message, bytes a bin
  std::vector<double> heard_at_;    ///< by path: the time, in bins, of the last message that told of it
  std::vector<CrossLoad> closed_;   ///< by path: of the tick
  std::vector<Sample> samples_;     ///< by path
  std::int64_t first_ = -1;         ///< number of the first bin that is not closed; -1: nothing was heard yet
};

}  // namespace braidway::ctrl::model
