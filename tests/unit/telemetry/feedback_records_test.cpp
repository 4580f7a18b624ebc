// From packets that several lanes meter to what a source reads of them in a feedback.
#include "telemetry/feedback_records.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "lb/alternate_marking.hpp"
#include "telemetry/path_meter.hpp"
#include "telemetry/path_receipt.hpp"

namespace braidway::telemetry {
namespace {

constexpr std::int64_t us = 1'000;
constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t s = 1'000'000'000;
constexpr lb::PathId path{1};

std::uint32_t low(std::int64_t time) { return static_cast<std::uint32_t>(static_cast<std::uint64_t>(time)); }

class Lanes {
 public:
  explicit Lanes(std::size_t lanes) {
    clock.heard(lb::Nanoseconds{offset}, lb::Nanoseconds{0}, false);
    for (std::size_t i = 0; i < lanes; ++i) {
      meters_.push_back(std::make_unique<PathMeters>(std::array{PathMeters::Peer{2, &clock}}, 0));
      pointers_.push_back(meters_.back().get());
    }
  }
  void packet(std::size_t lane, std::int64_t now, std::int64_t delay) {
    const PathSample sample{.meter = 1, .departure = low(now + offset - delay), .bytes = 1'000};
    meters_[lane]->measure({&sample, 1}, lb::Nanoseconds{now});
  }
  PathMeter& meter(std::size_t lane) { return meters_[lane]->at(1); }
  FeedbackRecords records() { return {pointers_, 0, clock}; }

  static constexpr std::int64_t offset = 1'234'567 * s;
  SourceClock clock;

 private:
  std::vector<std::unique_ptr<PathMeters>> meters_;
  std::vector<PathMeters*> pointers_;
};

TEST(FeedbackRecords, ARecordTellsWhatAllLanesMeasuredSinceTheOneBefore) {
  Lanes lanes(3);
  FeedbackRecords records = lanes.records();
  for (std::size_t lane = 0; lane < 3; ++lane) lanes.packet(lane, s, 9 * us);
  records.next(path, false, lb::Nanoseconds{s});
  lanes.packet(0, s + ms, 9 * us + 10 * us);
  lanes.packet(0, s + ms, 9 * us + 20 * us);
  lanes.packet(2, s + ms, 9 * us + 60 * us);
  lanes.meter(1).held(lb::Nanoseconds{70 * us});
  lanes.meter(2).held(lb::Nanoseconds{30 * us});
  lanes.meter(2).late(2);
  lanes.meter(0).late(5);
  EXPECT_EQ(records.next(path, false, lb::Nanoseconds{s + ms}),
            (PathRecord{.heard = true,
                        .counted = true,
                        .period = static_cast<std::uint16_t>(
                            lb::marking_period(lb::Nanoseconds{Lanes::offset + s + ms - 19 * us}) - 2),
                        .packets = 3,
                        .bytes = 6'000,
                        .late = 7,
                        .least_delay = 10 * us,
                        .mean_delay = 30 * us,
                        .most_delay = 60 * us,
                        .longest_hold = 70 * us}));
  const PathRecord silent = records.next(path, false, lb::Nanoseconds{s + 2 * ms});
  EXPECT_FALSE(silent.heard);
  EXPECT_TRUE(silent.counted);
  EXPECT_EQ(silent.packets, 3U);
  EXPECT_EQ(silent.mean_delay, not_measured);
  EXPECT_EQ(silent.longest_hold, 0U);
}

TEST(FeedbackRecords, WhatOthersKnowIsPassedOn) {
  Lanes lanes(1);
  FeedbackRecords records = lanes.records();
  EXPECT_EQ(records.next(path, false, lb::Nanoseconds{s}), PathRecord{}) << "nothing has come";
  EXPECT_EQ(records.next(path, true, lb::Nanoseconds{s}), PathRecord{.heard = true});
  lanes.meter(0).overtaken(1);
  EXPECT_EQ(records.next(path, false, lb::Nanoseconds{s}), PathRecord{.fifo_lost = true});
  EXPECT_EQ(records.next(path, false, lb::Nanoseconds{s}), PathRecord{}) << "told once";
}

TEST(FeedbackRecords, CountsWrapAtThirtyTwoBits) {
  Lanes lanes(2);
  FeedbackRecords records = lanes.records();
  lanes.meter(0).late(0xffff'ffff);
  lanes.meter(1).late(6);
  EXPECT_EQ(records.next(path, false, lb::Nanoseconds{s}).late, 5U);
}

TEST(FeedbackRecords, APeriodIsSaidForFourSecondsAfterThePathsLastPacket) {
  Lanes lanes(2);
  FeedbackRecords records = lanes.records();
  lanes.packet(0, s, 0);
  lanes.packet(1, 2 * s, 0);
  const std::int64_t end = 2 * s + value(period_said_for);
  EXPECT_TRUE(records.next(path, false, lb::Nanoseconds{end}).counted);
  const PathRecord record = records.next(path, false, lb::Nanoseconds{end + 1});
  EXPECT_FALSE(record.counted);
  EXPECT_EQ(record.packets, 0U);
  EXPECT_EQ(record.period, 0U);
}

TEST(FeedbackRecords, WhatCameInAnEarlierLifeOfTheSourceIsNotCounted) {
  Lanes lanes(2);
  FeedbackRecords records = lanes.records();
  lanes.packet(0, s, 0);
  lanes.packet(1, s, 0);
  lanes.clock.heard(lb::Nanoseconds{s + Lanes::offset}, lb::Nanoseconds{s}, true);
  EXPECT_FALSE(records.next(path, false, lb::Nanoseconds{s}).counted);
  lanes.packet(0, s + ms, 0);
  lanes.packet(0, s + 2 * ms, 0);
  const PathRecord record = records.next(path, false, lb::Nanoseconds{s + 2 * ms});
  EXPECT_TRUE(record.counted);
  EXPECT_EQ(record.packets, 1U) << "the second one's period is not complete, and lane 1 has nothing to say";
}

TEST(FeedbackRecords, MoreLanesThanThereAreOrNoneAreRefused) {
  Lanes lanes(17);
  EXPECT_THROW(lanes.records(), std::invalid_argument);
  EXPECT_THROW(FeedbackRecords({}, 0, lanes.clock), std::invalid_argument);
}

/// Packets of a path that take about the same time, some of which are lost, come to lanes of which each may
/// fall silent. Whatever the source reads of a whole period is right to the packet.
RC_GTEST_PROP(FeedbackRecordsProperty, TheSourceLearnsWhatWasLostInWholePeriodsToThePacket, ()) {
  const auto count = *rc::gen::inRange<std::size_t>(1, 5);
  const auto loss = *rc::gen::element(0U, 1U, 10U, 100U);  // of 1,000
  std::mt19937_64 random(*rc::gen::arbitrary<std::uint64_t>());
  const auto below = [&](std::uint64_t bound) { return static_cast<std::int64_t>(random() % bound); };

  Lanes lanes(count);
  FeedbackRecords records = lanes.records();
  lb::SentByPeriod sent;
  std::map<std::uint32_t, std::uint32_t> lost;  // by period
  int judged = 0;
  std::int64_t now = below(static_cast<std::uint64_t>(8 * s));
  std::size_t lane = 0;
  for (int i = 0; i < 3'000; ++i) {
    now += below(100) == 0 ? below(1'000'000) : below(5'000);
    if (below(30) == 0) lane = static_cast<std::size_t>(below(count));
    const lb::Nanoseconds departure{now + Lanes::offset - 8 * us};
    sent.count(departure);
    if (below(1'000) < loss) {
      ++lost[lb::marking_period(departure)];
    } else {
      lanes.packet(lane, now, 8 * us);
    }
    if (i % 20 != 0) continue;
    Message feedback;
    feedback.announced = 2;
    feedback.first = 1;
    feedback.count = 1;
    feedback.records[0] = records.next(path, false, lb::Nanoseconds{now});
    const auto receipt = telemetry::receipt(feedback, 0, lb::Nanoseconds{now + Lanes::offset});
    const auto through = sent.through(receipt.period);
    if (!through) continue;
    ++judged;
    std::uint32_t known = 0;
    for (const auto& [period, packets] : lost) known += period <= receipt.period ? packets : 0;
    RC_ASSERT(*through - receipt.received == known);
  }
  RC_ASSERT(judged > 100);
}

}  // namespace
}  // namespace braidway::telemetry
