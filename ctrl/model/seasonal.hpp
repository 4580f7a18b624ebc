// What was a period ago comes again: the load is forecast as the median of those one, two and three periods
// before, of the latest that are known. The period is learnt, and where there is none, or until refit is
// called, the last load goes on.
//
// The period is found by autocorrelation of the ticks kept, each lag by the mean of its products, through
// the FFT of the loads filled up with as many zeros (Wiener-Khinchin). It is the first peak that is nearly
// the highest, for each multiple of a period is a peak as well. A peak counts if it is high, and high above
// what is lower at shorter lags: a load that merely changes slowly is like itself at each short lag.
//
// Periods are whole ticks, from 2 to a quarter of those kept; one that is not whole is told by a multiple
// that nearly is. What is kept also holds loads that nobody measured, as they were expected (cross_load.hpp).
//
// Pure; owner: one thread; refit of different paths by several at once: its scratch is on the stack, 128 KB,
// and the FFT's plan is made at construction and then only read. All memory at construction: 4 bytes a path
// and tick kept, 16 KB a path by default.
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <unsupported/Eigen/FFT>

#include "ctrl/model/forecaster.hpp"

namespace braidway::ctrl::model {

class Seasonal : public Forecaster {
 public:
  static constexpr std::size_t most_ticks = 4'096;

  struct Parameters {
    /// Ticks kept of each path, a power of 2 from 64 to most_ticks: 4 s at 1 ms, which is 20 of the longest
    /// periods that training has (200 ms), and finds periods up to 1 s.
    std::size_t ticks = most_ticks;
    /// Correlation of a peak, and how much it has to be above the lowest at shorter lags. Of 200 series of
    /// 4096 ticks that remember a tick by 0.99 and have no period, 8 pass at 0.3, one at 0.4, none where they
    /// remember it by 0.95 or less. Bursts of a quarter of periods of 5 to 200 ticks pass at 0.5 with 5 % of
    /// jitter, be it of each burst or added up: 100 series of 100 each.
    float strength = 0.4F;
    /// Part of the highest peak that makes a shorter lag the period.
    float nearly = 0.9F;
  };

  explicit Seasonal(const Shape& shape) : Seasonal(shape, Parameters{}) {}
  /// Throws std::invalid_argument for parameters out of range.
  Seasonal(const Shape& shape, const Parameters& parameters);

  [[nodiscard]] std::string_view name() const noexcept override { return "seasonal"; }
  void observe(std::span<const Sample> paths) noexcept override;
  [[nodiscard]] Forecast forecast(std::size_t path, std::size_t horizon) const noexcept override {
    return Forecast::level(ahead(path, horizons_[horizon]));
  }
  void refit(std::size_t path) noexcept override;
  void forget(std::size_t path) noexcept override { paths_[path] = {}; }

  /// Ticks; 0: none is known.
  [[nodiscard]] std::size_t period(std::size_t path) const noexcept { return paths_[path].period; }

 private:
  struct Path {
    std::uint32_t count = 0;   ///< ticks kept
    std::uint32_t period = 0;  ///< ticks; 0: none
  };
  using Complex = std::complex<float>;

  /// The load `age` ticks before the last.
  [[nodiscard]] float kept(std::size_t path, std::size_t age) const noexcept {
    return ring_[path * parameters_.ticks + ((last_ - age) & (parameters_.ticks - 1))];
  }
  [[nodiscard]] float ahead(std::size_t path, std::size_t ticks) const noexcept;
  [[nodiscard]] std::uint32_t find_period(std::size_t path) noexcept;
  [[nodiscard]] std::uint32_t first_peak(std::span<const float> correlations) const noexcept;

  Parameters parameters_;
  std::vector<unsigned> horizons_;
  std::vector<Path> paths_;
  std::vector<float> ring_;  ///< by path and tick
  std::size_t last_ = 0;     ///< the last tick's place is this, modulo the ring's length
  Eigen::FFT<float> fft_;
};

}  // namespace braidway::ctrl::model
