// What a forecast says that the weights of paths should heed (weights.hpp): bursts of others that are
// expected while what is placed now is under way.
//
// For each path the horizon that says the worst counts, of those whose gate is open. The reactive weights
// know what others leave of the path between bursts, and the path loses the part of it that the burst takes:
// where no more is known of the others than that they leave what we use, that is the part of our use. How
// sure it is, is the probability of the burst.
//
// Pure; any thread.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "ctrl/model/predictor.hpp"
#include "ctrl/model/weights.hpp"

namespace braidway::ctrl::model {

/// Part of a path that is always taken to be left.
inline constexpr float least_left = 0.05F;

/// By path. `horizons`: of the Predictor's, the first so many count.
inline void look_ahead(const Predictor& predictor, std::size_t horizons, std::span<Outlook> out) noexcept {
  for (std::size_t path = 0; path < out.size(); ++path) {
    out[path] = {};
    float worst = 0;
    for (std::size_t h = 0; h < horizons; ++h) {
      if (!predictor.gate(path, h).open()) continue;
      const Forecast& forecast = predictor.ensemble().forecast(path, h);
      const float left = std::max(1 - forecast.lower, least_left);
      const float taken = std::clamp((forecast.upper - forecast.lower) / left, 0.0F, 1.0F);
      if (!(forecast.burst * taken > worst)) continue;
      worst = forecast.burst * taken;
      out[path] = {.adjustment = -taken, .confidence = forecast.burst, .horizon = h};
    }
  }
}

}  // namespace braidway::ctrl::model
