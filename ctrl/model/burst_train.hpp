// The bursts of one job on one path: when the next ones begin and end, learnt from those that were.
//
// Two ways of telling the next onset run side by side, and the one that has been right more closely counts.
// A job that computes, then communicates, then computes begins its next burst so long after the last one, and
// what it is late by it stays late by: the phase is locked anew at each onset, and further ahead is less
// sure. A job that keeps to a clock is late by chance each time: there the phase of many onsets is better
// than that of the last.
//
// Pure; owner: one thread. Times in bins (edges.hpp).
#pragma once

#include <cmath>
#include <cstddef>

namespace braidway::ctrl::model {

class BurstTrain {
 public:
  struct Parameters {
    /// What an onset changes the period by, of the difference, and a burst's end the length.
    float learning = 0.1F;
    /// What an onset moves the steady phase by, of what it was off.
    float phase_learning = 0.2F;
    /// What one onset says of how right forecasts of it are.
    float error_learning = 0.15F;
    /// An onset is looked for within so many deviations of when it is expected, but in no less and no more
    /// than these parts of the period.
    float deviations = 3.5F;
    float narrowest = 0.06F;
    float widest = 0.2F;
    /// Where the load's steps are measured to: no forecast is closer, bins.
    float least_error = 0.3F;
    /// Deviation, part of the period, above which it is no train: among onsets that have nothing to do with
    /// it some come near what is expected, anywhere within the window.
    float most_deviation = 0.1F;
    /// Onsets after which that is known, and after which a train is believed.
    float judged_onsets = 4;
    /// Share of onsets that came lately below which there is no train any more: it has stopped, or goes by
    /// another period.
    float least_kept = 0.4F;
    float kept_learning = 0.2F;
  };

  BurstTrain() = default;
  /// One that has just begun a burst. `period`: between onsets; `error`: by how much onsets were off.
  BurstTrain(double onset, double period, double error, float height);

  /// By how much an onset at `at` would be off its expectation, or infinity if it is none of this train's:
  /// too far off, or of another height.
  [[nodiscard]] double misfit(double at, float height, float tolerance) const noexcept;
  /// The same whatever its height.
  [[nodiscard]] double misfit(double at) const noexcept;
  /// A burst has begun that fits, `unsure` bins earlier or later.
  void begins(double at, float height, double unsure = 0) noexcept;
  /// It has ended, as unsure.
  void ends(double at, double unsure = 0) noexcept;
  /// Time has come to `now`. Onsets that should have come and did not are missed, unless something was hidden
  /// since they could have come: `hidden` is when last.
  void advance(double now, double hidden) noexcept;
  /// There are too few of its onsets left, or they never were a train's.
  [[nodiscard]] bool gone() const noexcept {
    return kept_ < parameters_.least_kept ||
           (believed() && deviation() > parameters_.most_deviation * period_);
  }
  /// It has gone on for long enough not to be chance.
  [[nodiscard]] bool believed() const noexcept { return onsets_ > parameters_.judged_onsets; }

  /// The other one is of the same job: as often, as high, and halfway between.
  [[nodiscard]] bool halves(const BurstTrain& other, float tolerance) const noexcept;
  void halve() noexcept { period_ /= 2; }

  /// What is expected of the time from `from` to `to`, both after `now`.
  struct Expected {
    float median = 0;  ///< part of it that is within a burst
    float mean = 0;
  };
  [[nodiscard]] Expected expected(double now, double from, double to) const noexcept;

  [[nodiscard]] float height() const noexcept { return height_; }
  [[nodiscard]] double period() const noexcept { return period_; }
  [[nodiscard]] double length() const noexcept { return length_; }
  /// Deviation of the next onset from when it is expected, bins.
  [[nodiscard]] double deviation() const noexcept;

 private:
  [[nodiscard]] bool steady() const noexcept { return steady_error_ < locked_error_; }
  [[nodiscard]] double phase() const noexcept { return steady() ? steady_ : locked_; }
  [[nodiscard]] double window() const noexcept;
  [[nodiscard]] double onset(double ahead) const noexcept { return phase() + ahead * period_; }
  [[nodiscard]] double onset_deviation(double ahead) const noexcept;
  [[nodiscard]] double covered(double now, double from, double to, double chance) const noexcept;

  Parameters parameters_{};
  double period_ = 1;
  double locked_ = 0;  ///< the last onset, or when it should have been
  double steady_ = 0;  ///< the same as many onsets tell it
  double began_ = 0;   ///< the burst under way
  double unsure_ = 0;  ///< when it began, bins
  double length_ = 0;
  double length_error_ = 1;
  float locked_error_ = 1;
  float steady_error_ = 1;
  float height_ = 0;
  float kept_ = 1;
  float onsets_ = 1;
  float lengths_ = 0;
  bool bursting_ = false;
};

}  // namespace braidway::ctrl::model
