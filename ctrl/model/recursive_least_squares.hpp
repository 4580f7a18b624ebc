// Linear regression that forgets: the load h ticks ahead, from a path's own last loads and from its peers'.
//
//     features x(t)   1, the loads of the last four ticks, their slow average, and the mean load of the
//                     peer's other paths in the last two ticks
//     forecast        w_h(t) . x(t), for each horizon h directly, cut to 0..1
//     gain            k(t) = P(t-1) x(t) / (f + x(t) . P(t-1) x(t))
//     covariance      P(t) = (P(t-1) - k(t) x(t)' P(t-1)) / f
//     weights         w_h(t) = w_h(t-1) + k(t-h) (load(t) - w_h(t-1) . x(t-h))
//
// Ljung and Söderström, "Theory and Practice of Recursive Identification" (1983). The gain depends on the
// features and not on what is forecast from them, and all horizons have the same features: one covariance
// and one gain a tick serve them all. Each horizon uses the gain of the tick h ago, which waits with its
// features in a ring; that is no approximation, each horizon's weights are those of its own regression.
//
// Where a feature does not change (a constant load, one path alone) forgetting would let P grow for ever. So
// each tick one feature, each in turn, is also seen alone with a little weight, exactly as it was expected:
// it moves no weights, and holds P's diagonal to features / ridge x (1 - f), about 1600 by default.
//
// A sample that is a bound is, to each horizon, what that expected, cut to it: what nobody measured teaches
// nothing. Features are completed by the forecast of one tick. At first, what was goes on.
//
// Pure; owner: one thread. All memory at construction: a path takes 64 bytes for each tick of the longest
// horizon, 64 for each horizon, and 0.6 KB; 7.4 KB for horizons up to 100 ticks.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <Eigen/Core>

#include "ctrl/model/forecaster.hpp"

namespace braidway::ctrl::model {

class RecursiveLeastSquares : public Forecaster {
 public:
  static constexpr int features = 8;
  static constexpr std::size_t own_ticks = 4;

  struct Parameters {
    /// f, what a tick leaves of the weight of what was seen, 0.9 to 1: 0.998 remembers 500 ticks, as long as
    /// the running median, and sixty times as many as there are weights to learn.
    double forgetting = 0.998;
    /// Of the observation that holds the covariance, square of the capacity, 1e-9 to 1: far below what loads
    /// vary by.
    double ridge = 1e-5;
    /// P of each feature at first, 1e-3 to 1e6. The loads' own share of 1/P outweighs 0.1 after a few ticks:
    /// by then what was need not go on.
    double covariance = 10;
    /// What a tick moves the slow average by, 0 to 1: 32 ticks, beyond the four that are features themselves
    /// and within most periods.
    float slow = 1.0F / 32;
  };

  explicit RecursiveLeastSquares(const Shape& shape) : RecursiveLeastSquares(shape, Parameters{}) {}
  /// Throws std::invalid_argument for parameters out of range, and for horizons of 0 or beyond 10,000 ticks.
  RecursiveLeastSquares(const Shape& shape, const Parameters& parameters);

  [[nodiscard]] std::string_view name() const noexcept override { return "rls"; }
  void observe(std::span<const Sample> paths) noexcept override;
  [[nodiscard]] Forecast forecast(std::size_t path, std::size_t horizon) const noexcept override {
    return Forecast::level(said_[path * leads_.size() + horizon + leads_.size() - horizons_]);
  }
  void forget(std::size_t path) noexcept override;

  /// The largest variance of a feature's weight that is left, relative to that of the loads.
  [[nodiscard]] double largest_covariance(std::size_t path) const noexcept {
    return paths_[path].covariance.diagonal().maxCoeff();
  }

 private:
  using Weights = Eigen::Matrix<double, features, 1>;
  using Features = Eigen::Matrix<float, features, 1>;
  struct Path {
    Eigen::Matrix<double, features, features> covariance;
    std::array<float, own_ticks> loads{};  ///< of the last ticks, the latest first
    float slow = 0;                        ///< their average
    float others = 0;                      ///< mean load of the other paths, of the tick before
    std::uint32_t age = 0;                 ///< ticks seen, up to the ring's length
  };
  /// One tick, as it waits for what came of it.
  struct Past {
    Features seen;
    Features gain;
  };

  [[nodiscard]] Past& past(std::size_t path, unsigned ticks_ago) noexcept {
    return ring_[path * ring_ticks_ + now_ - ticks_ago + (ticks_ago > now_ ? ring_ticks_ : 0)];
  }
  void learn(std::size_t path, const CrossLoad& came) noexcept;
  [[nodiscard]] Features look(Path& path, float load, float others) const noexcept;
  [[nodiscard]] Features gain_of(Path& path, const Features& seen) const noexcept;

  Parameters parameters_;
  std::size_t horizons_;         ///< of the shape: the last of leads_
  std::vector<unsigned> leads_;  ///< ticks ahead; the first is 1
  std::size_t ring_ticks_ = 0;   ///< the longest lead and one
  std::size_t now_ = 0;          ///< place of this tick in the ring
  std::size_t turn_ = 0;         ///< the feature that is seen alone
  std::vector<Path> paths_;
  std::vector<Past> ring_;        ///< by path and tick
  std::vector<Weights> weights_;  ///< by path and lead
  std::vector<float> said_;       ///< by path and lead
  std::vector<float> loads_;      ///< of this tick, by path
};

}  // namespace braidway::ctrl::model
