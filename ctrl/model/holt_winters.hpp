// Exponential smoothing with a damped trend: a load that grows is expected to grow on, by less each tick.
//
//     level(t) = a load(t) + (1 - a) (level(t-1) + phi trend(t-1))
//     trend(t) = b (level(t) - level(t-1)) + (1 - b) phi trend(t-1)
//     load(t + h) = level(t) + (phi + phi^2 + ... + phi^h) trend(t)
//
// Gardner and McKenzie, "Forecasting trends in time series", Management Science 31 (1985). The first load
// measured is the first level, with no trend; before it, 0 is expected. Forecasts are cut to 0..1. A bound
// that cuts a load leaves a falling trend, and the bounds after it do not tell where that ends: below them.
//
// Pure; owner: one thread. All memory at construction: 12 bytes a path.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "ctrl/model/forecaster.hpp"

namespace braidway::ctrl::model {

class HoltWinters : public Forecaster {
 public:
  struct Parameters {
    /// a, part of a tick's surprise that goes into the level, 0 to 1: half, as the fast loop's own average of
    /// two ticks (Ewma), from which the trend alone is to tell this model apart.
    float level = 0.5F;
    /// b, the same of the level's change and the trend, 0 to 1: ten ticks of change are a trend, a burst's
    /// edge of one tick is not.
    float trend = 0.1F;
    /// phi, what a tick leaves of the trend, 0 to 0.999: at 0.9 a trend adds up to no more than nine times
    /// itself, since loads are bounded and the longest horizons are far beyond any ramp.
    float damping = 0.9F;
  };

  explicit HoltWinters(const Shape& shape) : HoltWinters(shape, Parameters{}) {}
  /// Throws std::invalid_argument for parameters out of range.
  HoltWinters(const Shape& shape, const Parameters& parameters);

  [[nodiscard]] std::string_view name() const noexcept override { return "holt-winters"; }
  void observe(std::span<const Sample> paths) noexcept override;
  [[nodiscard]] Forecast forecast(std::size_t path, std::size_t horizon) const noexcept override {
    return Forecast::level(ahead(paths_[path], damped_[horizon]));
  }
  void forget(std::size_t path) noexcept override { paths_[path] = {}; }

 private:
  struct Path {
    float level = 0;  ///< part of the capacity
    float trend = 0;  ///< the same a tick
    bool begun = false;
  };

  /// `damped`: how many times the trend is added until then.
  [[nodiscard]] static float ahead(const Path& path, float damped) noexcept;

  Parameters parameters_;
  std::vector<float> damped_;  ///< by horizon: phi + phi^2 + ... + phi^h
  std::vector<Path> paths_;
};

}  // namespace braidway::ctrl::model
