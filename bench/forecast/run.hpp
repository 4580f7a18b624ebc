// A workload told to a predictor tick by tick, as a gateway's control thread tells it. One run is one
// thread's.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "bench/forecast/workload.hpp"
#include "ctrl/model/members.hpp"
#include "ctrl/model/predictor.hpp"

namespace braidway::bench::forecast {

class Run {
 public:
  /// `horizons`: ticks ahead, ascending. The workload must live as long.
  Run(const Workload& workload, const std::vector<unsigned>& horizons)
      : workload_(workload),
        predictor_(shape(workload, horizons), ctrl::model::make_members(shape(workload, horizons))),
        samples_(workload.seen.size()) {}

  /// The tick is over; ticks come one after the other, from 0.
  void observe(std::size_t tick) {
    constexpr std::size_t refit_every = 100;
    for (std::size_t path = 0; path < samples_.size(); ++path) {
      samples_[path].bins = std::span{workload_.seen[path]}.subspan(tick * bins_per_tick, bins_per_tick);
      samples_[path].load = ctrl::model::over(samples_[path].bins);
    }
    predictor_.observe(samples_);
    for (std::size_t path = 0; path < samples_.size(); ++path) {
      if ((tick + path) % refit_every == 0) predictor_.refit(path);
    }
  }

  [[nodiscard]] const ctrl::model::Predictor& predictor() const noexcept { return predictor_; }
  /// What could be seen of the path in the tick.
  [[nodiscard]] const ctrl::model::CrossLoad& seen(std::size_t path) const noexcept {
    return samples_[path].load;
  }

 private:
  static ctrl::model::Shape shape(const Workload& workload, const std::vector<unsigned>& horizons) {
    return {.paths = workload.seen.size(), .bins = bins_per_tick, .horizons = horizons};
  }

  const Workload& workload_;
  ctrl::model::Predictor predictor_;
  std::vector<ctrl::model::Sample> samples_;  ///< by path
};

}  // namespace braidway::bench::forecast
