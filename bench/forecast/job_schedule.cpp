#include "bench/forecast/job_schedule.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace braidway::bench::forecast {
namespace {

/// No onset is so far off that it changes places with another, and no gap is nothing.
constexpr double most_deviations = 3;

double bounded_normal(Random& random) {
  return std::clamp(normal(random), -most_deviations, most_deviations);
}

}  // namespace

/// Box and Muller, "A note on the generation of random normal deviates", 1958.
double normal(Random& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
  return radius * std::cos(2 * std::numbers::pi * random.uniform());
}

double JobSchedule::drawn_length(Random& random) const {
  return job_.busy * job_.period * (1 + job_.length_jitter * bounded_normal(random));
}

JobSchedule::JobSchedule(const Job& job, double duration, Random random)
    : job_(job), phase_(random.uniform() * job.period) {
  double onset = phase_;
  for (std::size_t i = 0; onset < duration + job_.period; ++i) {
    const double off = job_.jitter * job_.period * bounded_normal(random);
    if (job_.lateness == Lateness::clocked) {
      onset = phase_ + static_cast<double>(i) * job_.period + off;
    } else if (i > 0) {
      onset += job_.period + off;
    }
    bursts_.push_back({.begins = onset, .ends = onset + drawn_length(random)});
  }
}

double JobSchedule::draw(double now, double from, double until, std::size_t latest, Random& random) const {
  const auto covered = [&](double begins, double ends) {
    return std::max(std::min(until, ends) - std::max(from, begins), 0.0);
  };
  // One that is not over ends later than now.
  constexpr int tries = 50;
  const auto end_after_now = [&](double begins) {
    double ends = now;
    for (int i = 0; i < tries && ends <= now; ++i) ends = begins + drawn_length(random);
    return std::max(ends, now);
  };
  const Burst& last = bursts_[latest];
  double sum = last.ends > now ? covered(last.begins, end_after_now(last.begins)) : 0;
  double onset = last.begins;
  for (std::size_t i = latest + 1;; ++i) {
    const double before = onset;
    for (int attempt = 0; attempt < tries; ++attempt) {
      const double off = job_.jitter * job_.period * bounded_normal(random);
      onset = job_.lateness == Lateness::clocked ? phase_ + static_cast<double>(i) * job_.period + off
                                                 : before + job_.period + off;
      if (onset > now) break;
    }
    onset = std::max(onset, now);
    if (onset >= until) return std::min(sum, until - from);
    sum += covered(onset, onset + drawn_length(random));
  }
}

}  // namespace braidway::bench::forecast
