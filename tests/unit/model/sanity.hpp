// What every forecaster promises whatever it is shown: numbers from 0 to 1, and no memory taken.
#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/counting_new.hpp"
#include "tests/unit/model/trace.hpp"

namespace braidway::ctrl::model {

/// Shows a model one tick of samples without bins.
class Ticks {
 public:
  explicit Ticks(std::size_t paths) : samples_(paths) {}
  /// `load` answers the sample of a path.
  template <typename Load>
  void show(Forecaster& model, Load load) {
    for (std::size_t path = 0; path < samples_.size(); ++path) samples_[path].load = load(path);
    model.observe(samples_);
  }

 private:
  std::vector<Sample> samples_;
};

inline void expect_sane(const Forecaster& model, const Shape& shape) {
  for (std::size_t path = 0; path < shape.paths; ++path) {
    for (std::size_t horizon = 0; horizon < shape.horizons.size(); ++horizon) {
      const float load = model.forecast(path, horizon).load;
      ASSERT_TRUE(load >= 0 && load <= 1) << model.name() << " says " << load;
    }
  }
}

/// Nothing known, loads of all kinds, what is no number, and a path that begins anew, with refits between.
inline void expect_sane_whatever_comes(Forecaster& model, const Shape& shape) {
  Ticks ticks(shape.paths);
  Chance chance(7);
  expect_sane(model, shape);
  for (int i = 0; i < 300; ++i) ticks.show(model, [](std::size_t) { return CrossLoad{}; });
  expect_sane(model, shape);
  const auto before = taken;
  for (int i = 0; i < 6'000; ++i) {
    ticks.show(model, [&](std::size_t) {
      const float kind = chance();
      if (kind < 0.2F) return CrossLoad{};
      if (kind < 0.4F) return bound(chance());
      if (kind < 0.41F) return measured(std::numeric_limits<float>::quiet_NaN());
      return measured(i / 1'000 % 2 == 0 ? chance() : 1.0F);
    });
    if (i % 700 == 0) model.forget(0);
    if (i % 500 == 0) model.refit(0);
    expect_sane(model, shape);
  }
  EXPECT_EQ(taken, before) << model.name();
}

}  // namespace braidway::ctrl::model
