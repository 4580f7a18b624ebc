#include "lb/order_window.hpp"

#include <array>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include <gtest/gtest.h>

#include "lb/flow_key.hpp"

namespace braidway::lb {
namespace {

constexpr GatewayId gateway{7};
constexpr SpraySet two_paths{.paths = {PathId{0}, PathId{1}}, .count = 2};

using Numbers = std::vector<int>;

/// A packet is known by its number: how many came before it.
struct Packet {
  std::uint32_t sequence = 0;
  unsigned path = 0;
  const SpraySet* set = &two_paths;
  std::uint8_t epoch = 0;
  std::uint32_t bytes = 1000;
  std::uint32_t flow = 1;
  GatewayId source = gateway;
  Departure departure{};
};

class Sink {
 public:
  explicit Sink(const OrderWindow::Parameters& parameters) : window(parameters), out_(window.most_out(1)) {}
  Sink() : Sink(OrderWindow::Parameters{.flows = 64, .packets = 64}) {}

  Numbers push(const Packet& packet) {
    const auto key = rocev2_key(ipv4(1), ipv4(2), Qpn{packet.flow});
    const std::array hashes{hash(key, 1)};
    const std::array arrivals{Arrival{.handle = &names_.at(pushed_++),
                                      .spray_set = packet.set,
                                      .sequence = packet.sequence,
                                      .bytes = packet.bytes,
                                      .source = packet.source,
                                      .path = PathId{static_cast<std::uint8_t>(packet.path)},
                                      .epoch = packet.epoch,
                                      .departure = packet.departure}};
    return numbers(window.push(hashes, {&key, 1}, arrivals, now, out_));
  }
  Numbers poll_after(std::int64_t nanoseconds) {
    now = Nanoseconds{value(now) + nanoseconds};
    return numbers(window.poll(now, out_));
  }

  Nanoseconds now{1'000'000'000'000};
  OrderWindow window;

 private:
  Numbers numbers(std::size_t count) {
    Numbers result;
    for (std::size_t i = 0; i < count; ++i) {
      result.push_back(static_cast<int>(static_cast<char*>(out_[i]) - names_.data()));
    }
    return result;
  }

  std::array<char, 100'000> names_{};
  std::size_t pushed_ = 0;
  std::vector<Handle> out_;
};

TEST(OrderWindow, HandsOnAtOnceWhatIsNext) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 0, .path = 0}), Numbers{0});
  EXPECT_EQ(sink.push({.sequence = 1, .path = 1}), Numbers{1});
  EXPECT_EQ(sink.window.counters().in_order, 2U);
}

TEST(OrderWindow, HoldsWhatIsAheadUntilTheMissingComes) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 1, .path = 1}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 3, .path = 1}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 0, .path = 0}), (Numbers{2, 0}));
  EXPECT_EQ(sink.push({.sequence = 2, .path = 0}), (Numbers{3, 1}));
  EXPECT_EQ(sink.window.held_packets(), 0U);
  EXPECT_EQ(sink.window.counters().late, 0U);
}

TEST(OrderWindow, GivesAGapUpOnceEveryPathHasDeliveredSomethingHigher) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 2, .path = 0}), Numbers{}) << "path 1 may still bring 0";
  EXPECT_EQ(sink.push({.sequence = 4, .path = 1}), (Numbers{0, 1}))
      << "it has passed 0; 3 may still come over path 0";
  EXPECT_EQ(sink.push({.sequence = 5, .path = 0}), (Numbers{2, 3}));
  EXPECT_EQ(sink.window.counters().gaps_by_watermark, 2U);
  EXPECT_EQ(sink.window.counters().gaps_by_timer, 0U);
}

TEST(OrderWindow, AGapOnTheOnlyPathIsALoss) {
  Sink sink;
  constexpr SpraySet one{.paths = {PathId{3}}, .count = 1};
  EXPECT_EQ(sink.push({.sequence = 0, .path = 3, .set = &one}), Numbers{0});
  EXPECT_EQ(sink.push({.sequence = 7, .path = 3, .set = &one}), Numbers{1});
}

TEST(OrderWindow, DoesNotWaitForADeadPath) {
  Sink sink;
  sink.window.path_down(gateway, PathId{1});
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0}), Numbers{0});
  sink.window.path_up(gateway, PathId{1});
  EXPECT_EQ(sink.push({.sequence = 3, .path = 0}), Numbers{});
  sink.window.path_down(gateway, PathId{1});
  EXPECT_EQ(sink.poll_after(0), Numbers{1});
  EXPECT_EQ(sink.window.counters().gaps_by_timer, 0U);
}

TEST(OrderWindow, WhatADeadPathBringsWhenItLivesAgainIsNoReordering) {
  Sink sink;
  sink.window.path_down(gateway, PathId{1});
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0}), Numbers{0});
  sink.window.path_up(gateway, PathId{1});
  EXPECT_EQ(sink.push({.sequence = 0, .path = 1}), Numbers{1}) << "late";
  EXPECT_EQ(sink.window.counters().late, 1U);
  EXPECT_EQ(sink.window.counters().fifo_violations, 0U);
}

TEST(OrderWindow, APathThatReordersProvesNothingAnyMore) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 5, .path = 1}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 3, .path = 1}), Numbers{});
  EXPECT_EQ(sink.window.fifo_violations(gateway, PathId{1}), 1U);
  EXPECT_EQ(sink.push({.sequence = 6, .path = 0}), Numbers{}) << "path 1 may still bring 0";
  EXPECT_EQ(sink.poll_after(150'000), (Numbers{1, 0, 2}));
  EXPECT_EQ(sink.window.counters().gaps_by_timer, 2U);

  sink.window.path_up(gateway, PathId{1});
  EXPECT_EQ(sink.push({.sequence = 8, .path = 0}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 9, .path = 1}), (Numbers{3, 4})) << "trusted again";
}

TEST(OrderWindow, WhatComesAfterItsPathHadPassedItIsAReordering) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 2, .path = 1}), (Numbers{0, 1}));
  EXPECT_EQ(sink.push({.sequence = 0, .path = 1}), Numbers{2});
  EXPECT_EQ(sink.window.counters().late, 1U);
  EXPECT_EQ(sink.window.fifo_violations(gateway, PathId{1}), 1U);
}

TEST(OrderWindow, TheTimerRunsFromThePacketThatShowsTheGap) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0}), Numbers{});
  EXPECT_EQ(sink.poll_after(100'000), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 3, .path = 0}), Numbers{});
  EXPECT_EQ(sink.poll_after(49'999), Numbers{});
  EXPECT_EQ(sink.poll_after(1), Numbers{0});
  EXPECT_EQ(sink.poll_after(99'999), Numbers{});
  EXPECT_EQ(sink.poll_after(1), Numbers{1});
  EXPECT_EQ(sink.window.counters().gaps_by_timer, 2U);
  EXPECT_EQ(sink.push({.sequence = 2, .path = 1}), Numbers{2}) << "late";
  EXPECT_EQ(sink.window.counters().fifo_violations, 0U) << "path 1 is slow, no more";
}

TEST(OrderWindow, NoPacketWaitsLongerForTwoGapsThanForOne) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 6, .path = 0}), Numbers{});
  EXPECT_EQ(sink.poll_after(10'000), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 3, .path = 1, .set = nullptr}), Numbers{});
  EXPECT_EQ(sink.poll_after(140'000), (Numbers{1, 0}));
}

TEST(OrderWindow, WithoutAnAnnouncedSetTheTimerDecides) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0, .set = nullptr}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 2, .path = 1, .set = nullptr}), Numbers{});
  EXPECT_EQ(sink.poll_after(150'000), (Numbers{0, 1}));
}

TEST(OrderWindow, AfterAChangeOfTheSetTheOldPathsAreWaitedForUntilNothingIsUnderWay) {
  Sink sink;
  constexpr SpraySet other{.paths = {PathId{1}, PathId{2}}, .count = 2};
  EXPECT_EQ(sink.push({.sequence = 1, .path = 1}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 2, .path = 2, .set = &other}), Numbers{}) << "path 0 may still bring 0";
  EXPECT_EQ(sink.push({.sequence = 4, .path = 2, .set = &other}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 0, .path = 0, .set = &other}), (Numbers{3, 0, 1}));
  EXPECT_EQ(sink.poll_after(149'000), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 6, .path = 1, .set = &other}), Numbers{}) << "path 0 may still bring 3";
  EXPECT_EQ(sink.poll_after(1'001), Numbers{2});
  EXPECT_EQ(sink.push({.sequence = 7, .path = 2, .set = &other}), (Numbers{4, 5}))
      << "path 0 does not count now";
}

TEST(OrderWindow, ANinthPathLeavesTheDecisionToTheTimer) {
  Sink sink;
  SpraySet eight{.count = 8};
  for (std::uint8_t i = 0; i < 8; ++i) eight.paths[i] = PathId{i};
  for (std::uint32_t i = 0; i < 9; ++i) {
    const unsigned path = 8 - i;
    EXPECT_EQ(sink.push({.sequence = 20 - 2 * i, .path = path, .set = &eight}), Numbers{}) << path;
  }
  EXPECT_EQ(sink.poll_after(150'000), (Numbers{8, 7, 6, 5, 4, 3, 2, 1, 0}));
  EXPECT_EQ(sink.window.counters().gaps_by_watermark, 0U);
}

TEST(OrderWindow, RepeatsAreHandedOn) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 0, .path = 0}), Numbers{0});
  EXPECT_EQ(sink.push({.sequence = 0, .path = 0}), Numbers{1}) << "at once";
  EXPECT_EQ(sink.push({.sequence = 2, .path = 0}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 2, .path = 0}), Numbers{}) << "not before its place";
  EXPECT_EQ(sink.push({.sequence = 1, .path = 1}), (Numbers{4, 2, 3}));
  EXPECT_EQ(sink.window.counters().late, 1U);
  EXPECT_EQ(sink.window.counters().repeated, 1U);
  EXPECT_EQ(sink.window.counters().fifo_violations, 0U);
}

TEST(OrderWindow, ANewEpochBeginsAtZeroBehindWhatWasHeld) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 0, .epoch = 15}), Numbers{0});
  EXPECT_EQ(sink.push({.sequence = 4, .epoch = 15}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 2, .epoch = 15}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 0, .epoch = 0}), (Numbers{2, 1, 3}));
  EXPECT_EQ(sink.push({.sequence = 3, .epoch = 15}), Numbers{4}) << "of the old epoch: late";
  EXPECT_EQ(sink.push({.sequence = 1, .epoch = 0}), Numbers{5});
  EXPECT_EQ(sink.push({.sequence = 1, .epoch = 7}), Numbers{}) << "0 of epoch 7 is missing";
  EXPECT_EQ(sink.window.counters().epoch_changes, 2U);
  EXPECT_EQ(sink.window.counters().flushed, 2U);
  EXPECT_EQ(sink.window.counters().late, 1U);
}

TEST(OrderWindow, SequencesWrap) {
  Sink sink;
  constexpr std::uint32_t last = 0xffff'ffff;
  EXPECT_EQ(sink.push({.sequence = last - 1}), Numbers{0})
      << "nobody sends that many before the first one comes";
  EXPECT_EQ(sink.window.counters().joined, 1U);
  EXPECT_EQ(sink.push({.sequence = 0, .path = 1}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 1, .path = 1}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = last, .path = 0}), (Numbers{3, 1, 2}));
  EXPECT_EQ(sink.push({.sequence = last, .path = 0}), Numbers{4}) << "late";
}

TEST(OrderWindow, AFlowThatWasSilentForASecondBeginsAnew) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 0}), Numbers{0});
  EXPECT_EQ(sink.push({.sequence = 1}), Numbers{1});
  sink.now = Nanoseconds{value(sink.now) + 1'000'001'024};
  EXPECT_EQ(sink.push({.sequence = 0}), Numbers{2});
  EXPECT_EQ(sink.window.counters().restarts, 1U);
  EXPECT_EQ(sink.window.counters().late, 0U);
  EXPECT_EQ(sink.push({.sequence = 1}), Numbers{3});
}

TEST(OrderWindow, ForgetsSilentFlowsLittleByLittle) {
  Sink sink;
  for (std::uint32_t flow = 0; flow < 64; ++flow) EXPECT_EQ(sink.push({.flow = flow}).size(), 1U);
  EXPECT_EQ(sink.window.flows(), 64U);
  for (int i = 0; i < 250; ++i) EXPECT_EQ(sink.poll_after(10'000'000), Numbers{});
  EXPECT_EQ(sink.window.flows(), 0U);
}

TEST(OrderWindow, FlowsBeyondTheTableGoOnAsTheyCome) {
  Sink sink(OrderWindow::Parameters{.flows = 2, .packets = 8});
  EXPECT_EQ(sink.push({.sequence = 0, .flow = 1}), Numbers{0});
  EXPECT_EQ(sink.push({.sequence = 0, .flow = 2}), Numbers{1});
  EXPECT_EQ(sink.push({.sequence = 9, .flow = 3}), Numbers{2});
  EXPECT_EQ(sink.window.counters().no_window, 1U);
  EXPECT_EQ(sink.push({.sequence = 1, .flow = 2}), Numbers{3});
}

TEST(OrderWindow, ASourceThatBootsAnewIsFlushed) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 5, .flow = 1}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 8, .flow = 2}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 3, .flow = 1}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 3, .flow = 3, .source = GatewayId{8}}), Numbers{});
  sink.window.flush_source(gateway);
  EXPECT_EQ(sink.push({.sequence = 0, .flow = 1}), (Numbers{2, 0, 4})) << "the old ones go first";
  EXPECT_EQ(sink.poll_after(0), Numbers{1});
  EXPECT_EQ(sink.window.held_packets(), 1U) << "the other source has not booted";
}

TEST(OrderWindow, AFlowThatComesOverAnotherGatewayBeginsAnew) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 2}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 0, .source = GatewayId{8}}), (Numbers{0, 1}));
  EXPECT_EQ(sink.push({.sequence = 1, .source = GatewayId{8}}), Numbers{2});
}

TEST(OrderWindow, TheBudgetInPacketsGivesUpWhatWasHeldLongest) {
  Sink sink(OrderWindow::Parameters{.flows = 8, .packets = 3});
  EXPECT_EQ(sink.push({.sequence = 5, .flow = 1}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 1, .flow = 2}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 3, .set = nullptr, .flow = 1}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 1, .flow = 3}), (Numbers{2, 0}))
      << "what is before it in its flow goes first";
  EXPECT_EQ(sink.window.counters().gaps_by_packet_budget, 2U);
  EXPECT_EQ(sink.window.counters().peak_packets, 3U);
}

TEST(OrderWindow, TheBudgetInBytesIsKept) {
  Sink sink(OrderWindow::Parameters{.flows = 8, .packets = 100, .bytes = 2'500});
  EXPECT_EQ(sink.push({.sequence = 1, .flow = 1}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 1, .flow = 2}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 1, .flow = 3}), Numbers{0});
  EXPECT_EQ(sink.push({.sequence = 1, .bytes = 9'000, .flow = 4}), (Numbers{1, 2, 3}))
      << "more than there is";
  EXPECT_EQ(sink.window.counters().gaps_by_byte_budget, 4U);
  EXPECT_EQ(sink.window.counters().peak_bytes, 2'000U);
}

TEST(OrderWindow, OnAFifoStrandOtherFlowsProveThatAPathHasPassed) {
  Sink sink;
  const auto left = [](std::uint32_t time, Lane lane = Lane{2}) {
    return Departure{.lane = lane, .priority = 3, .known = true, .time = time};
  };
  ASSERT_TRUE(sink.window.declare_strand(gateway, PathId{1}));
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0, .departure = left(100)}), Numbers{});
  sink.window.observe(gateway, PathId{1}, left(100), sink.now);
  EXPECT_EQ(sink.poll_after(0), Numbers{}) << "not strictly later";
  sink.window.observe(gateway, PathId{1}, left(200, Lane{3}), sink.now);
  EXPECT_EQ(sink.poll_after(0), Numbers{}) << "another lane";
  sink.window.observe(gateway, PathId{0}, left(200), sink.now);
  EXPECT_EQ(sink.poll_after(0), Numbers{}) << "another path";
  sink.window.observe(gateway, PathId{1}, left(101), sink.now);
  EXPECT_EQ(sink.poll_after(0), Numbers{0});
  EXPECT_EQ(sink.push({.sequence = 3, .path = 0, .departure = left(90)}), Numbers{1}) << "seen before";
  EXPECT_EQ(sink.poll_after(1'000'001'024), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0, .departure = left(90)}), Numbers{})
      << "more than a second ago";
}

TEST(OrderWindow, StrandsHaveALimit) {
  OrderWindow window({.flows = 1, .packets = 1, .sources = 2, .strands = 2});
  EXPECT_TRUE(window.declare_strand(gateway, PathId{1}));
  EXPECT_TRUE(window.declare_strand(gateway, PathId{1})) << "again";
  EXPECT_TRUE(window.declare_strand(gateway, PathId{2}));
  EXPECT_FALSE(window.declare_strand(gateway, PathId{3}));
}

TEST(OrderWindow, SourcesBeyondTheLimitAreLeftToTheTimer) {
  Sink sink(OrderWindow::Parameters{.flows = 8, .packets = 8, .sources = 1});
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0, .flow = 2, .source = GatewayId{9}}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 2, .path = 1, .flow = 2, .source = GatewayId{9}}), Numbers{});
  sink.window.path_down(GatewayId{9}, PathId{0});
  sink.window.path_down(GatewayId{9}, PathId{1});
  EXPECT_EQ(sink.push({.sequence = 2, .path = 1}), (Numbers{0, 3})) << "the first one is known";
  EXPECT_EQ(sink.poll_after(149'999), Numbers{});
  EXPECT_EQ(sink.poll_after(1), (Numbers{1, 2}));
  EXPECT_FALSE(sink.window.declare_strand(GatewayId{9}, PathId{0}));
}

}  // namespace
}  // namespace braidway::lb
