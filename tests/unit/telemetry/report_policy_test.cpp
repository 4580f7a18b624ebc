#include "telemetry/report_policy.hpp"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

namespace braidway::telemetry {
namespace {

constexpr lb::Nanoseconds at_ms(std::int64_t ms) { return lb::Nanoseconds{ms * 1'000'000}; }

lb::FlowKey flow(std::uint32_t number) { return lb::rocev2_key(lb::ipv4(1), lb::ipv4(2), lb::Qpn{number}); }

class Policy : public ReportPolicy {
 public:
  explicit Policy(const Parameters& parameters = {}) : ReportPolicy(parameters) {}

  ReportCause decide(std::uint32_t number, const FlowSample& sample, lb::Nanoseconds now) {
    const auto key = flow(number);
    return ReportPolicy::decide(lb::hash(key, 1), key, sample, now);
  }
  std::uint64_t reports(ReportCause cause) const {
    return counters().reports[static_cast<std::size_t>(cause)];
  }
};

constexpr FlowSample on(std::uint8_t path) { return {.path = lb::PathId{path}}; }

TEST(ReportPolicy, AFlowIsReportedAtItsFirstPacketAndOnceASecond) {
  Policy policy;
  int heartbeats = 0;
  for (std::int64_t ms = 0; ms < 10'500; ++ms) {
    const auto cause = policy.decide(1, on(3), at_ms(ms));
    EXPECT_EQ(cause == ReportCause::new_flow, ms == 0);
    heartbeats += cause == ReportCause::heartbeat ? 1 : 0;
  }
  EXPECT_EQ(heartbeats, 10);
  EXPECT_EQ(policy.reports(ReportCause::heartbeat), 10U);
  EXPECT_EQ(policy.counters().suppressed, 0U);
}

TEST(ReportPolicy, AFlowThatMovesIsReported) {
  Policy policy;
  policy.decide(1, on(3), at_ms(0));
  EXPECT_EQ(policy.decide(1, on(4), at_ms(1)), ReportCause::path);
  EXPECT_EQ(policy.decide(1, on(4), at_ms(2)), ReportCause::none);
  EXPECT_EQ(policy.decide(1, on(4), at_ms(1'001)), ReportCause::heartbeat);
  EXPECT_EQ(policy.decide(1, on(3), at_ms(1'002)), ReportCause::none) << "it was there a heartbeat before";
  EXPECT_EQ(policy.decide(1, on(4), at_ms(2'002)), ReportCause::heartbeat);
  EXPECT_EQ(policy.decide(1, on(4), at_ms(3'003)), ReportCause::heartbeat);
  EXPECT_EQ(policy.decide(1, on(3), at_ms(3'004)), ReportCause::path) << "long ago";
}

TEST(ReportPolicy, ASprayedFlowIsNewsOnceForEachOfItsPaths) {
  Policy policy;
  for (int i = 0; i < 100'000; ++i) {
    policy.decide(1, on(static_cast<std::uint8_t>(i * 7 % 16)), lb::Nanoseconds{i * std::int64_t{50'000}});
  }
  EXPECT_EQ(policy.reports(ReportCause::new_flow), 1U);
  EXPECT_EQ(policy.reports(ReportCause::path), 15U);
  EXPECT_EQ(policy.reports(ReportCause::heartbeat), 4U);
}

TEST(ReportPolicy, AQueueOverTheThresholdIsReportedOnceUntilItWasCalm) {
  Policy policy({.deep_queue = 1'000});
  const auto deep = [](std::uint32_t queue) { return FlowSample{.deepest_queue = queue}; };
  policy.decide(1, deep(0), at_ms(0));
  EXPECT_EQ(policy.decide(1, deep(999), at_ms(1)), ReportCause::none);
  EXPECT_EQ(policy.decide(1, deep(1'000), at_ms(2)), ReportCause::queue);
  for (std::int64_t ms = 3; ms < 100; ++ms) {
    // Every other packet takes a path without a queue.
    EXPECT_EQ(policy.decide(1, deep(ms % 2 == 0 ? 5'000 : 0), at_ms(ms)), ReportCause::none) << ms;
  }
  EXPECT_EQ(policy.decide(1, deep(0), at_ms(105)), ReportCause::none);
  EXPECT_EQ(policy.decide(1, deep(5'000), at_ms(106)), ReportCause::none) << "8 ms after the last: the same";
  EXPECT_EQ(policy.decide(1, deep(5'000), at_ms(117)), ReportCause::queue) << "11 ms after the last";
  EXPECT_EQ(policy.decide(1, {}, at_ms(200)), ReportCause::none) << "nothing measured is no queue";
}

TEST(ReportPolicy, AQueueIsNewsHoweverLongItWasCalm) {
  // Ticks wrap after 73 minutes: right there the last deep queue looks as if it were just over.
  Policy policy({.deep_queue = 1'000});
  policy.decide(1, {.deepest_queue = 5'000}, at_ms(0));
  const std::int64_t wrap_ms = (std::int64_t{1} << 42) / 1'000'000;
  for (std::int64_t ms = 500; ms < wrap_ms; ms += 500) policy.decide(1, {.deepest_queue = 0}, at_ms(ms));
  EXPECT_EQ(policy.decide(1, {.deepest_queue = 5'000}, at_ms(wrap_ms + 5)), ReportCause::queue);
}

TEST(ReportPolicy, AStepOfTheLatencyIsReportedAndItsNoiseIsNot) {
  Policy policy({.latency_step = 10'000});
  const auto latency = [](std::uint32_t ns) { return FlowSample{.latency = ns}; };
  policy.decide(1, latency(50'000), at_ms(0));
  for (std::int64_t i = 1; i < 500; ++i) {
    EXPECT_EQ(policy.decide(1, latency(i % 2 == 0 ? 35'000 : 65'000), lb::Nanoseconds{i * 1'000}),
              ReportCause::none);
  }
  int reports = 0;
  for (std::int64_t i = 500; i < 600; ++i) {
    reports += policy.decide(1, latency(68'000), lb::Nanoseconds{i * 1'000}) == ReportCause::latency ? 1 : 0;
  }
  EXPECT_EQ(reports, 1) << "up";
  for (std::int64_t i = 600; i < 700; ++i) {
    reports += policy.decide(1, latency(45'000), lb::Nanoseconds{i * 1'000}) == ReportCause::latency ? 1 : 0;
  }
  EXPECT_EQ(reports, 2) << "and down";
}

TEST(ReportPolicy, TheFirstLatencyMeasuredIsNews) {
  Policy policy;
  policy.decide(1, on(0), at_ms(0));
  EXPECT_EQ(policy.decide(1, {.latency = 5}, at_ms(1)), ReportCause::latency);
  EXPECT_EQ(policy.decide(1, {.latency = 5}, at_ms(2)), ReportCause::none);
}

TEST(ReportPolicy, TheRateIsKeptAndWhatIsOverItCounted) {
  Policy policy({.flows = 5'000, .reports_per_second = 100, .burst = 10});
  std::uint64_t reports = 0;
  for (std::uint32_t i = 0; i < 4'000; ++i) {
    reports +=
        policy.decide(i, on(0), lb::Nanoseconds{i * std::int64_t{1'000'000}}) != ReportCause::none ? 1 : 0;
  }
  EXPECT_EQ(reports, 10U + 399U) << "the burst, and four seconds' rate";
  EXPECT_EQ(policy.counters().suppressed, 4'000 - reports);
}

TEST(ReportPolicy, NewsThatWasSuppressedStaysNews) {
  Policy policy({.deep_queue = 1'000, .reports_per_second = 1, .burst = 1});
  EXPECT_EQ(policy.decide(1, on(0), at_ms(0)), ReportCause::new_flow);
  EXPECT_EQ(policy.decide(1, {.path = lb::PathId{1}, .deepest_queue = 2'000}, at_ms(1)), ReportCause::none);
  EXPECT_EQ(policy.decide(2, on(0), at_ms(2)), ReportCause::none);
  EXPECT_EQ(policy.counters().suppressed, 2U);
  EXPECT_EQ(policy.decide(1, on(1), at_ms(1'000)), ReportCause::path);
  EXPECT_EQ(policy.decide(1, {.deepest_queue = 2'000}, at_ms(1'999)), ReportCause::none);
  EXPECT_EQ(policy.decide(1, {.deepest_queue = 2'000}, at_ms(2'000)), ReportCause::queue);
  EXPECT_EQ(policy.decide(2, on(0), at_ms(3'000)), ReportCause::new_flow);
}

TEST(ReportPolicy, HeartbeatsLeaveHalfOfTheBurstToNews) {
  Policy policy({.reports_per_second = 100, .burst = 10});
  for (std::uint32_t i = 0; i < 10; ++i) policy.decide(i, on(0), at_ms(std::int64_t{i} * 1'000));
  int heartbeats = 0;
  for (std::uint32_t i = 0; i < 10; ++i) {
    heartbeats += policy.decide(i, on(0), at_ms(20'000)) == ReportCause::heartbeat ? 1 : 0;
  }
  EXPECT_EQ(heartbeats, 6) << "down to just under half";
  EXPECT_EQ(policy.decide(9, on(5), at_ms(20'000)), ReportCause::path);
}

TEST(ReportPolicy, WithoutARateNothingIsReported) {
  for (const auto& parameters : {ReportPolicy::Parameters{.flows = 10, .reports_per_second = 0},
                                 ReportPolicy::Parameters{.flows = 10, .burst = 0}}) {
    Policy policy(parameters);
    EXPECT_EQ(policy.decide(1, on(0), at_ms(0)), ReportCause::none);
    EXPECT_EQ(policy.decide(1, on(0), at_ms(100'000)), ReportCause::none);
    EXPECT_EQ(policy.counters().suppressed, 2U);
  }
}

TEST(ReportPolicy, FlowsBeyondTheTableAreNotWatchedUntilOthersAreForgotten) {
  Policy policy({.flows = 2});
  policy.decide(1, on(0), at_ms(0));
  policy.decide(2, on(0), at_ms(0));
  EXPECT_EQ(policy.decide(3, on(0), at_ms(0)), ReportCause::none);
  EXPECT_EQ(policy.counters().no_room, 1U);
  for (std::int64_t ms = 0; ms < 6'000; ++ms) {
    policy.decide(1, on(0), at_ms(ms));
    policy.sweep(at_ms(ms));
  }
  EXPECT_EQ(policy.flows(), 1U) << "2 was silent, 1 was not";
  EXPECT_EQ(policy.decide(3, on(0), at_ms(6'000)), ReportCause::new_flow);
}

}  // namespace
}  // namespace braidway::telemetry
