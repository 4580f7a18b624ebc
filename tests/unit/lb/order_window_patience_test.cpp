// How long a gap is waited for on paths that are alive but slow.
#include <cstdint>

#include <gtest/gtest.h>

#include "lb/order_window.hpp"
#include "tests/unit/lb/sink.hpp"

namespace braidway::lb {
namespace {

constexpr std::int64_t timeout = value(OrderWindow::Parameters{}.timeout);
constexpr std::int64_t patience = value(OrderWindow::Parameters{}.patience);
constexpr std::uint32_t other_flow = 2;

constexpr Departure at(std::uint32_t time) { return {.known = true, .time = time}; }

/// Packets of another flow come over path 1: the first of them while the gap stands, and so on.
struct SlowPath {
  Sink& sink;
  std::uint32_t sequence = 0;

  /// `left`: its departure.
  void brings(std::uint32_t left) {
    EXPECT_EQ(
        sink.push({.sequence = sequence++, .path = 1, .flow = other_flow, .departure = at(left)}).size(), 1U);
  }
};

TEST(OrderWindowPatience, WaitsForWhatASlowPathMayBring) {
  Sink sink;
  SlowPath slow{sink};
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0, .departure = at(1'000'000)}), Numbers{});
  EXPECT_EQ(sink.poll_after(timeout - 1), Numbers{});
  slow.brings(900'000);
  EXPECT_EQ(sink.poll_after(1), Numbers{});
  EXPECT_EQ(sink.window.counters().put_off, 1U);
  slow.brings(950'000);
  EXPECT_EQ(sink.push({.sequence = 0, .path = 1, .departure = at(990'000)}), (Numbers{3, 0}));
  EXPECT_EQ(sink.window.counters().gaps_by_timer, 0U);
}

TEST(OrderWindowPatience, EndsAndNotLaterForASecondGap) {
  Sink sink;
  SlowPath slow{sink};
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0, .departure = at(1'000'000)}), Numbers{});
  EXPECT_EQ(sink.push({.sequence = 3, .path = 0, .departure = at(1'000'000)}), Numbers{});
  Numbers out;
  std::int64_t waited = 0;
  for (; waited < patience; waited += timeout / 2) {
    slow.brings(900'000);
    out = sink.poll_after(timeout / 2);
    if (!out.empty()) break;
  }
  EXPECT_EQ(out, (Numbers{0, 1}));
  EXPECT_GT(waited, patience / 2);
  EXPECT_EQ(sink.window.counters().gaps_by_timer, 2U);
}

TEST(OrderWindowPatience, APathThatHasGotFurtherIsNotSlow) {
  Sink sink;
  SlowPath slow{sink};
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0, .departure = at(0xffff'ff00)}), Numbers{});
  EXPECT_EQ(sink.poll_after(timeout - 1), Numbers{});
  slow.brings(static_cast<std::uint32_t>(timeout));  // the source's clock has wrapped
  EXPECT_EQ(sink.poll_after(1), Numbers{0});
}

TEST(OrderWindowPatience, NotWithASilentPathUnlessAllAreLate) {
  for (const bool congested : {false, true}) {
    Sink sink;
    SlowPath slow{sink};
    EXPECT_EQ(sink.push({.sequence = 1, .path = 0, .departure = at(1'000'000)}), Numbers{});
    slow.brings(900'000);
    if (congested) sink.window.congested(gateway, sink.now);
    EXPECT_EQ(sink.poll_after(timeout + 1), congested ? Numbers{} : Numbers{0});
    EXPECT_EQ(sink.poll_after(patience), congested ? Numbers{0} : Numbers{});
  }
}

TEST(OrderWindowPatience, NotWithADeadPath) {
  Sink sink;
  SlowPath slow{sink};
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0, .departure = at(1'000'000)}), Numbers{});
  slow.brings(900'000);
  sink.window.path_down(gateway, PathId{1});
  EXPECT_EQ(sink.poll_after(timeout - 1), Numbers{0});
  EXPECT_EQ(sink.window.counters().gaps_by_timer, 0U);
}

TEST(OrderWindowPatience, NotWithoutDeparturesNorAcrossBoots) {
  Sink silent;
  EXPECT_EQ(silent.push({.sequence = 1, .path = 0}), Numbers{});
  EXPECT_EQ(silent.push({.sequence = 0, .path = 1, .flow = other_flow}), Numbers{1});
  EXPECT_EQ(silent.poll_after(timeout), Numbers{0});

  Sink sink;
  SlowPath slow{sink};
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0, .flow = 3, .departure = at(1'000'000)}), Numbers{});
  slow.brings(900'000);
  sink.window.flush_source(gateway);
  EXPECT_EQ(sink.poll_after(1), Numbers{0});
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0, .departure = at(1'000'000)}), Numbers{});
  EXPECT_EQ(sink.poll_after(timeout - 2), Numbers{});
  EXPECT_EQ(sink.poll_after(2), Numbers{2}) << "path 1 has brought nothing in the source's new life";
}

TEST(OrderWindowPatience, AProbeShowsHowFarAPathHasGot) {
  Sink sink;
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0, .departure = at(1'000'000)}), Numbers{});
  EXPECT_EQ(sink.poll_after(timeout - 1), Numbers{});
  sink.window.observe(gateway, PathId{1}, at(900'000), sink.now);
  EXPECT_EQ(sink.poll_after(1), Numbers{});
  EXPECT_EQ(sink.poll_after(timeout - 1), Numbers{});
  sink.window.observe(gateway, PathId{1}, at(2'000'000), sink.now);
  EXPECT_EQ(sink.poll_after(1), Numbers{0});
}

TEST(OrderWindowPatience, WhatIsPutOffIsGivenUpByBudgetAfterWhatIsNot) {
  Sink sink(OrderWindow::Parameters{.flows = 8, .packets = 2});
  SlowPath slow{sink};
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0, .departure = at(1'000'000)}), Numbers{});
  EXPECT_EQ(sink.poll_after(timeout - 1), Numbers{});
  slow.brings(900'000);
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0, .flow = 3}), Numbers{});
  EXPECT_EQ(sink.poll_after(1), Numbers{});
  EXPECT_EQ(sink.window.counters().put_off, 1U);
  EXPECT_EQ(sink.push({.sequence = 1, .path = 0, .flow = 4}), Numbers{2}) << "flow 3's, which came later";
}

}  // namespace
}  // namespace braidway::lb
