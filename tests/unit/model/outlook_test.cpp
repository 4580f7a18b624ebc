// From a forecast to what weights heed of it.
#include "ctrl/model/outlook.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "ctrl/model/members.hpp"
#include "tests/unit/model/trace.hpp"

namespace braidway::ctrl::model {
namespace {

constexpr double period = 200;  // bins
constexpr double length = 60;

/// One path with others' bursts, and one without.
class Ahead {
 public:
  Ahead()
      : shape_{.paths = 2, .bins = bins_per_tick, .horizons = {1, 5, 20}},
        predictor(shape_, make_members(shape_)) {}

  /// The tick of the period that is over.
  int run() {
    show(predictor, 2, [&](std::size_t path, std::size_t bin) {
      return measured(
          path == 0 ? square(static_cast<double>(tick_ * bins_per_tick + bin), period, length, 0.1F, 0.9F)
                    : 0.4F);
    });
    look_ahead(predictor, 2, outlooks);
    return static_cast<int>(tick_++ % 20);
  }

 private:
  Shape shape_;
  std::size_t tick_ = 0;

 public:
  Predictor predictor;
  std::vector<Outlook> outlooks{2};
};

TEST(LookAhead, BeforeAndInABurstThePathLosesWhatItTakes) {
  Ahead ahead;
  for (int i = 0; i < 4'000; ++i) {
    ahead.run();
    if (!ahead.predictor.gate(0, 0).open() && !ahead.predictor.gate(0, 1).open()) {
      EXPECT_EQ(ahead.outlooks[0].confidence, 0) << "the gate is shut";
    }
  }
  ASSERT_TRUE(ahead.predictor.gate(0, 0).open() && ahead.predictor.gate(0, 1).open());
  for (int i = 0; i < 40; ++i) {
    const int tick = ahead.run();
    // Bursts are in ticks 0 to 5. The first two horizons are of the next tick and of the fifth from now.
    const bool burst = tick == 19 || tick < 5 || tick >= 15;
    if (burst) {
      EXPECT_NEAR(ahead.outlooks[0].adjustment, -0.8F / 0.9F, 0.02F) << "of what others leave, at " << tick;
      EXPECT_GT(ahead.outlooks[0].confidence, 0.9F) << tick;
    } else {
      EXPECT_LT(ahead.outlooks[0].confidence, 0.1F) << tick;
    }
    EXPECT_EQ(ahead.outlooks[1].confidence, 0) << "nothing is to be expected of it";
    EXPECT_EQ(ahead.outlooks[1].adjustment, 0);
  }
}

}  // namespace
}  // namespace braidway::ctrl::model
