// What a sink measures of packets whose departures, bytes and marks are known.
#include "telemetry/path_meter.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace braidway::telemetry {
namespace {

constexpr std::int64_t us = 1'000;
constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t s = 1'000'000'000;

std::uint32_t low(std::int64_t time) { return static_cast<std::uint32_t>(static_cast<std::uint64_t>(time)); }

/// A peer of two paths, whose clock is `offset` ahead of ours.
class Sink {
 public:
  explicit Sink(std::int64_t offset = 77 * s) : offset_(offset) { greet(false); }

  void greet(bool new_life) { clock.heard(source_time(20 * us), lb::Nanoseconds{now}, new_life); }
  /// What the source's clock showed `ago`; it may be about to wrap.
  lb::Nanoseconds source_time(std::int64_t ago) const { return later(lb::Nanoseconds{now - ago}, offset_); }
  void restart_source(std::int64_t offset) {
    offset_ = offset;
    greet(true);
  }
  /// A packet that took `delay`.
  PathSample sample(std::int64_t delay, std::uint8_t path = 0) const {
    return {.meter = meters.index(0, lb::PathId{path}),
            .departure = low(value(source_time(delay))),
            .bytes = 1'000};
  }
  void measure(const PathSample& sample) { meters.measure({&sample, 1}, lb::Nanoseconds{now}); }
  PathMeter& path(std::uint8_t number) { return meters.at(meters.index(0, lb::PathId{number})); }

  std::int64_t now = 5 * s;
  SourceClock clock;
  PathMeters meters{std::array{PathMeters::Peer{.paths = 2, .source = &clock}}, 0};

 private:
  std::int64_t offset_;
};

/// Packets by period; none if they cannot be read, which they can be where nobody writes.
MarkedPackets marked(const PathMeter& path) { return path.marked().value_or(MarkedPackets{}); }

std::uint32_t most_delay(PathMeter& path) {
  const auto range = path.take_delays();
  return range ? range->most : not_measured;
}

TEST(PathMeter, PacketsBytesAndMarksAreCountedByPath) {
  Sink sink;
  std::array burst{sink.sample(0), sink.sample(0, 1), sink.sample(0)};
  burst[1].ce = true;
  burst[2].bytes = 60;
  sink.meters.measure(burst, lb::Nanoseconds{sink.now});
  EXPECT_EQ(sink.path(0).totals(), (PathTotals{.packets = 2, .bytes = 1'060}));
  EXPECT_EQ(sink.path(1).totals(), (PathTotals{.packets = 1, .bytes = 1'000, .ce_marked = 1}));
}

TEST(PathMeter, WhatTheOrderWindowTellsIsCounted) {
  Sink sink;
  sink.path(1).late(3);
  sink.path(1).repeated(2);
  sink.path(1).overtaken(1);
  for (const std::int64_t time : {0 * us, 30 * us, 140 * us}) sink.path(1).held(lb::Nanoseconds{time});
  sink.path(1).held(lb::Nanoseconds{-5});
  sink.path(1).held(lb::Nanoseconds{std::numeric_limits<std::int64_t>::max()});
  EXPECT_EQ(sink.path(1).totals(), (PathTotals{.late = 3, .repeated = 2, .overtaken = 1}));
  EXPECT_EQ(sink.path(1).take_holds(), (Extremes::Range{0, std::numeric_limits<std::uint32_t>::max()}));
  EXPECT_EQ(sink.path(1).take_holds(), std::nullopt);
  const HistogramCounts holds(sink.path(1).hold());
  EXPECT_EQ(holds.total(), 5U);
  EXPECT_NEAR(holds.quantile(0.6).value_or(0), 30 * us, us);
}

TEST(PathMeter, DelayIsAboveTheLeastWhereverTheClocksStand) {
  for (const std::int64_t offset :
       {std::int64_t{0}, -5 * s, s << 32, std::numeric_limits<std::int64_t>::max() - s,
        std::numeric_limits<std::int64_t>::min() + s}) {
    Sink sink(offset);
    // Half an hour, so that the 32 bits wrap 400 times.
    for (int i = 0; i < 20'000; ++i) {
      sink.now += 90 * ms;
      if (i % 50 == 0) sink.greet(false);
      sink.measure(sink.sample(9 * us));
      ASSERT_EQ(most_delay(sink.path(0)), 0U) << offset << " " << i;
      sink.measure(sink.sample(9 * us + 40 * us));
      ASSERT_EQ(most_delay(sink.path(0)), 40 * us) << offset << " " << i;
    }
    EXPECT_EQ(sink.path(0).totals().untimed, 0U);
    EXPECT_EQ(sink.path(0).totals().delay_sum, std::uint64_t{20'000} * 40 * us);
    EXPECT_EQ(HistogramCounts(sink.path(0).delay()).total(), 40'000U);
  }
}

TEST(PathMeter, BeforeTheSourceHasSpokenNothingIsTimed) {
  SourceClock clock;
  PathMeters meters(std::array{PathMeters::Peer{.paths = 1, .source = &clock}}, 0);
  const PathSample sample{.departure = 17, .bytes = 100};
  meters.measure({&sample, 1}, lb::Nanoseconds{s});
  EXPECT_EQ(meters.at(0).totals(), (PathTotals{.packets = 1, .bytes = 100, .untimed = 1}));
  EXPECT_EQ(meters.at(0).take_delays(), std::nullopt);
  EXPECT_EQ(marked(meters.at(0)).life, 0U);
  clock.heard(lb::Nanoseconds{0}, lb::Nanoseconds{s}, false);
  meters.measure({&sample, 1}, lb::Nanoseconds{s});
  EXPECT_EQ(meters.at(0).totals().untimed, 1U);
  EXPECT_EQ(marked(meters.at(0)).life, 1U);
}

TEST(PathMeter, AnImpossibleDepartureIsCountedAndPoisonsNothing) {
  Sink sink;
  sink.measure(sink.sample(9 * us));
  const MarkedPackets before = marked(sink.path(0));
  for (const std::int64_t delay : {1'100 * ms, 2 * s, -150 * ms, -2 * s}) sink.measure(sink.sample(delay));
  EXPECT_EQ(sink.path(0).totals(), (PathTotals{.packets = 5, .bytes = 5'000, .untimed = 4}));
  EXPECT_EQ(marked(sink.path(0)).by_period.complete(), before.by_period.complete());
  EXPECT_EQ(most_delay(sink.path(0)), 0U);
  sink.now += us;
  sink.measure(sink.sample(9 * us + 3 * us));
  EXPECT_EQ(most_delay(sink.path(0)), 3 * us);
}

TEST(PathMeter, ASourceThatBeginsAnewIsCountedAnewByItsNewClock) {
  Sink sink;
  for (int i = 0; i < 10; ++i) {
    sink.now += ms;
    sink.measure(sink.sample(9 * us));
  }
  EXPECT_EQ(marked(sink.path(0)).by_period.through(), 9U);
  sink.restart_source(3);
  sink.measure(sink.sample(500 * us));
  EXPECT_EQ(most_delay(sink.path(0)), 0U) << "another clock, another minimum";
  EXPECT_EQ(marked(sink.path(0)).life, 2U);
  EXPECT_EQ(marked(sink.path(0)).by_period.through(), 0U);
  EXPECT_EQ(sink.path(0).totals().packets, 11U);
  EXPECT_EQ(sink.path(0).totals().untimed, 0U);
}

TEST(PathMeter, OurOwnClockMayJump) {
  Sink sink;
  for (const std::int64_t now : {5 * s, s, -3 * s, std::numeric_limits<std::int64_t>::min(),
                                 std::numeric_limits<std::int64_t>::max(), std::int64_t{0}}) {
    sink.now = now;
    sink.meters.measure(std::array{PathSample{.departure = 5}, PathSample{.departure = ~0U}},
                        lb::Nanoseconds{now});
  }
  EXPECT_EQ(sink.path(0).totals().packets, 12U);
  sink.now = 5 * s;
  sink.greet(false);
  sink.measure(sink.sample(9 * us));
  most_delay(sink.path(0));
  sink.measure(sink.sample(10 * us));
  EXPECT_EQ(most_delay(sink.path(0)), us);
}

TEST(PathMeter, ItRefusesWhatItCannotMeter) {
  const SourceClock clock;
  const auto refusal = [&](std::size_t paths, std::size_t hops) {
    try {
      PathMeters(std::array{PathMeters::Peer{.paths = paths, .source = &clock}}, hops);
    } catch (const std::invalid_argument& refused) {
      return std::string{refused.what()};
    }
    return std::string{"none"};
  };
  EXPECT_EQ(refusal(256, 0), "none");
  EXPECT_EQ(refusal(0, 0), "PathMeters: paths = 0: must be 1 to 256");
  EXPECT_EQ(refusal(257, 0), "PathMeters: paths = 257: must be 1 to 256");
  EXPECT_EQ(refusal(1, 9), "PathMeters: hops = 9: must be 0 to 8");
}

RC_GTEST_PROP(PathMeterProperty, ABurstOfManyPathsIsAsGoodAsItsPacketsOneByOne, ()) {
  SourceClock clock;
  clock.heard(lb::Nanoseconds{*rc::gen::arbitrary<std::int64_t>()}, lb::Nanoseconds{0}, false);
  const std::array peers{PathMeters::Peer{.paths = 3, .source = &clock},
                         PathMeters::Peer{.paths = 200, .source = &clock}};
  PathMeters together(peers, 0);
  PathMeters one_by_one(peers, 0);
  std::int64_t now = 0;
  const auto bursts = *rc::gen::inRange(1, 5);
  for (int i = 0; i < bursts; ++i) {
    now += *rc::gen::inRange<std::int64_t>(0, ms);
    const auto burst = *rc::gen::container<std::vector<PathSample>>(rc::gen::build<PathSample>(
        rc::gen::set(&PathSample::meter,
                     rc::gen::weightedOneOf<std::uint32_t>({{3, rc::gen::inRange<std::uint32_t>(0, 4)},
                                                            {1, rc::gen::inRange<std::uint32_t>(0, 203)}})),
        rc::gen::set(&PathSample::departure,
                     rc::gen::map(rc::gen::inRange<std::int64_t>(0, 200 * us),
                                  [&](std::int64_t delay) {
                                    return low(value(later(lb::Nanoseconds{now - delay}, clock.offset())));
                                  })),
        rc::gen::set(&PathSample::bytes, rc::gen::inRange<std::uint32_t>(60, 9'000)),
        rc::gen::set(&PathSample::ce, rc::gen::arbitrary<bool>())));
    together.measure(burst, lb::Nanoseconds{now});
    for (const PathSample& sample : burst) one_by_one.measure({&sample, 1}, lb::Nanoseconds{now});
  }
  for (std::uint32_t i = 0; i < 203; ++i) {
    RC_ASSERT(together.at(i).totals() == one_by_one.at(i).totals());
    RC_ASSERT(together.at(i).take_delays() == one_by_one.at(i).take_delays());
    RC_ASSERT(HistogramCounts(together.at(i).delay()) == HistogramCounts(one_by_one.at(i).delay()));
    RC_ASSERT(marked(together.at(i)).by_period.through() == marked(one_by_one.at(i)).by_period.through());
  }
}

}  // namespace
}  // namespace braidway::telemetry
