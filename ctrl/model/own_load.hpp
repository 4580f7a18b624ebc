// Takes out of a path's cross load what is only our own.
//
// What we put onto a path and what its queue grew by are told by different hands at different times. While
// our load is steady that does not matter; when it changes, a part of the change shows up as somebody's, a
// bin early or late. Our own job's period is then seen on all paths, and can be forecast, and is nobody's but
// ours. So cross load is regressed on the change of our own load, and what goes with it is taken out. Others
// that change whenever we do lose that part too: it is what we cannot tell from our own.
//
// Pure; owner: one thread. One a path.
#pragma once

#include <algorithm>

#include "ctrl/model/cross_load.hpp"

namespace braidway::ctrl::model {

class OwnLoad {
 public:
  /// The next bin: what was measured, and our own load of it, part of the capacity. The measurement without
  /// our own part.
  CrossLoad clean(const CrossLoad& sample, float own) noexcept {
    const float change = own - last_own_;
    last_own_ = own;
    if (sample.censored) return sample;
    const float off = sample.load - mean_;
    mean_ += off * learning;
    variance_ += (change * change - variance_) * learning;
    covariance_ += (change * off - covariance_) * learning;
    constexpr float least = 1e-4F;  // of a load that hardly changes nothing can be said
    const float slope = variance_ > least ? std::clamp(covariance_ / variance_, -1.0F, 1.0F) : 0;
    return {.load = std::clamp(sample.load - slope * change, 0.0F, 1.0F), .censored = false};
  }

 private:
  static constexpr float learning = 1.0F / 2'048;  ///< bins

  float last_own_ = 0;
  float mean_ = 0;
  float variance_ = 0;
  float covariance_ = 0;
};

}  // namespace braidway::ctrl::model
