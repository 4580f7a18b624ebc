// The models, the ensemble and the gates together, where there is something to be forecast and where there is
// not.
#include "ctrl/model/predictor.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <limits>
#include <numeric>
#include <stdexcept>

#include <gtest/gtest.h>

#include "ctrl/model/load_bins.hpp"
#include "ctrl/model/members.hpp"
#include "ctrl/model/naive.hpp"
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

/// A path of which the queue is first in, first out, in steps of 10 us.
class Queue {
 public:
  static constexpr std::int64_t step = 10'000;  // ns
  static constexpr double carries = 125'000;    // bytes a step

  struct Left {
    double own = 0;       ///< bytes that left it
    double delay_ns = 0;  ///< of the last of them
  };
  /// Bytes of ours and of others come.
  Left take(double own, double others) {
    const double waiting =
        std::accumulate(parts_.begin(), parts_.end(), 0.0,
                        [](double sum, const Part& part) { return sum + part.own + part.others; });
    parts_.push_back({own, others, waiting});
    Left left;
    double room = carries;
    while (!parts_.empty()) {
      Part& part = parts_.front();
      const double bytes = part.own + part.others;
      if (part.own > 0) left.delay_ns = part.waited / carries * step;
      if (bytes > room) {
        left.own += part.own * room / bytes;
        part.own -= part.own * room / bytes;
        part.others -= part.others * room / bytes;
        break;
      }
      left.own += part.own;
      room -= bytes;
      parts_.pop_front();
    }
    return left;
  }

 private:
  struct Part {
    double own;
    double others;
    double waited;  ///< bytes before it
  };
  std::deque<Part> parts_;
};

/// Others are steady, ours come and go: while they come a queue grows, which empties when they have gone. The
/// messages are about other times than the bins.
TEST(PredictorOf, OurOwnJobsPeriodOpensNone) {
  constexpr std::int64_t ticks = 8'000;
  constexpr std::int64_t between_messages = 97'000;
  const Shape shape{.paths = 1, .bins = bins_per_tick, .horizons = horizons};
  Predictor predictor(shape, make_members(shape));
  LoadBins bins(std::array{Queue::carries / Queue::step}, {.tick_bins = bins_per_tick});
  Queue queue;
  Chance chance(3);
  LoadBins::Heard heard;
  double own = 0;
  double least = -1;
  double delays = 0;  // by bytes
  std::int64_t told_at = 0;
  std::uint64_t measured = 0;
  std::uint64_t shown = 0;
  for (std::int64_t now = 0; now < ticks * 1'000'000; now += Queue::step) {
    const bool bursts = now % 20'000'000 < 8'000'000;
    const auto left =
        queue.take((bursts ? 0.75 : 0.1) * Queue::carries, (0.3 + 0.02 * (chance() - 0.5)) * Queue::carries);
    own += left.own;
    delays += left.own * left.delay_ns;
    if (left.own > 0) least = least < 0 ? left.delay_ns : std::min(least, left.delay_ns);
    if (now - told_at >= between_messages) {
      told_at = now;
      heard = {.bytes = static_cast<std::uint64_t>(own),
               .least_delay_ns = static_cast<float>(least),
               .mean_delay_ns = static_cast<float>(delays / own)};
      bins.hear({&heard, 1}, lb::Nanoseconds{now});
      own = 0;
      least = -1;
      delays = 0;
    }
    for (auto samples = bins.next_tick(lb::Nanoseconds{now}); !samples.empty();
         samples = bins.next_tick(lb::Nanoseconds{now})) {
      predictor.observe(samples);
      ++shown;
      measured += samples[0].load.censored ? 0 : 1;
      if (shown % 100 == 0) predictor.refit(0);
      for (std::size_t h = 0; h < horizons.size(); ++h) {
        ASSERT_FALSE(predictor.gate(0, h).open()) << horizons[h] << " ms, tick " << shown;
      }
    }
  }
  EXPECT_NEAR(static_cast<double>(shown), ticks, 10);
  EXPECT_GT(measured, shown / 4) << "queues stood, or nothing was tried";
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

TEST(PredictorOf, LoadsThatAreNoNumbersDoNoHarm) {
  constexpr float none = std::numeric_limits<float>::quiet_NaN();
  Paths paths(1);
  const auto bursts = [](std::size_t, double bin) { return measured(square(bin, 100, 30, 0, 0.8F)); };
  paths.run(5'000, bursts);
  ASSERT_TRUE(paths.predictor.gate(0, 1).open());
  paths.run(5, [&](std::size_t, double) { return measured(none); });
  paths.run(5, [&](std::size_t, double) { return bound(none); });
  paths.run(100, bursts);
  for (std::size_t h = 0; h < horizons.size(); ++h) {
    const Forecast& forecast = paths.predictor.ensemble().forecast(0, h);
    for (const float value : {forecast.load, forecast.burst, forecast.lower, forecast.upper}) {
      EXPECT_TRUE(value >= 0 && value <= 1) << value;
    }
    for (const float weight : paths.predictor.ensemble().weights(0, h)) EXPECT_TRUE(std::isfinite(weight));
  }
  EXPECT_TRUE(paths.predictor.gate(0, 1).open()) << "it is as good as before";
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
