#include "ctrl/model/recursive_least_squares.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "lb/require.hpp"

namespace braidway::ctrl::model {
namespace {

RecursiveLeastSquares::Parameters checked(const Shape& shape, const RecursiveLeastSquares::Parameters& p) {
  const lb::Requirements require{"RecursiveLeastSquares"};
  require.within("forgetting", p.forgetting, 0.9, 1);
  require.within("ridge", p.ridge, 1e-9, 1);
  require.within("covariance", p.covariance, 1e-3, 1e6);
  require.within("slow", p.slow, 0, 1);
  require.within("horizons", shape.horizons.size(), 1, 64);
  require.within("horizons, the first", shape.horizons.front(), 1U, 10'000U);
  require.within("horizons, the last", shape.horizons.back(), shape.horizons.front(), 10'000U);
  return p;
}

}  // namespace

RecursiveLeastSquares::RecursiveLeastSquares(const Shape& shape, const Parameters& parameters)
    : parameters_(checked(shape, parameters)), horizons_(shape.horizons.size()), paths_(shape.paths) {
  if (shape.horizons.front() != 1) leads_.push_back(1);
  leads_.insert(leads_.end(), shape.horizons.begin(), shape.horizons.end());
  ring_ticks_ = leads_.back() + 1;
  ring_.resize(shape.paths * ring_ticks_);
  weights_.resize(shape.paths * leads_.size());
  said_.resize(shape.paths * leads_.size());
  loads_.resize(shape.paths);
  for (std::size_t i = 0; i < shape.paths; ++i) forget(i);
}

void RecursiveLeastSquares::forget(std::size_t path) noexcept {
  Path& of = paths_[path];
  of.covariance.setZero();
  of.covariance.diagonal().setConstant(parameters_.covariance);
  of.loads = {};
  of.slow = of.others = 0;
  of.age = 0;
  for (std::size_t k = 0; k < leads_.size(); ++k) {
    weights_[path * leads_.size() + k] = Weights::Unit(1);
    said_[path * leads_.size() + k] = 0;
  }
}

/// What came of the forecasts that are due.
void RecursiveLeastSquares::learn(std::size_t path, const CrossLoad& came) noexcept {
  for (std::size_t k = 0; k < leads_.size() && leads_[k] <= paths_[path].age; ++k) {
    const Past& then = past(path, leads_[k]);
    Weights& weights = weights_[path * leads_.size() + k];
    const double expected = weights.dot(then.seen.cast<double>());
    const double load = came.censored ? std::min<double>(came.load, expected) : came.load;
    weights += then.gain.cast<double>() * (load - expected);
  }
}

RecursiveLeastSquares::Features RecursiveLeastSquares::look(Path& path, float load,
                                                            float others) const noexcept {
  std::shift_right(path.loads.begin(), path.loads.end(), 1);
  path.loads.front() = load;
  path.slow = path.age == 0 ? load : path.slow + (load - path.slow) * parameters_.slow;
  Features seen;
  seen << 1, path.loads[0], path.loads[1], path.loads[2], path.loads[3], path.slow, others, path.others;
  path.others = others;
  return seen;
}

/// Of the tick; the covariance has seen it then.
RecursiveLeastSquares::Features RecursiveLeastSquares::gain_of(Path& path,
                                                               const Features& seen) const noexcept {
  auto& covariance = path.covariance;
  const Weights x = seen.cast<double>();
  const Weights spread = covariance * x;
  const double whole = parameters_.forgetting + x.dot(spread);
  const double fade = 1 / parameters_.forgetting;
  // The root on both sides keeps the matrix symmetric to the last bit: forgetting would let a difference
  // grow.
  const Weights taken = spread / std::sqrt(whole);
  const auto turn = static_cast<Eigen::Index>(turn_);
  Weights held = (covariance.col(turn) - taken * taken[turn]) * fade;
  held /= std::sqrt(1 / parameters_.ridge + held[turn]);
  for (Eigen::Index k = 0; k < features; ++k) {
    covariance.col(k) = (covariance.col(k) - taken * taken[k]) * fade - held * held[k];
  }
  return (spread / whole).cast<float>();
}

void RecursiveLeastSquares::observe(std::span<const Sample> paths) noexcept {
  now_ = now_ + 1 < ring_ticks_ ? now_ + 1 : 0;
  turn_ = (turn_ + 1) % features;
  for (std::size_t i = 0; i < paths_.size(); ++i)
    loads_[i] = completed(paths[i].load, said_[i * leads_.size()]);
  const float sum = std::accumulate(loads_.begin(), loads_.end(), 0.0F);
  const float among = paths_.size() > 1 ? 1 / static_cast<float>(paths_.size() - 1) : 0;

  for (std::size_t i = 0; i < paths_.size(); ++i) {
    Path& path = paths_[i];
    if (std::isfinite(paths[i].load.load)) learn(i, paths[i].load);
    Past& tick = past(i, 0);
    tick.seen = look(path, loads_[i], (sum - loads_[i]) * among);
    tick.gain = gain_of(path, tick.seen);
    path.age = static_cast<std::uint32_t>(std::min<std::size_t>(path.age + 1, ring_ticks_));
    for (std::size_t k = 0; k < leads_.size(); ++k) {
      const double load = weights_[i * leads_.size() + k].dot(tick.seen.cast<double>());
      said_[i * leads_.size() + k] = static_cast<float>(std::clamp(load, 0.0, 1.0));
    }
  }
}

}  // namespace braidway::ctrl::model
