// Queue depths, latencies and utilisation of hops, from INT stacks and IOAM traces as they lie in packets.
#include "telemetry/hop_meter.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "telemetry/big_endian.hpp"
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

/// A trace's data, written by nodes from the source on.
class Trace {
 public:
  Trace(std::uint32_t type, const std::vector<IoamNode>& nodes)
      : trace_(ioam_trace_header_bytes + 4 * nodes.size() * ioam_node_words(type)),
        type_(type),
        count_(nodes.size()) {
    store_be16(trace_.data() + 2, static_cast<std::uint16_t>(ioam_node_words(type) << 11U |
                                                             nodes.size() * ioam_node_words(type)));
    store_be32(trace_.data() + 4, type << 8U);
    for (const IoamNode& node : nodes) {
      if (!add_ioam_node(trace_.data(), node, 64)) throw std::logic_error("no room for a node");
    }
  }
  [[nodiscard]] IoamNodes nodes() const {
    return {std::span{trace_}.subspan(ioam_trace_header_bytes), type_};
  }
  [[nodiscard]] std::size_t count() const { return count_; }

 private:
  std::vector<std::byte> trace_;
  std::uint32_t type_;
  std::size_t count_;
};

class Hops {
 public:
  explicit Hops(std::size_t hops = max_metered_hops)
      : meters(std::array{PathMeters::Peer{.paths = 2, .source = &clock}}, hops) {}

  void measure(const Stack& stack, std::uint32_t path = 1) {
    const PathSample sample{.meter = path, .stack = stack.view()};
    meters.measure({&sample, 1}, now);
  }
  void measure(const Trace& trace, std::uint32_t path = 1) {
    meters.measure_trace(path, trace.nodes(), trace.count());
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
                        .queue = *rc::gen::arbitrary<std::uint32_t>(),
                        .egress_utilisation = *rc::gen::arbitrary<std::uint32_t>()};
  const Stack stack(bitmap, {{}, hop});
  const HopMetadata whole = stack.view().hop(1);
  RC_ASSERT(stack.view().load(1) == (HopLoad{.node_id = whole.node_id,
                                             .latency = whole.hop_latency,
                                             .queue = whole.queue,
                                             .utilisation = whole.egress_utilisation}));
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

constexpr std::uint16_t queue_and_utilisation = int_queue | int_egress_utilisation;

TEST(Utilisation, TheBusiestHopOfTheNewestPacketThatTellsCounts) {
  Hops hops;
  const auto told = [&] {
    const auto newest = hops.meters.at(1).take_utilisation();
    return newest ? newest->value : not_measured;
  };
  EXPECT_EQ(told(), not_measured);
  hops.measure(Stack(queue_and_utilisation, {{.egress_utilisation = 20},
                                             {.queue = 7, .egress_utilisation = 90},
                                             {.egress_utilisation = 0xffff'ffff}}));
  EXPECT_EQ(hops.deepest(), 7U) << "beside it";
  EXPECT_EQ(told(), 90U);
  EXPECT_EQ(told(), not_measured) << "it was taken";
  const std::array burst{Stack(queue_and_utilisation, {{.egress_utilisation = 70}}),
                         Stack(queue_and_utilisation, {{.egress_utilisation = 30}}),
                         Stack(queue_and_utilisation, {{.queue = 1}}), Stack(0, {})};
  std::array<PathSample, burst.size()> samples;
  for (std::size_t i = 0; i < burst.size(); ++i) samples.at(i) = {.meter = 1, .stack = burst.at(i).view()};
  hops.meters.measure(samples, now);
  EXPECT_EQ(told(), 30U) << "not the most, and not the last, which do not tell";
  hops.measure(Stack(int_egress_utilisation, {{.egress_utilisation = 0}}));
  EXPECT_EQ(told(), 0U) << "idle is told";
  EXPECT_EQ(hops.meters.at(0).take_utilisation(), std::nullopt) << "the other path";
}

TEST(Utilisation, OfSeveralLanesTheOneThatWasToldLastCounts) {
  SourceClock clock;
  std::array lanes{PathMeters(std::array{PathMeters::Peer{.paths = 1, .source = &clock}}, 0),
                   PathMeters(std::array{PathMeters::Peer{.paths = 1, .source = &clock}}, 0)};
  FeedbackRecords records(std::array{&lanes[0], &lanes[1]}, 0, clock);
  const auto tell = [&](std::size_t lane, std::uint32_t percent, std::int64_t at) {
    const Stack stack(int_egress_utilisation, {{.egress_utilisation = percent}});
    const PathSample sample{.stack = stack.view()};
    lanes.at(lane).measure({&sample, 1}, lb::Nanoseconds{at});
  };
  // The last one beyond where its number wraps.
  for (const std::int64_t begin : {std::int64_t{0}, value(now), (std::int64_t{1} << 42) - 20'000}) {
    tell(0, 100, begin);
    tell(1, 50, begin + 50'000);
    EXPECT_EQ(records.next(lb::PathId{0}, {}, now).utilisation, full_utilisation / 2);
    tell(1, 50, begin + 60'000);
    tell(0, 100, begin + 70'000);
    EXPECT_EQ(records.next(lb::PathId{0}, {}, now).utilisation, full_utilisation);
    EXPECT_EQ(records.next(lb::PathId{0}, {}, now).utilisation, utilisation_not_told);
  }
}

TEST(Utilisation, IsTheShareOfWhatHopsSayInFullUse) {
  struct Case {
    std::uint32_t full;
    std::uint32_t told;
    unsigned share;
  };
  for (const auto& [full, told, share] : std::vector<Case>{{100, 0, 0},
                                                           {100, 1, 3},
                                                           {100, 50, 127},
                                                           {100, 99, 251},
                                                           {100, 100, 254},
                                                           {100, 101, 254},
                                                           {10'000, 5'000, 127},
                                                           {1, 1, 254},
                                                           {100'000, 25'000, 64},
                                                           {0xffff'fffe, 0x7fff'ffff, 127},
                                                           {0xffff'fffe, 0xffff'fffe, 254}}) {
    Hops hops;
    FeedbackRecords records(std::array{&hops.meters}, 0, hops.clock, full);
    hops.measure(Stack(int_egress_utilisation, {{.egress_utilisation = told}}));
    EXPECT_EQ(records.next(lb::PathId{1}, {}, now).utilisation, share) << told << " of " << full;
  }
  Hops hops;
  EXPECT_THROW(FeedbackRecords(std::array{&hops.meters}, 0, hops.clock, 0), std::invalid_argument);
}

constexpr std::uint32_t trace_of_load = ioam_node_id | ioam_transit_delay | ioam_queue_depth;

TEST(HopMeter, NodesOfATraceAreHopsFromTheSourceOn) {
  Hops hops;
  hops.measure(Trace(trace_of_load, {{.node_id = 10, .transit_delay = 1, .queue_depth = 0x11},
                                     {.node_id = 20, .transit_delay = 2, .queue_depth = 0x13},
                                     {.node_id = 30, .transit_delay = 3, .queue_depth = 0x12}}));
  const std::array depths{0x11U, 0x13U, 0x12U};
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(hops.hop(i).node_id(), 10 * (i + 1));
    EXPECT_EQ(only(hops.hop(i).latency()), i + 1);
    EXPECT_EQ(only(hops.hop(i).queue()), depths[i]);
  }
  EXPECT_EQ(hops.hop(3).node_id(), not_measured);
  EXPECT_EQ(count(hops.hop(0, 0).latency()), 0U) << "the other path";
  EXPECT_EQ(hops.deepest(), 0x13U);
  EXPECT_EQ(hops.meters.at(1).totals(), PathTotals{}) << "a trace is no tag";
}

TEST(HopMeter, WhatANodeOfATraceDoesNotKnowIsNotMeasured) {
  Hops hops;
  hops.measure(Trace(trace_of_load, {{}, {.node_id = 2}}));
  hops.measure(Trace(ioam_seconds, {{.seconds = 1}}));
  for (std::uint32_t i = 0; i < 2; ++i) {
    EXPECT_EQ(count(hops.hop(i).queue()) + count(hops.hop(i).latency()), 0U);
  }
  EXPECT_EQ(hops.hop(0).node_id(), not_measured);
  EXPECT_EQ(hops.hop(1).node_id(), 2U);
  EXPECT_EQ(hops.deepest(), not_measured);
}

TEST(HopMeter, ANodeOfATraceIsKnownByItsWideIdIfItHasNoOther) {
  Hops hops;
  hops.measure(Trace(ioam_node_id_wide, {{.node_id_wide = 0x11'2233'4455'6677}, {}}));
  EXPECT_EQ(hops.hop(0).node_id(), 0x4455'6677U);
  EXPECT_EQ(hops.hop(1).node_id(), not_measured);
  hops.measure(Trace(ioam_node_id | ioam_node_id_wide, {{.node_id = 5, .node_id_wide = 6}}));
  EXPECT_EQ(hops.hop(0).node_id(), 5U);
}

TEST(HopMeter, AQueueInATraceThatIsDeeperThanIntCanSayIsTheDeepestThatItCan) {
  for (const std::uint32_t depth : {0xff'fffeU, 0xff'ffffU, 0x100'0000U, 0xffff'fffeU}) {
    Hops hops;
    hops.measure(Trace(ioam_queue_depth, {{.queue_depth = depth}}));
    EXPECT_EQ(hops.deepest(), 0xff'fffeU) << depth;
  }
}

TEST(HopMeter, NodesOfATraceBeyondThoseThatAreMeteredCountForTheDeepestQueue) {
  std::vector<IoamNode> many(12, IoamNode{.queue_depth = 5});
  many.back().queue_depth = 900;
  for (const std::size_t metered : {std::size_t{0}, std::size_t{3}, max_metered_hops}) {
    Hops hops(metered);
    hops.measure(Trace(ioam_queue_depth, many));
    EXPECT_EQ(hops.deepest(), 900U);
    for (const HopMeter& hop : hops.meters.hops(1)) EXPECT_EQ(only(hop.queue()), 5U);
  }
}

TEST(HopMeter, TheFeedbackTellsTheDeepestQueueOfTracesSinceTheLast) {
  Hops hops;
  FeedbackRecords records(std::array{&hops.meters}, 0, hops.clock);
  hops.measure(Trace(ioam_queue_depth, {{.queue_depth = 3}, {.queue_depth = 70'000}}));
  hops.measure(Trace(ioam_queue_depth, {{.queue_depth = 9}}));
  EXPECT_EQ(records.next(lb::PathId{1}, {}, now).deepest_queue, 70'000U);
  hops.measure(Trace(ioam_queue_depth, {{.queue_depth = 4}}));
  EXPECT_EQ(records.next(lb::PathId{1}, {}, now).deepest_queue, 4U);
  EXPECT_EQ(records.next(lb::PathId{1}, {}, now).deepest_queue, not_measured);
}

}  // namespace
}  // namespace braidway::telemetry
