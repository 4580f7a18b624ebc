// The models, the ensemble and the gates together, where there is something to be forecast and where there is
// not.
#include "ctrl/model/predictor.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <gtest/gtest.h>

#include "ctrl/model/members.hpp"
#include "ctrl/model/naive.hpp"
#include "ctrl/model/own_load.hpp"
#include "tests/unit/counting_new.hpp"
#include "tests/unit/model/trace.hpp"

namespace braidway::ctrl::model {
namespace {

const std::vector<unsigned> horizons{1, 5, 20, 100};

class Paths {
 public:
  explicit Paths(std::size_t count)
      : shape_{.paths = count, .bins = bins_per_tick, .horizons = horizons},
        predictor(shape_, make_members(shape_)) {}

  template <typename Bins>
  void run(std::size_t ticks, Bins bins) {
    for (std::size_t i = 0; i < ticks; ++i, ++tick) {
      const double first = static_cast<double>(tick * bins_per_tick);
      show(predictor, shape_.paths,
           [&](std::size_t path, std::size_t bin) { return bins(path, first + static_cast<double>(bin)); });
      if (tick % 100 == 0) {
        for (std::size_t path = 0; path < shape_.paths; ++path) predictor.refit(path);
      }
      for (std::size_t path = 0; path < shape_.paths; ++path) {
        for (std::size_t h = 0; h < horizons.size(); ++h) {
          open += predictor.gate(path, h).open() ? 1 : 0;
          ++asked;
        }
      }
    }
  }
  [[nodiscard]] double open_share() const { return static_cast<double>(open) / static_cast<double>(asked); }

 private:
  Shape shape_;

 public:
  Predictor predictor;
  std::size_t tick = 0;
  std::uint64_t open = 0;
  std::uint64_t asked = 0;
};

TEST(PredictorOf, OthersPeriodicBurstsOpenTheGatesAtAllHorizons) {
  Paths paths(1);
  paths.run(8'000, [](std::size_t, double bin) { return measured(square(bin, 230, 70, 0.1F, 0.8F)); });
  for (std::size_t h = 0; h < horizons.size(); ++h) {
    EXPECT_TRUE(paths.predictor.gate(0, h).open()) << horizons[h];
    EXPECT_GT(paths.predictor.gate(0, h).skill(), 0.7F) << horizons[h];
  }
}

TEST(PredictorOf, WhiteNoiseOpensNone) {
  Paths paths(64);
  Chance chance(1);
  paths.run(5'000, [&](std::size_t, double) { return measured(chance()); });
  EXPECT_EQ(paths.open, 0U) << "of " << paths.asked;
}

TEST(PredictorOf, BurstsAtRandomTimesOpenFewAndNotForLong) {
  constexpr std::size_t count = 64;
  Paths paths(count);
  Chance chance(2);
  std::vector<float> load(count);
  paths.run(10'000, [&](std::size_t path, double) {
    // Lengths and gaps without memory, 6 and 15 ms.
    if (chance() < (load[path] > 0 ? 1 / 60.0F : 1 / 150.0F)) load[path] = load[path] > 0 ? 0 : 0.8F;
    return measured(load[path]);
  });
  // The end of a burst is seen within its tick: so much of the next one can be forecast.
  double longer = 0;
  for (std::size_t path = 0; path < count; ++path) {
    for (std::size_t h = 1; h < horizons.size(); ++h) longer += paths.predictor.gate(path, h).open() ? 1 : 0;
  }
  EXPECT_LE(longer, 2) << "of " << 3 * count << " at 5 ms and more";
}

TEST(PredictorOf, OurOwnJobsPeriodOpensNone) {
  constexpr std::size_t count = 16;
  Paths paths(count);
  std::vector<OwnLoad> own_load(count);
  Chance chance(3);
  const auto own = [](double bin) { return square(bin, 200, 80, 0, 0.9F); };
  paths.run(10'000, [&](std::size_t path, double bin) {
    // A queue stands only while we burst; and what we put onto the path is told a bin late.
    const float now = own(bin);
    const float told = own(bin + 199);
    const bool queued = now > 0.8F;
    const double cross = 0.3 + 0.02 * (chance() - 0.5);
    const double growth = now + cross - 1;
    const CrossLoad sample = cross_load({.capacity = 1, .own = told, .growth = growth, .queued = queued});
    return own_load[path].clean(sample, told);
  });
  EXPECT_EQ(paths.open, 0U) << "of " << paths.asked;
}

TEST(PredictorOf, APathThatIsFreeBecauseWeLeftItOpensNone) {
  Paths paths(1);
  // Others are steady; we come and go, and it is our going that empties the path.
  paths.run(10'000, [](std::size_t, double bin) {
    const float own = square(bin, 300, 150, 0, 0.7F);
    return cross_load({.capacity = 1, .own = own, .growth = 0, .queued = own + 0.4F > 1});
  });
  EXPECT_EQ(paths.open, 0U);
}

TEST(PredictorOf, AJobThatStopsShutsTheGates) {
  Paths paths(1);
  paths.run(6'000, [](std::size_t, double bin) { return measured(square(bin, 100, 30, 0.1F, 0.8F)); });
  ASSERT_TRUE(paths.predictor.gate(0, 1).open());
  paths.run(2'100, [](std::size_t, double) { return measured(0.1F); });
  for (std::size_t h = 0; h < horizons.size(); ++h) EXPECT_FALSE(paths.predictor.gate(0, h).open());
}

TEST(PredictorOf, ConstantAndUnknownLoadsAndPathsThatBeginAnewOpenNone) {
  Paths paths(3);
  paths.run(5'000, [](std::size_t path, double bin) {
    return path == 0 ? measured(0.5F) : path == 1 ? bound(1) : measured(square(bin, 100, 30, 0, 0.8F));
  });
  EXPECT_FALSE(paths.predictor.gate(0, 0).open());
  EXPECT_FALSE(paths.predictor.gate(1, 0).open());
  ASSERT_TRUE(paths.predictor.gate(2, 1).open());
  paths.predictor.forget(2);
  EXPECT_FALSE(paths.predictor.gate(2, 1).open());
}

TEST(PredictorOf, NothingIsTakenFromTheHeap) {
  Paths paths(4);
  std::vector<CrossLoad> bins(bins_per_tick, measured(0.5F));
  std::vector<Sample> samples(4, Sample{.load = measured(0.5F), .bins = bins});
  const std::size_t before = taken;
  for (int tick = 0; tick < 5'000; ++tick) {
    std::ranges::fill(bins, measured(square(tick * 10.0, 100, 30, 0, 0.8F)));
    paths.predictor.observe(samples);
    paths.predictor.refit(tick % 4);
  }
  EXPECT_EQ(taken, before);
}

TEST(PredictorOf, TheNaiveModelsHaveToBeThere) {
  const Shape shape{.paths = 1, .bins = bins_per_tick, .horizons = horizons};
  Ensemble::Members two;
  two.push_back(std::make_unique<LastValue>(shape));
  two.push_back(std::make_unique<Ewma>(shape));
  EXPECT_THROW(Predictor(shape, std::move(two)), std::invalid_argument);
}

}  // namespace
}  // namespace braidway::ctrl::model
