// What a forecast says that the weights of paths should heed (weights.hpp): bursts of others that are
// expected while what is placed now is under way.
//
// For each path the horizon that says the worst counts, of those whose gate is open: the path loses what the
// burst takes above what the path usually bears, for that is known to the reactive weights; and how sure that
// is, is the probability of the burst.
//
// Pure; any thread.
#pragma once

#include <span>
#include <vector>

#include "ctrl/model/predictor.hpp"
#include "ctrl/model/weights.hpp"

namespace braidway::ctrl::model {

/// By path. `horizons`: of the Predictor's, the first so many count.
inline void look_ahead(const Predictor& predictor, std::size_t horizons, std::span<Outlook> out) noexcept {
  for (std::size_t path = 0; path < out.size(); ++path) {
    out[path] = {};
    float worst = 0;
    for (std::size_t h = 0; h < horizons; ++h) {
      if (!predictor.gate(path, h).open()) continue;
      const Forecast& forecast = predictor.ensemble().forecast(path, h);
      const float taken = forecast.upper - forecast.lower;
      if (!(forecast.burst * taken > worst)) continue;
      worst = forecast.burst * taken;
      out[path] = {.adjustment = -taken, .confidence = forecast.burst};
    }
  }
}

}  // namespace braidway::ctrl::model
