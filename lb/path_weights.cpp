#include "lb/path_weights.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "lb/require.hpp"

namespace braidway::lb {
namespace {

PathWeights::Parameters checked(std::span<const float> configured, const PathWeights::Parameters& p) {
  const Requirements require{"PathWeights"};
  constexpr float longest_ns = 1e9F;
  constexpr float least = 1e-6F;  // of what would never come back from 0
  require.within("paths", configured.size(), 1, max_paths_per_peer);
  for (std::size_t i = 0; i < configured.size(); ++i) {
    require.within("configured[" + std::to_string(i) + "]", configured[i], 0, 1e6F);
  }
  require.within("interval_ns", p.interval_ns, 1, longest_ns);
  require.within("growth", p.growth, 0, 100);
  require.within("standing", p.standing, 0, 100);
  require.within("ignored_ns", p.ignored_ns, 0, longest_ns);
  require.within("ignored_share", p.ignored_share, 0, 100);
  require.within("steepest_cut", p.steepest_cut, least, 1);
  require.within("steepest_raise", p.steepest_raise, 1, 1e6F);
  require.within("recovery", p.recovery, 0, 1);
  require.within("floor", p.floor, least, 1);
  require.within("ceiling", p.ceiling, 1, 1e6F);
  require.within("outlying_ns", p.outlying_ns, 0, longest_ns);
  require.within("outlying_span_ns", p.outlying_span_ns, 1, longest_ns);
  require.within("trickle", p.trickle, least, 1);
  require.within("forgotten", p.forgotten, 1U, 1U << 31U);
  require.within("stale", p.stale, 1U, 1U << 31U);
  require.within("congested_ns", p.congested_ns, 0, longest_ns);
  return p;
}

}  // namespace

PathWeights::PathWeights(std::span<const float> configured, const Parameters& parameters)
    : parameters_(checked(configured, parameters)),
      configured_(configured.begin(), configured.end()),
      weights_(configured_),
      reactive_(configured_),
      biases_(configured_.size(), 1.0F),
      shares_(configured_),
      relative_(configured_.size()),
      unheard_(configured_.size()) {}

float PathWeights::biased(std::size_t path) const noexcept {
  const float least = std::min(reactive_[path], parameters_.trickle * configured_[path]);
  return std::max(reactive_[path] * biases_[path], least);
}

void PathWeights::set_biases(std::span<const float> biases) noexcept {
  for (std::size_t i = 0; i < biases_.size(); ++i) {
    biases_[i] = biases[i];
    shares_[i] = biased(i);
  }
}

void PathWeights::forget_unheard(std::span<const PathDelay> heard) noexcept {
  for (unsigned& messages : unheard_) ++messages;
  for (const PathDelay& path : heard) unheard_[value(path.path)] = 0;
  for (std::size_t i = 0; i < unheard_.size(); ++i) {
    if (unheard_[i] >= parameters_.stale) {
      relative_[i] = 0;
      weights_[i] += parameters_.recovery * (configured_[i] - weights_[i]);
      reactive_[i] = weights_[i];
      shares_[i] = biased(i);
    }
    if (unheard_[i] < parameters_.forgotten) continue;
    unheard_[i] = 0;
    relative_[i] = 0;
    weights_[i] = configured_[i];
    reactive_[i] = configured_[i];
    shares_[i] = biased(i);
  }
}

void PathWeights::update(std::span<const PathDelay> heard) noexcept {
  forget_unheard(heard);
  if (heard.size() < 2) return;
  float delays = 0;
  float total = 0;
  for (const PathDelay& path : heard) {
    const float weight = weights_[value(path.path)];
    delays += weight * recent_ns(path);
    total += weight;
  }
  const Parameters& p = parameters_;
  if (lateness(heard, p.congested_ns).congested()) {
    resting_ = p.rest;
  } else if (resting_ > 0) {
    --resting_;
  }
  const float counts = resting_ > 0 ? 0 : 1;
  for (const PathDelay& path : heard) {
    const std::size_t i = value(path.path);
    const float others = total - weights_[i];
    if (others <= 0) continue;
    const float delay = recent_ns(path);
    const float of_others = std::max(delays - weights_[i] * delay, 0.0F) / others;
    const float difference = delay - of_others;
    const float chance = p.ignored_ns + p.ignored_share * of_others;
    const float relative =
        counts * std::copysign(std::max(std::abs(difference) - chance, 0.0F), difference) / p.interval_ns;
    const float loss = p.standing * relative + p.growth * (relative - relative_[i]);
    relative_[i] = relative;

    const float base = configured_[i];
    const float factor = std::clamp(std::exp(-loss), p.steepest_cut, p.steepest_raise);
    const float moved = std::clamp(weights_[i] * factor, p.floor * base, p.ceiling * base);
    weights_[i] = moved + p.recovery * (base - moved);
    const float beyond = (relative * p.interval_ns - p.outlying_ns) / p.outlying_span_ns;
    reactive_[i] = weights_[i] * std::clamp(1 - beyond, p.trickle, 1.0F);
    shares_[i] = biased(i);
  }
}

}  // namespace braidway::lb
