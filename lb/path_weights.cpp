#include "lb/path_weights.hpp"

#include <algorithm>
#include <cmath>

namespace braidway::lb {
namespace {

constexpr float recent(const PathDelay& path) noexcept { return (path.mean_ns + path.max_ns) / 2; }

}  // namespace

PathWeights::PathWeights(std::span<const float> configured, const Parameters& parameters)
    : parameters_(parameters),
      configured_(configured.begin(), configured.end()),
      weights_(configured_),
      shares_(configured_),
      relative_(configured_.size()) {}

void PathWeights::update(std::span<const PathDelay> heard) noexcept {
  if (heard.size() < 2) return;
  float delays = 0;
  float total = 0;
  for (const PathDelay& path : heard) {
    const float weight = weights_[value(path.path)];
    delays += weight * recent(path);
    total += weight;
  }
  const Parameters& p = parameters_;
  for (const PathDelay& path : heard) {
    const std::size_t i = value(path.path);
    const float others = total - weights_[i];
    if (others <= 0) continue;
    const float delay = recent(path);
    const float of_others = std::max(delays - weights_[i] * delay, 0.0F) / others;
    const float difference = delay - of_others;
    const float chance = p.ignored_ns + p.ignored_share * of_others;
    const float relative =
        std::copysign(std::max(std::abs(difference) - chance, 0.0F), difference) / p.interval_ns;
    const float loss = p.standing * relative + p.growth * (relative - relative_[i]);
    relative_[i] = relative;

    const float base = configured_[i];
    const float factor = std::clamp(std::exp(-loss), p.steepest_cut, p.steepest_raise);
    const float moved = std::clamp(weights_[i] * factor, p.floor * base, p.ceiling * base);
    weights_[i] = moved + p.recovery * (base - moved);
    const float beyond = (relative * p.interval_ns - p.outlying_ns) / p.outlying_span_ns;
    shares_[i] = weights_[i] * std::clamp(1 - beyond, p.trickle, 1.0F);
  }
}

}  // namespace braidway::lb
