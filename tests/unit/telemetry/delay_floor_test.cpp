// One-way delay above its minimum, of two clocks of which nobody knows how they differ.
#include "telemetry/delay_floor.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "telemetry/source_clock.hpp"

namespace braidway::telemetry {
namespace {

constexpr std::int64_t us = 1'000;
constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t s = 1'000'000'000;

/// A path with two clocks at its ends, and who measures it.
class Path {
 public:
  Path(std::int64_t offset, std::int64_t drift_ppb) : offset_(offset), drift_ppb_(drift_ppb) {}

  /// A packet comes `after` the one before, having waited for `queue`. Returns what is measured of that.
  std::int64_t packet(std::int64_t after, std::int64_t queue) {
    now_ += after;
    const std::int64_t raw = value(later(
        lb::Nanoseconds{offset_}, least_delay + queue + (now_ - begin) / 1'000 * drift_ppb_ / 1'000'000));
    floor.at(lb::Nanoseconds{now_});
    return floor.above(raw);
  }
  /// The source's clock jumps forward, so that delays seem shorter.
  void step(std::int64_t by) { offset_ = value(later(lb::Nanoseconds{offset_}, -by)); }
  void drift(std::int64_t ppb) {
    offset_ += (now_ - begin) / 1'000 * (drift_ppb_ - ppb) / 1'000'000;
    drift_ppb_ = ppb;
  }

  DelayFloor floor;

 private:
  static constexpr std::int64_t least_delay = 7 * us;
  static constexpr std::int64_t begin = 5 * s;
  std::int64_t now_ = begin;
  std::int64_t offset_;
  std::int64_t drift_ppb_;
};

/// Queues that are within `least` of none once in 100 packets.
class Queues {
 public:
  Queues(std::uint64_t seed, std::int64_t least) : random_(seed), least_(least) {}
  std::int64_t next() { return ++count_ % 100 == 0 ? below(least_ + 1) : below(200 * us); }
  std::int64_t below(std::int64_t bound) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(bound));
  }

 private:
  std::mt19937_64 random_;
  std::int64_t least_;
  int count_ = 0;
};

std::int64_t size(std::int64_t error) { return error < 0 ? -error : error; }

RC_GTEST_PROP(DelayFloorProperty, DelayIsMeasuredToFourTimesTheLeastQueueAndAMicrosecond, ()) {
  const auto drift = *rc::gen::inRange<std::int64_t>(-200'000, 200'001);
  const auto least = *rc::gen::inRange<std::int64_t>(0, 3'000);
  const auto gap = *rc::gen::inRange<std::int64_t>(500, 10'000);
  Path path(*rc::gen::arbitrary<std::int64_t>(), drift);
  Queues queues(*rc::gen::arbitrary<std::uint64_t>(), least);
  std::int64_t worst = 0;
  for (std::int64_t passed = 0; passed < 200 * ms; passed += gap) {
    const std::int64_t queue = queues.next();
    const std::int64_t error = path.packet(gap, queue) - queue;
    // Where it begins, whatever the first packets waited for is taken for the path.
    if (passed >= 8 * ms) worst = std::max(worst, size(error));
  }
  RC_ASSERT(worst <= 4 * least + us);
}

TEST(DelayFloor, DriftIsFollowedOverAMinute) {
  for (const std::int64_t drift : {-200'000, -20'000, 0, 20'000, 200'000}) {
    Path path(-3 * s, drift);
    Queues queues(1, 200);
    std::int64_t worst = 0;
    for (int i = 0; i < 3'000'000; ++i) {
      const std::int64_t queue = queues.next();
      const std::int64_t error = path.packet(20 * us, queue) - queue;
      if (i > 1'000) worst = std::max(worst, size(error));
    }
    EXPECT_LE(worst, 1'800) << drift;
    EXPECT_NEAR(static_cast<double>(path.floor.drift()) / (1 << 30) * 1e9, static_cast<double>(drift), 500)
        << "ppb";
  }
}

TEST(DelayFloor, DriftThatChangesIsFollowedWithinAWindow) {
  Path path(0, 30'000);
  Queues queues(2, 200);
  std::int64_t worst = 0;
  for (int i = 0; i < 2'000'000; ++i) {
    if (i == 500'000) path.drift(-30'000);
    const std::int64_t queue = queues.next();
    const std::int64_t error = path.packet(20 * us, queue) - queue;
    if (i > 750'000) worst = std::max(worst, size(error));
  }
  EXPECT_LE(worst, 1'800);
}

TEST(DelayFloor, AQueueThatStandsForSecondsIsStillAQueue) {
  Path path(0, 10'000);
  for (int i = 0; i < 500'000; ++i) path.packet(20 * us, 0);
  for (int i = 0; i < 100'000; ++i) EXPECT_LE(size(path.packet(20 * us, 300 * us) - 300 * us), us) << i;
}

TEST(DelayFloor, ALongerWayIsForgottenWithTheWindow) {
  Path path(0, 10'000);
  for (int i = 0; i < 500'000; ++i) path.packet(20 * us, 0);
  const std::int64_t longer = 50 * us;
  EXPECT_LE(size(path.packet(20 * us, longer) - longer), us);
  for (int i = 0; i < 500'000; ++i) path.packet(20 * us, longer);
  EXPECT_LE(path.packet(20 * us, longer), us);
  EXPECT_EQ(path.packet(20 * us, 0), 0) << "and a shorter one is taken at once";
  EXPECT_LE(size(path.packet(20 * us, longer) - longer), us);
}

TEST(DelayFloor, AStepOfTheClockIsNoDelay) {
  for (const std::int64_t step : {20 * ms, s, 3'600 * s, std::numeric_limits<std::int64_t>::max()}) {
    Path path(17, 20'000);
    for (int i = 0; i < 300'000; ++i) path.packet(20 * us, 0);
    path.step(step);
    EXPECT_EQ(path.packet(20 * us, 0), 0) << step;
    for (int i = 0; i < 1'000; ++i) EXPECT_LE(path.packet(20 * us, 0), us);

    path.step(-step);
    bool seen = false;
    for (int i = 0; i < 1'000'000 / 20; ++i) seen = seen || path.packet(20 * us, 0) == 0;
    EXPECT_TRUE(seen) << step << " back, within a second";
    for (int i = 0; i < 1'000; ++i) EXPECT_LE(path.packet(20 * us, 0), us);
  }
}

TEST(DelayFloor, AReorderedPacketIsLateAndChangesNothing) {
  Path path(0, 20'000);
  for (int i = 0; i < 100'000; ++i) path.packet(20 * us, 0);
  EXPECT_LE(size(path.packet(0, 400 * us) - 400 * us), us) << "it left before the one that came before it";
  EXPECT_LE(path.packet(20 * us, 0), us);
}

TEST(DelayFloor, LongSilenceBeginsAnewAndKeepsTheDrift) {
  for (const std::int64_t silence : {DelayFloor::window + 10 * us, 3'600 * s, 1'000'000 * s}) {
    Path path(0, -150'000);
    for (int i = 0; i < 500'000; ++i) path.packet(20 * us, 0);
    const auto drift = path.floor.drift();
    path.packet(silence, 0);
    EXPECT_EQ(path.floor.drift(), drift);
    for (int i = 0; i < 100; ++i) EXPECT_LE(path.packet(20 * us, 0), 10);
  }
}

TEST(DelayFloor, WithinTheWindowSilenceChangesLittle) {
  Path path(0, 150'000);
  Queues queues(3, 0);
  for (int i = 0; i < 500'000; ++i) path.packet(20 * us, queues.next());
  EXPECT_LE(size(path.packet(DelayFloor::window - s, 100 * us) - 100 * us), 2 * us);
}

RC_GTEST_PROP(DelayFloorProperty, WhateverComesNoDelayIsNegativeAndSaneTrafficIsMeasuredAfterwards, ()) {
  DelayFloor floor;
  const auto time = rc::gen::oneOf(
      rc::gen::arbitrary<std::int64_t>(), rc::gen::inRange<std::int64_t>(0, 10 * s),
      rc::gen::element(std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()));
  const auto samples = *rc::gen::scale(
      3.0, rc::gen::container<std::vector<std::pair<std::int64_t, std::int64_t>>>(rc::gen::pair(time, time)));
  for (const auto& [now, raw] : samples) {
    floor.at(lb::Nanoseconds{now});
    RC_ASSERT(floor.above(raw) >= 0);
    RC_ASSERT(floor.above(~raw) >= 0);
  }
  // Two whole buckets of the longest kind are enough for it to find back.
  constexpr std::int64_t least = 40 * s;
  for (std::int64_t now = 10 * s; now < 12 * s; now += 100 * us) {
    floor.at(lb::Nanoseconds{now});
    floor.above(least);
  }
  floor.at(lb::Nanoseconds{12 * s});
  const std::int64_t above = floor.above(least + 70 * us);
  RC_ASSERT(above >= 69 * us);
  RC_ASSERT(above <= DelayFloor::step + 70 * us);
}

RC_GTEST_PROP(SourceClockProperty, ATimeIsRebuiltFromItsLowHalfWhereverTheClockStands, ()) {
  const lb::Nanoseconds time{*rc::gen::arbitrary<std::int64_t>()};
  const auto error = *rc::gen::inRange<std::int64_t>(-(std::int64_t{1} << 31) + 1, std::int64_t{1} << 31);
  const auto low = static_cast<std::uint32_t>(static_cast<std::uint64_t>(value(time)));
  RC_ASSERT(full_time(low, later(time, error)) == time);
}

TEST(SourceClock, ItTellsByHowMuchTheClocksDifferAndWhenAnotherOneRuns) {
  SourceClock clock;
  EXPECT_EQ(clock.life(), 0U) << "nothing heard";
  clock.heard(lb::Nanoseconds{1'000}, lb::Nanoseconds{5'000}, false);
  EXPECT_EQ(clock.life(), 1U);
  EXPECT_EQ(clock.offset(), -4'000);
  clock.heard(lb::Nanoseconds{2'000}, lb::Nanoseconds{6'500}, false);
  EXPECT_EQ(clock.life(), 1U);
  EXPECT_EQ(clock.offset(), -4'500);
  clock.heard(lb::Nanoseconds{0}, lb::Nanoseconds{7'000}, true);
  EXPECT_EQ(clock.life(), 2U);
  EXPECT_EQ(clock.offset(), -7'000);
}

}  // namespace
}  // namespace braidway::telemetry
