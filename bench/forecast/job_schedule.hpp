// When a training job's bursts come onto a path: every period a burst of so long, each time a little early or
// late. Two kinds of lateness:
//
//   clocked    each onset is off its own point of a clock, whatever the others were
//   computing  each gap is off, and all that follows with it: compute, then communicate, then compute
//
// Immutable once made; deterministic by seed; any thread. Times in bins of 100 us.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/fabric/random.hpp"

namespace braidway::bench::forecast {

using Random = fabric::Random;

/// Of mean 0 and deviation 1, normal.
double normal(Random& random);

enum class Lateness : std::uint8_t { clocked, computing };

struct Job {
  double period = 100;          ///< bins
  double busy = 0.3;            ///< part of it that a burst lasts
  float height = 0.8F;          ///< part of a path's capacity
  double jitter = 0.05;         ///< deviation of onsets (clocked) or gaps (computing), part of the period
  double length_jitter = 0.05;  ///< deviation of a burst's length, part of it
  Lateness lateness = Lateness::clocked;
};

struct Burst {
  double begins = 0;
  double ends = 0;
};

class JobSchedule {
 public:
  /// From time 0 to `duration`, at a random phase.
  JobSchedule(const Job& job, double duration, Random random);

  [[nodiscard]] std::span<const Burst> bursts() const noexcept { return bursts_; }
  [[nodiscard]] const Job& job() const noexcept { return job_; }
  /// Draws how it could go on from `now` until `until`, by its own law, given what has been until then: the
  /// part of [from, until) that would be within a burst. `latest`: of the bursts that have begun, the last.
  [[nodiscard]] double draw(double now, double from, double until, std::size_t latest, Random& random) const;

 private:
  [[nodiscard]] double drawn_length(Random& random) const;

  Job job_;
  double phase_ = 0;  ///< when burst 0 would begin by the clock
  std::vector<Burst> bursts_;
};

}  // namespace braidway::bench::forecast
