// Tables that are full, budgets, sources that come and go, and strands.
#include <cstdint>

#include <gtest/gtest.h>

#include "lb/order_window.hpp"
#include "tests/unit/lb/sink.hpp"

namespace braidway::lb {
namespace {

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
