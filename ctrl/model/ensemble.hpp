// Several models as one: for each path and horizon, each model has a weight that falls with what it was off
// by, and the forecast is the median of theirs by weight. A share of all weights is dealt out anew each tick
// (fixed share: Herbster and Warmuth, "Tracking the best expert", 1998), so that a model that was bad for
// long is heard soon when it becomes the best.
//
// It is the median and not the mean, for errors count by their size and not their square: where half of the
// weight says that there is no burst, a bit of one is wrong either way. So it is with the chance of a burst,
// on which a model that knows no levels votes by its load: in a mean, who is seldom right would make unsure
// those who were found to be.
//
// What each forecast was off by is known when its tick has come: forecasts wait for that in rings.
//
// Pure; owner: one thread. All memory at construction: for each path 4 bytes a model, horizon and tick of the
// horizon, 5.6 KB with eight models and horizons of 1 to 100 ticks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ctrl/model/forecaster.hpp"

namespace braidway::ctrl::model {

class Ensemble {
 public:
  struct Parameters {
    /// What an error costs a model, e-folds for each multiple of the models' usual mean error.
    float learning = 0.02F;
    /// Of all weights, dealt out anew each tick.
    float shared = 0.0005F;
    /// Of what errors usually are, what a tick replaces.
    float usual_learning = 1.0F / 256;
  };

  using Members = std::vector<std::unique_ptr<Forecaster>>;
  /// Throws std::invalid_argument for a shape without paths or horizons, and for no members.
  Ensemble(const Shape& shape, Members members, const Parameters& parameters);
  Ensemble(const Shape& shape, Members members) : Ensemble(shape, std::move(members), Parameters{}) {}

  /// One tick is over: a sample of each path.
  void observe(std::span<const Sample> paths) noexcept;
  /// Work too long for a tick, of one path.
  void refit(std::size_t path) noexcept;
  void forget(std::size_t path) noexcept;

  [[nodiscard]] const Forecast& forecast(std::size_t path, std::size_t horizon) const noexcept {
    return combined_[cell(path, horizon)];
  }
  /// What the forecasts of the last tick were off by, by member, and last the ensemble's; as far as it was
  /// measured.
  [[nodiscard]] std::span<const float> errors(std::size_t path, std::size_t horizon) const noexcept {
    return {errors_.data() + cell(path, horizon) * voices_, voices_};
  }
  /// By member, of sum 1.
  [[nodiscard]] std::span<const float> weights(std::size_t path, std::size_t horizon) const noexcept {
    return {weights_.data() + cell(path, horizon) * members_.size(), members_.size()};
  }
  /// Ticks from the first whose forecasts have come due.
  [[nodiscard]] bool due(std::size_t horizon) const noexcept { return ticks_ > horizons_[horizon]; }
  [[nodiscard]] std::size_t members() const noexcept { return members_.size(); }
  [[nodiscard]] const Forecaster& member(std::size_t number) const noexcept { return *members_[number]; }

 private:
  [[nodiscard]] std::size_t cell(std::size_t path, std::size_t horizon) const noexcept {
    return path * horizons_.size() + horizon;
  }
  [[nodiscard]] float* waiting(std::size_t path, std::size_t horizon) noexcept;
  void score(std::size_t path, std::size_t horizon, const CrossLoad& came) noexcept;
  [[nodiscard]] float median(const float* weights, float Forecast::* part) noexcept;
  void tell_levels(const float* weights, Forecast& out) noexcept;
  void speak(std::size_t path, std::size_t horizon) noexcept;

  Parameters parameters_;
  Members members_;
  std::size_t paths_;
  std::vector<unsigned> horizons_;
  std::size_t voices_;                ///< members and the ensemble
  std::vector<std::size_t> rings_;    ///< by horizon: where its ring begins in a path's part of waiting_
  std::size_t ring_floats_ = 0;       ///< a path's part
  std::vector<float> waiting_;        ///< forecasts whose tick has not come
  std::vector<float> weights_;        ///< by cell and member
  std::vector<float> errors_;         ///< by cell and voice
  std::vector<float> usual_;          ///< by cell: mean error of the members
  std::vector<Forecast> combined_;    ///< by cell
  std::vector<Forecast> said_;        ///< by member: of the cell in hand
  std::vector<std::uint16_t> order_;  ///< members by what they say, of the cell in hand
  std::uint64_t ticks_ = 0;
};

}  // namespace braidway::ctrl::model
