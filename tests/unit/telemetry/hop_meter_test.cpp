// Queue depths and latencies of hops, from INT stacks as they lie in packets.
#include "telemetry/hop_meter.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "telemetry/feedback_records.hpp"
#include "telemetry/path_meter.hpp"

namespace braidway::telemetry {
namespace {

constexpr lb::Nanoseconds now{1'000'000'000};
constexpr std::uint16_t all_of_load = 0xf000;

/// A stack with the newest hop first, as given.
class Stack {
 public:
  Stack(std::uint16_t bitmap, const std::vector<HopMetadata>& hops)
      : bytes_(hops.size() * 4 * int_hop_words(bitmap)), view_(bytes_.data(), bitmap, hops.size()) {
    for (std::size_t i = 0; i < hops.size(); ++i) {
      store_hop(bytes_.data() + i * 4 * int_hop_words(bitmap), bitmap, hops[i]);
    }
  }
  [[nodiscard]] const StackView& view() const { return view_; }

 private:
  std::vector<std::byte> bytes_;
  StackView view_;
};

class Hops {
 public:
  explicit Hops(std::size_t hops = max_metered_hops)
      : meters(std::array{PathMeters::Peer{.paths = 2, .source = &clock}}, hops) {}

  void measure(const Stack& stack, std::uint32_t path = 1) {
    const PathSample sample{.meter = path, .stack = stack.view()};
    meters.measure({&sample, 1}, now);
  }
  std::uint32_t deepest(std::uint32_t path = 1) {
    const auto range = meters.at(path).take_queues();
    return range ? range->most : not_measured;
  }
  const HopMeter& hop(std::size_t number, std::uint32_t path = 1) { return meters.hops(path)[number]; }

  SourceClock clock;
  PathMeters meters;
};

std::uint64_t count(const LogLinearHistogram& of) { return HistogramCounts(of).total(); }
std::uint32_t only(const LogLinearHistogram& of) {
  return HistogramCounts(of).quantile(1).value_or(not_measured);
}

RC_GTEST_PROP(HopLoadProperty, ItIsWhatTheWholeHopSaysWhateverIsAskedFor, ()) {
  const auto bitmap = *rc::gen::arbitrary<std::uint16_t>();
  const HopMetadata hop{.node_id = *rc::gen::arbitrary<std::uint32_t>(),
                        .hop_latency = *rc::gen::arbitrary<std::uint32_t>(),
                        .queue = *rc::gen::arbitrary<std::uint32_t>()};
  const Stack stack(bitmap, {{}, hop});
  const HopMetadata whole = stack.view().hop(1);
  RC_ASSERT(stack.view().load(1) ==
            (HopLoad{.node_id = whole.node_id, .latency = whole.hop_latency, .queue = whole.queue}));
}

TEST(HopMeter, HopsAreNumberedFromTheSourceOn) {
  Hops hops;
  hops.measure(Stack(all_of_load, {{.node_id = 30, .hop_latency = 3, .queue = 0x0700'0013},
                                   {.node_id = 20, .hop_latency = 2, .queue = 0x0000'0012},
                                   {.node_id = 10, .hop_latency = 1, .queue = 0xff00'0011}}));
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(hops.hop(i).node_id(), 10 * (i + 1));
    EXPECT_EQ(only(hops.hop(i).latency()), i + 1);
    EXPECT_EQ(only(hops.hop(i).queue()), 0x11 + i) << "without the queue's id";
  }
  EXPECT_EQ(count(hops.hop(3).latency()), 0U);
  EXPECT_EQ(hops.hop(3).node_id(), not_measured);
  EXPECT_EQ(count(hops.hop(0, 0).latency()), 0U) << "the other path";
  EXPECT_EQ(hops.deepest(), 0x13U);
  EXPECT_EQ(hops.deepest(0), not_measured);
}

TEST(HopMeter, WhatAHopDoesNotKnowIsNotMeasured) {
  Hops hops;
  hops.measure(Stack(all_of_load, {{.node_id = 1}, {.queue = 0x05ff'ffff}}));
  EXPECT_EQ(count(hops.hop(0).queue()), 0U) << "all ones beside a known queue";
  EXPECT_EQ(count(hops.hop(1).queue()), 0U);
  EXPECT_EQ(count(hops.hop(1).latency()), 0U);
  EXPECT_EQ(hops.deepest(), not_measured);
  hops.measure(Stack(int_node_id, {{.node_id = 2, .hop_latency = 5, .queue = 6}}));
  EXPECT_EQ(count(hops.hop(0).latency()), 0U) << "not asked for";
  EXPECT_EQ(hops.hop(0).node_id(), 2U);
  hops.measure(Stack(0, {}));
  EXPECT_EQ(hops.meters.at(1).totals().packets, 3U);
}

TEST(HopMeter, AReRoutedPathShowsByItsNodes) {
  Hops hops;
  const auto by = [](std::uint32_t node) { return Stack(all_of_load, {{.node_id = node}}); };
  for (const std::uint32_t node : {7U, 7U, 8U, 8U, 7U}) hops.measure(by(node));
  hops.measure(Stack(all_of_load, {{}}));
  EXPECT_EQ(hops.hop(0).node_changes(), 2U);
  EXPECT_EQ(hops.hop(0).node_id(), 7U) << "who does not say who it is changes nothing";
}

TEST(HopMeter, HopsBeyondThoseThatAreMeteredCountForTheDeepestQueue) {
  std::vector<HopMetadata> many(12, HopMetadata{.hop_latency = 1, .queue = 5});
  many.front().queue = 900;
  for (const std::size_t metered : {std::size_t{0}, std::size_t{3}, max_metered_hops}) {
    Hops hops(metered);
    hops.measure(Stack(all_of_load, many));
    EXPECT_EQ(hops.deepest(), 900U);
    EXPECT_EQ(hops.meters.hops(1).size(), metered);
    for (const HopMeter& hop : hops.meters.hops(1)) EXPECT_EQ(only(hop.queue()), 5U);
  }
}

TEST(HopMeter, TheFeedbackTellsTheDeepestQueueOfAnyHop) {
  Hops hops;
  FeedbackRecords records(std::array{&hops.meters}, 0, hops.clock);
  EXPECT_EQ(records.next(lb::PathId{1}, {}, now).deepest_queue, not_measured);
  hops.measure(Stack(all_of_load, {{.queue = 3}, {.queue = 70'000}}));
  hops.measure(Stack(all_of_load, {{.queue = 9}, {}}));
  EXPECT_EQ(records.next(lb::PathId{1}, {}, now).deepest_queue, 70'000U);
  hops.measure(Stack(all_of_load, {{.queue = 0}}));
  EXPECT_EQ(records.next(lb::PathId{1}, {}, now).deepest_queue, 0U);
  EXPECT_EQ(records.next(lb::PathId{1}, {}, now).deepest_queue, not_measured);
}

}  // namespace
}  // namespace braidway::telemetry
