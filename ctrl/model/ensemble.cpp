#include "ctrl/model/ensemble.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "lb/require.hpp"
#include "lb/types.hpp"

namespace braidway::ctrl::model {
namespace {

/// Levels that are closer are one.
constexpr float least_step = 0.05F;

/// A model's forecast may be anything; what is heard of it is a load.
float heard(float load) noexcept { return std::isfinite(load) ? std::clamp(load, 0.0F, 1.0F) : 0.0F; }

std::size_t checked_paths(const Shape& shape, std::size_t members) {
  const lb::Requirements require{"Ensemble"};
  require.within("paths", shape.paths, 1, lb::max_paths_per_peer);
  require.within("horizons", shape.horizons.size(), 1, std::size_t{64});
  for (const unsigned horizon : shape.horizons) require.within("horizon", horizon, 1, 10'000);
  require.within("members", members, 1, std::size_t{64});
  return shape.paths;
}

}  // namespace

Ensemble::Ensemble(const Shape& shape, Members members, const Parameters& parameters)
    : parameters_(parameters),
      members_(std::move(members)),
      paths_(checked_paths(shape, members_.size())),
      horizons_(shape.horizons),
      voices_(members_.size() + 1),
      weights_(paths_ * horizons_.size() * members_.size(), 1.0F / static_cast<float>(members_.size())),
      errors_(paths_ * horizons_.size() * voices_),
      usual_(paths_ * horizons_.size()),
      combined_(paths_ * horizons_.size()),
      said_(members_.size()),
      order_(members_.size()) {
  for (const unsigned horizon : horizons_) {
    rings_.push_back(ring_floats_);
    ring_floats_ += horizon * voices_;
  }
  waiting_.resize(paths_ * ring_floats_);
}

/// Where the forecast for this tick stands, and that for `horizon` ticks later will.
float* Ensemble::waiting(std::size_t path, std::size_t horizon) noexcept {
  return waiting_.data() + path * ring_floats_ + rings_[horizon] + ticks_ % horizons_[horizon] * voices_;
}

void Ensemble::score(std::size_t path, std::size_t horizon, const CrossLoad& came) noexcept {
  const std::size_t at = cell(path, horizon);
  const float* forecasts = waiting(path, horizon);
  float* errors = errors_.data() + at * voices_;
  float sum = 0;
  for (std::size_t i = 0; i < voices_; ++i) errors[i] = error_of(forecasts[i], came);
  for (std::size_t i = 0; i < members_.size(); ++i) sum += errors[i];
  const auto count = static_cast<float>(members_.size());
  if (came.unknown()) return;
  usual_[at] += (sum / count - usual_[at]) * parameters_.usual_learning;
  constexpr float least = 1e-4F;
  const float rate = parameters_.learning / std::max(usual_[at], least);
  float* weights = weights_.data() + at * members_.size();
  float total = 0;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const float loss = rate * errors[i];
    weights[i] /= 1 + loss * (1 + loss / 2);  // e^-loss for what is small, and never nothing
    total += weights[i];
  }
  const float each = parameters_.shared / count;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    weights[i] = total > 0 ? weights[i] / total * (1 - parameters_.shared) + each : 1 / count;
  }
}

/// What half of the weight says at most of a part of the forecast.
float Ensemble::median(const float* weights, float Forecast::* part) noexcept {
  for (std::size_t i = 0; i < order_.size(); ++i) order_[i] = static_cast<std::uint16_t>(i);
  std::ranges::sort(order_, {}, [&](std::uint16_t i) { return said_[i].*part; });
  float below = 0;
  for (const std::uint16_t i : order_) {
    below += weights[i];
    if (below >= 0.5F) return said_[i].*part;
  }
  return said_[order_.back()].*part;
}

/// The levels by those who know two, and whether it will be the upper one by all: who knows none votes for it
/// by a load that nearly is it. Much lower ones may be what is between bursts, of which often but a bound is
/// known.
void Ensemble::tell_levels(const float* weights, Forecast& out) noexcept {
  const auto knows_two = [](const Forecast& said) { return said.upper - said.lower >= least_step; };
  float knowing = 0;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (!knows_two(said_[i])) continue;
    knowing += weights[i];
    out.lower += weights[i] * said_[i].lower;
    out.upper += weights[i] * said_[i].upper;
  }
  if (!(knowing > 0)) {
    out.lower = out.upper = out.load;
    return;
  }
  out.lower /= knowing;
  out.upper /= knowing;
  const float nearly = out.upper - (out.upper - out.lower) / 4;
  for (Forecast& said : said_) {
    if (!knows_two(said)) said.burst = said.load >= nearly ? 1 : 0;
  }
  out.burst = median(weights, &Forecast::burst);
}

/// The members' forecasts, and theirs together.
void Ensemble::speak(std::size_t path, std::size_t horizon) noexcept {
  const std::size_t at = cell(path, horizon);
  const float* weights = weights_.data() + at * members_.size();
  float* forecasts = waiting(path, horizon);
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const Forecast said = members_[i]->forecast(path, horizon);
    said_[i] = {.load = heard(said.load),
                .burst = heard(said.burst),
                .lower = heard(said.lower),
                .upper = heard(said.upper)};
    forecasts[i] = said_[i].load;
  }
  Forecast& out = combined_[at];
  out = {};
  out.load = median(weights, &Forecast::load);
  forecasts[members_.size()] = out.load;
  tell_levels(weights, out);
}

void Ensemble::observe(std::span<const Sample> paths) noexcept {
  for (const auto& member : members_) member->observe(paths);
  ++ticks_;
  for (std::size_t path = 0; path < paths_; ++path) {
    for (std::size_t horizon = 0; horizon < horizons_.size(); ++horizon) {
      if (due(horizon)) score(path, horizon, paths[path].load);
      speak(path, horizon);
    }
  }
}

void Ensemble::refit(std::size_t path) noexcept {
  for (const auto& member : members_) member->refit(path);
}

void Ensemble::forget(std::size_t path) noexcept {
  for (const auto& member : members_) member->forget(path);
  for (std::size_t horizon = 0; horizon < horizons_.size(); ++horizon) {
    const std::size_t at = cell(path, horizon);
    std::fill_n(weights_.begin() + static_cast<std::ptrdiff_t>(at * members_.size()), members_.size(),
                1 / static_cast<float>(members_.size()));
    usual_[at] = 0;
  }
}

}  // namespace braidway::ctrl::model
