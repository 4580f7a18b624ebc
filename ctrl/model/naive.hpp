// The forecasters that every other has to beat: what was, goes on.
//
//   last value      the load of the last tick
//   running median  of the last ticks: where bursts are short, it says that there are none
//   ewma            what the fast loop goes by: smoothed as reactive weights follow their paths' delays
//
// A bound says of each what it leaves of it (cross_load.hpp). Pure; owner: one thread. All memory at
// construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "ctrl/model/forecaster.hpp"

namespace braidway::ctrl::model {

class LastValue : public Forecaster {
 public:
  explicit LastValue(const Shape& shape) : last_(shape.paths) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "last"; }
  void observe(std::span<const Sample> paths) noexcept override;
  [[nodiscard]] Forecast forecast(std::size_t path, std::size_t /*horizon*/) const noexcept override {
    return Forecast::level(last_[path]);
  }
  void forget(std::size_t path) noexcept override { last_[path] = 0; }

 private:
  std::vector<float> last_;
};

class Ewma : public Forecaster {
 public:
  /// `ticks`: in which what was has lost two thirds of its weight. As PathWeights: a message of 100 us moves
  /// a weight by a tenth of the delay that stands.
  explicit Ewma(const Shape& shape, float ticks = 2) : smoothed_(shape.paths), learning_(1 / ticks) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "ewma"; }
  void observe(std::span<const Sample> paths) noexcept override;
  [[nodiscard]] Forecast forecast(std::size_t path, std::size_t /*horizon*/) const noexcept override {
    return Forecast::level(smoothed_[path]);
  }
  void forget(std::size_t path) noexcept override { smoothed_[path] = 0; }

 private:
  std::vector<float> smoothed_;
  float learning_;
};

class RunningMedian : public Forecaster {
 public:
  /// Of the last `ticks`: long against any burst. Counted in steps of a 128th of the capacity, halfway into
  /// which the median is told.
  explicit RunningMedian(const Shape& shape, std::size_t ticks = 500);
  [[nodiscard]] std::string_view name() const noexcept override { return "median"; }
  void observe(std::span<const Sample> paths) noexcept override;
  [[nodiscard]] Forecast forecast(std::size_t path, std::size_t /*horizon*/) const noexcept override {
    return Forecast::level(paths_[path].median);
  }
  void forget(std::size_t path) noexcept override;

 private:
  static constexpr unsigned steps = 128;

  struct Path {
    std::vector<float> ring;            ///< the loads of the last ticks
    std::vector<std::uint16_t> counts;  ///< of them, by step
    std::vector<double> sums;           ///< of the loads of each step
    std::size_t next = 0;
    std::size_t count = 0;
    float median = 0;
  };

  static unsigned step_of(float load) noexcept;
  static void add(Path& path, float load) noexcept;
  static float median_of(const Path& path) noexcept;

  std::vector<Path> paths_;
};

}  // namespace braidway::ctrl::model
