// A model of cross load: shown what was, tick by tick, it says what it expects. One model is one file; a
// model of the user's own is one more, with a line in `members.cpp`.
//
// A model is given all paths of a peer at once, for some learn from one path about another. Each path's
// sample may be censored (see cross_load.hpp): a model that wants a number takes `completed`, what it
// expected itself, cut to the bound.
//
// Forecasts are for single ticks: horizon h is the h-th tick after the last that was observed, and the load
// asked for is the mean over it. A model is judged by its absolute error, so `load` should be a median.
//
// Pure: all memory at construction. Owner: one thread at a time; `refit` of different paths may be called by
// several at once, while nothing else is.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "ctrl/model/cross_load.hpp"

namespace braidway::ctrl::model {

/// What models are made for.
struct Shape {
  std::size_t paths = 1;           ///< of one peer, 1..256
  std::size_t bins = 10;           ///< of 100 us, a tick
  std::vector<unsigned> horizons;  ///< ticks ahead, ascending, each 1 or more
};

/// One tick of one path.
struct Sample {
  CrossLoad load;                   ///< over the whole tick
  std::span<const CrossLoad> bins;  ///< the same by bin, the oldest first; Shape::bins of them
};

/// The load of one tick to come: one of two levels, or on the way between them.
struct Forecast {
  float load = 0;   ///< what to bet on, part of the capacity
  float burst = 0;  ///< probability that it will be the upper level
  float lower = 0;  ///< load between bursts
  float upper = 0;  ///< load within one

  /// A model that knows no bursts.
  [[nodiscard]] static Forecast level(float load) noexcept {
    return {.load = load, .burst = 0, .lower = load, .upper = load};
  }
  /// The load that is not exceeded with probability `part`, by the two levels.
  [[nodiscard]] float quantile(float part) const noexcept { return part <= 1 - burst ? lower : upper; }
};

class Forecaster {
 public:
  Forecaster() = default;
  virtual ~Forecaster() = default;
  Forecaster(const Forecaster&) = delete;
  Forecaster& operator=(const Forecaster&) = delete;

  /// A word, for tables and logs.
  [[nodiscard]] virtual std::string_view name() const noexcept = 0;
  /// One tick is over: a sample of each path.
  virtual void observe(std::span<const Sample> paths) noexcept = 0;
  /// `horizon`: which of Shape::horizons.
  [[nodiscard]] virtual Forecast forecast(std::size_t path, std::size_t horizon) const noexcept = 0;
  /// Work too long for a tick, asked for now and then.
  virtual void refit(std::size_t /*path*/) noexcept {}
  /// The path begins anew: another one has its number, or its capacity changed.
  virtual void forget(std::size_t path) noexcept = 0;
};

}  // namespace braidway::ctrl::model
