// The forecast of a peer's paths as it is used: all models as one (ensemble.hpp), and for each path and
// horizon a gate that says whether it may influence anything (gate.hpp).
//
// Pure; owner: one thread. All memory at construction: with eight models and four horizons 20 KB a path.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "ctrl/model/edges.hpp"
#include "ctrl/model/ensemble.hpp"
#include "ctrl/model/gate.hpp"

namespace braidway::ctrl::model {

class Predictor {
 public:
  /// The first Gate::naives of the members are the naive ones. Throws std::invalid_argument as Ensemble does,
  /// and for fewer members.
  Predictor(const Shape& shape, Ensemble::Members members, const Gate::Parameters& gate = {});

  /// One tick is over: a sample of each path.
  void observe(std::span<const Sample> paths) noexcept;
  void refit(std::size_t path) noexcept { ensemble_.refit(path); }
  void forget(std::size_t path) noexcept;

  [[nodiscard]] const Ensemble& ensemble() const noexcept { return ensemble_; }
  [[nodiscard]] const Gate& gate(std::size_t path, std::size_t horizon) const noexcept {
    return gates_[path * horizons_ + horizon];
  }

 private:
  [[nodiscard]] bool sees_onset(std::size_t path, const Sample& sample) noexcept;

  Ensemble ensemble_;
  std::size_t horizons_;
  std::vector<Gate> gates_;
  std::vector<Edges> edges_;
};

}  // namespace braidway::ctrl::model
