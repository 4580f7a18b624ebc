#include "ctrl/model/load_bins.hpp"

#include <stdexcept>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/unit/model/trace.hpp"

namespace braidway::ctrl::model {
namespace {

constexpr std::int64_t us = 1'000;
constexpr double capacity = 10;           // bytes a nanosecond
constexpr std::uint64_t all = 1'000'000;  // that it carries in a bin
constexpr LoadBins::Parameters ten{.tick_bins = 10};

class Bins {
 public:
  Bins() : bins(std::array{capacity, capacity}, ten) {}

  /// A message each 100 us, for so long: what came by the first path, and how late.
  void hear(int count, std::uint64_t bytes, float delay_ns, std::int64_t every = 100 * us) {
    for (int i = 0; i < count; ++i) {
      now += every;
      bins.hear(std::array{LoadBins::Heard{bytes, delay_ns, delay_ns}, LoadBins::Heard{}},
                lb::Nanoseconds{now});
    }
  }
  std::span<const Sample> tick() { return bins.next_tick(lb::Nanoseconds{now}); }

  LoadBins bins;
  std::int64_t now = 1'000'000 * us;
};

TEST(LoadBinsOf, WhatDidNotComeWhileAQueueStoodWasOthers) {
  Bins bins;
  bins.hear(25, all / 4, 20'000);
  // In the first tick messages begin, and the queue with them.
  bins.tick();
  const auto samples = bins.tick();
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_NEAR(samples[0].bins[5].load, 0.75F, 1e-5);
  EXPECT_FALSE(samples[0].bins[5].censored);
  EXPECT_NEAR(samples[0].load.load, 0.75F, 1e-5);
  EXPECT_FALSE(samples[0].load.censored);
  EXPECT_TRUE(samples[1].load.unknown()) << "nothing came by it, and nobody queued";
}

TEST(LoadBinsOf, AQueueThatGrowsWasFilledInLessTimeAndOneThatShrinksInMore) {
  Bins bins;
  bins.hear(5, all / 2, 20'000);
  // Half of what leaves is ours. 100 us of it came within 80 us, then within 125.
  for (int i = 1; i <= 15; ++i) bins.hear(1, all / 2, 20'000.0F * static_cast<float>(1 + i));
  const auto grows = bins.tick();
  ASSERT_FALSE(grows.empty());
  EXPECT_NEAR(grows[0].bins[8].load, 0.5F / 0.8F, 1e-4);
  for (int i = 1; i <= 10; ++i) bins.hear(1, all / 2, 320'000.0F - 25'000.0F * static_cast<float>(i));
  const auto shrinks = bins.tick();
  ASSERT_FALSE(shrinks.empty());
  EXPECT_NEAR(shrinks[0].bins[6].load, 0.5F / 1.25F, 1e-4);
}

TEST(LoadBinsOf, WithoutAQueueThereIsABound) {
  Bins bins;
  bins.hear(25, all / 4, 500);
  bins.tick();
  const auto samples = bins.tick();
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_NEAR(samples[0].load.load, 0.75F, 1e-5);
  EXPECT_TRUE(samples[0].load.censored);
}

TEST(LoadBinsOf, AFewLatePacketsDoNotTellWhatWasBetweenThem) {
  Bins bins;
  bins.hear(25, all / 100, 20'000);
  bins.tick();
  EXPECT_TRUE(bins.tick()[0].load.censored);
}

/// Of the first path, with hops that tell how full they are.
void hear_told(Bins& bins, int count, std::uint64_t bytes, float utilisation, float delay_ns = 500) {
  for (int i = 0; i < count; ++i) {
    bins.now += 100 * us;
    const float delay = bytes > 0 ? delay_ns : -1;
    bins.bins.hear(std::array{LoadBins::Heard{bytes, delay, delay, utilisation}, LoadBins::Heard{}},
                   lb::Nanoseconds{bins.now});
  }
}

TEST(LoadBinsOf, WhereHopsTellHowFullTheyAreWhatIsNotOursIsOthersWithoutAQueue) {
  Bins bins;
  hear_told(bins, 25, all / 4, 0.55F);
  bins.tick();
  const auto samples = bins.tick();
  ASSERT_EQ(samples.size(), 2U);
  EXPECT_NEAR(samples[0].bins[5].load, 0.3F, 1e-5);
  EXPECT_FALSE(samples[0].bins[5].censored);
  EXPECT_FALSE(samples[0].load.censored);
  EXPECT_TRUE(samples[1].load.unknown()) << "none told of it";
}

TEST(LoadBinsOf, APathThatOnlyProbesTakeIsMeasuredToo) {
  Bins bins;
  hear_told(bins, 25, 0, 0.8F);
  bins.tick();
  const auto samples = bins.tick();
  ASSERT_FALSE(samples.empty());
  EXPECT_NEAR(samples[0].load.load, 0.8F, 1e-5);
  EXPECT_FALSE(samples[0].load.censored);
}

TEST(LoadBinsOf, AFullHopWithAQueueIsAsWithoutBeingTold) {
  Bins told;
  hear_told(told, 25, all / 4, 1, 20'000);
  Bins untold;
  untold.hear(25, all / 4, 20'000);
  told.tick();
  untold.tick();
  EXPECT_EQ(told.tick()[0].load, untold.tick()[0].load);
}

TEST(LoadBinsOf, OurOwnComingAndGoingIsNoOthersLoad) {
  Bins bins;
  // Ours begins and ends within a message's time; the hops tell of before that.
  hear_told(bins, 14, 0, 0);
  hear_told(bins, 1, all * 4 / 10, 0.9F);
  hear_told(bins, 4, all * 9 / 10, 0.9F);
  hear_told(bins, 1, all * 4 / 10, 0.9F);
  hear_told(bins, 5, 0, 0);
  bins.tick();
  const auto samples = bins.tick();
  ASSERT_FALSE(samples.empty());
  int measured = 0;
  for (const CrossLoad& bin : samples[0].bins) {
    if (bin.censored) continue;
    EXPECT_NEAR(bin.load, 0, 0.01F);
    ++measured;
  }
  EXPECT_EQ(measured, 6);
}

TEST(LoadBinsOf, WhatAMessageTellsIsDividedAmongItsBins) {
  Bins bins;
  bins.now += 50 * us;
  bins.hear(1, 0, -1);
  // Received from the middle of a bin to the middle of the next one, and 20 us late at the end.
  bins.hear(1, all, 20'000);
  bins.hear(1, all / 2, 20'000);
  bins.hear(14, all / 2, 20'000);
  const auto samples = bins.tick();
  ASSERT_FALSE(samples.empty());
  EXPECT_TRUE(samples[0].bins[0].unknown()) << "half of it is not told of";
  EXPECT_NEAR(samples[0].bins[1].load, 0.7F * 0.5F, 1e-5);
  EXPECT_NEAR(samples[0].bins[2].load, 0.5F, 1e-5);
}

TEST(LoadBinsOf, ATickIsAsItsMeasuredBinsWereIfThatIsHalf) {
  Bins bins;
  bins.hear(15, all / 2, 2'900);
  bins.tick();
  bins.hear(9, all / 5, 3'100);
  const auto samples = bins.tick();
  ASSERT_FALSE(samples.empty());
  EXPECT_NEAR(samples[0].load.load, 0.8F, 0.02F);
  EXPECT_FALSE(samples[0].load.censored);
}

TEST(LoadBinsOf, TicksWithoutMessagesAreUnknownAndTimeThatJumpsBeginsAnew) {
  Bins bins;
  bins.hear(15, all / 4, 20'000);
  EXPECT_FALSE(bins.tick().empty());
  EXPECT_TRUE(bins.tick().empty()) << "it is not over";
  bins.now += 1'500 * us;
  EXPECT_TRUE(bins.tick()[0].bins[9].unknown());
  bins.now += 1'000'000 * us;
  const auto after = bins.tick();
  EXPECT_TRUE(after.empty() || after[0].load.unknown());
  bins.hear(30, all / 4, 20'000);
  while (true) {
    const auto samples = bins.tick();
    ASSERT_FALSE(samples.empty());
    if (!samples[0].load.censored) break;
  }
  bins.now -= 500'000 * us;
  bins.hear(40, all / 4, 20'000);
  bool measured = false;
  for (int i = 0; i < 5; ++i) {
    const auto samples = bins.tick();
    measured = measured || (!samples.empty() && !samples[0].load.censored);
  }
  EXPECT_TRUE(measured) << "the clock was set back";
}

TEST(LoadBinsOf, WhatCannotBeIsRefused) {
  EXPECT_THROW(LoadBins({}, ten), std::invalid_argument);
  EXPECT_THROW(LoadBins(std::array{0.0}, ten), std::invalid_argument);
  EXPECT_THROW(LoadBins(std::array{capacity}, {.tick_bins = 0}), std::invalid_argument);
  EXPECT_THROW(LoadBins(std::array{capacity}, {.bin = lb::Nanoseconds{1}}), std::invalid_argument);
}

RC_GTEST_PROP(LoadBinsProperty, WhateverIsHeardWheneverSamplesAreLoads, ()) {
  LoadBins bins(std::array{capacity}, ten);
  std::int64_t now = 1'000'000;
  for (const auto& [step, bytes, delay, told] :
       *rc::gen::container<std::vector<std::tuple<int, std::uint32_t, int, int>>>(
           rc::gen::tuple(rc::gen::inRange(-200'000, 600'000), rc::gen::arbitrary<std::uint32_t>(),
                          rc::gen::inRange(-1, 50'000), rc::gen::inRange(-50, 150)))) {
    now += step;
    const auto late = static_cast<float>(delay);
    bins.hear(std::array{LoadBins::Heard{bytes, late, late, static_cast<float>(told) / 100}},
              lb::Nanoseconds{now});
    for (int i = 0; i < 10; ++i) {
      const auto samples = bins.next_tick(lb::Nanoseconds{now});
      if (samples.empty()) break;
      RC_ASSERT(samples[0].load.load >= 0 && samples[0].load.load <= 1);
      for (const CrossLoad& bin : samples[0].bins) RC_ASSERT(bin.load >= 0 && bin.load <= 1);
    }
  }
}

}  // namespace
}  // namespace braidway::ctrl::model
