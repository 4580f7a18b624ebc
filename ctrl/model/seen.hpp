// What a model takes for a tick's load: what was measured, else what it expected, cut to the bound
// (cross_load.hpp). A load that is no number, which only a caller's mistake can make, is unknown: models that
// keep sums would never be rid of it.
//
// Loads are parts of the capacity, 0 to 1. Pure; any thread.
#pragma once

#include <algorithm>
#include <cmath>

#include "ctrl/model/cross_load.hpp"

namespace braidway::ctrl::model {

[[nodiscard]] inline float seen(const CrossLoad& sample, float expected) noexcept {
  return std::isfinite(sample.load) ? std::clamp(completed(sample, expected), 0.0F, 1.0F) : expected;
}

}  // namespace braidway::ctrl::model
