#include "ctrl/model/predictor.hpp"

#include <algorithm>
#include <utility>

#include "lb/require.hpp"

namespace braidway::ctrl::model {

Predictor::Predictor(const Shape& shape, Ensemble::Members members, const Gate::Parameters& gate)
    : ensemble_(shape, std::move(members)), horizons_(shape.horizons.size()), edges_(shape.paths) {
  lb::Requirements{"Predictor"}.within("members", ensemble_.members(), Gate::naives, std::size_t{64});
  for (std::size_t path = 0; path < shape.paths; ++path) {
    for (const unsigned horizon : shape.horizons) {
      gates_.emplace_back(horizon, gate);
    }
  }
}

bool Predictor::sees_onset(std::size_t path, const Sample& sample) noexcept {
  bool onset = false;
  for (const CrossLoad& bin : sample.bins) {
    if (bin.unknown()) {
      edges_[path].skip();
      continue;
    }
    const auto edge = edges_[path].observe(completed(bin, edges_[path].level()));
    onset = onset || (edge && edge->height > 0);
  }
  return onset;
}

void Predictor::observe(std::span<const Sample> paths) noexcept {
  ensemble_.observe(paths);
  for (std::size_t path = 0; path < paths.size(); ++path) {
    const bool onset = sees_onset(path, paths[path]);
    for (std::size_t horizon = 0; horizon < horizons_; ++horizon) {
      if (!ensemble_.due(horizon)) continue;
      const auto errors = ensemble_.errors(path, horizon);
      Gate::Losses losses{.forecast = errors.back(), .naive = {}, .measured = !paths[path].load.unknown()};
      std::copy_n(errors.begin(), Gate::naives, losses.naive.begin());
      gates_[path * horizons_ + horizon].observe(losses, onset);
    }
  }
}

void Predictor::forget(std::size_t path) noexcept {
  ensemble_.forget(path);
  edges_[path] = {};
  for (std::size_t horizon = 0; horizon < horizons_; ++horizon) gates_[path * horizons_ + horizon].forget();
}

}  // namespace braidway::ctrl::model
