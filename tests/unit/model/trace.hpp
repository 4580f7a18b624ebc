// Loads as forecasters are shown them: bin by bin, of one path or several, 10 bins a tick.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ctrl/model/forecaster.hpp"
#include "lb/flow_key.hpp"

namespace braidway::ctrl::model {

inline constexpr std::size_t bins_per_tick = 10;

/// Chance that is the same each time.
class Chance {
 public:
  explicit Chance(std::uint64_t seed) : state_(seed) {}
  /// Uniform in [0, 1).
  float operator()() {
    return static_cast<float>(lb::detail::scramble(state_ += 0x9e37'79b9'7f4a'7c15ULL) >> 40) * 0x1p-24F;
  }

 private:
  std::uint64_t state_;
};

/// Shows a model one tick. `bins` answers the sample of a path's bin of the tick.
template <typename Model, typename Bins>
void show(Model& model, std::size_t paths, Bins bins) {
  std::vector<CrossLoad> all(paths * bins_per_tick);
  std::vector<Sample> samples(paths);
  for (std::size_t path = 0; path < paths; ++path) {
    for (std::size_t bin = 0; bin < bins_per_tick; ++bin) all[path * bins_per_tick + bin] = bins(path, bin);
    samples[path].bins = std::span{all}.subspan(path * bins_per_tick, bins_per_tick);
    samples[path].load = over(samples[path].bins);
  }
  model.observe(samples);
}

inline CrossLoad measured(float load) { return {.load = load, .censored = false}; }
inline CrossLoad bound(float load) { return {.load = load, .censored = true}; }

/// A load that is `low`, and `high` for the first `length` of each `period`, in bins; whole to a fraction of
/// a bin.
inline float square(double bin, double period, double length, float low, float high) {
  const double at = bin - period * static_cast<double>(static_cast<long>(bin / period));
  double part = 0;
  if (at < length) part = length - at < 1 ? length - at : 1;
  const double wrapped = at + 1 - period;
  if (wrapped > 0) part += wrapped < length ? wrapped : length;
  return low + (high - low) * static_cast<float>(part);
}

}  // namespace braidway::ctrl::model
