// What a sink's meters tell of the paths from the peer, by the tags of its packets and by what becomes of
// them in the order window.
#include <gtest/gtest.h>

#include "tests/pipeline/lab.hpp"
#include "tests/unit/dataplane/gateway_frames.hpp"

namespace braidway::tests {
namespace {

using dataplane::GatewaySettings;
using telemetry::HistogramCounts;
using telemetry::PathTotals;

constexpr std::size_t host = 0;
constexpr std::uint64_t ticks_per_ms = 1'000'000;  // a tick is a nanosecond
constexpr std::uint64_t us = 1'000;
constexpr std::uint64_t begin = 1'000 * us;
constexpr std::uint64_t order_timeout = 150 * us;

GatewaySettings sink_gateway(std::uint16_t paths = 2, std::uint16_t workers = 1) {
  GatewaySettings settings = wire_settings(paths, workers, workers);
  settings.id = lb::GatewayId{1};
  settings.peers[0].id = lb::GatewayId{2};
  settings.peers[0].stamping = dataplane::Stamping::int_md;
  settings.memory.flows = 1024;
  return settings;
}

class Measure : public testing::Test {
 protected:
  explicit Measure(const GatewaySettings& settings = sink_gateway()) : sink(settings, ticks_per_ms) {
    sink.settle(begin);
  }

  const telemetry::PathMeter& meter(std::uint8_t path, std::size_t worker = 0) {
    const telemetry::PathMeters& meters = *sink.worker(worker).lane().meters;
    return meters.at(meters.index(0, lb::PathId{path}));
  }
  PathTotals totals(std::uint8_t path, std::size_t worker = 0) { return meter(path, worker).totals(); }
  /// A packet of flow 3, whose number is its PSN, too.
  void send(std::uint32_t sequence, std::uint8_t path, std::uint64_t now, std::uint64_t departure = 0) {
    telemetry::OrderWords words = numbered(sequence, path);
    words.departure = static_cast<std::uint32_t>(departure);
    sink.send(std::size_t{path} + 1, tagged(rc_frame(3, sequence), words));
    sink.settle(now);
  }

  Lab sink;
};

TEST_F(Measure, PacketsBytesAndMarksAreCountedByTheTagsPath) {
  const std::size_t plain = rc_frame(3).bytes().size();
  const std::uint64_t bytes = plain - 14 + telemetry::int_min_bytes;
  send(0, 0, begin);
  send(1, 1, begin);
  send(2, 1, begin);
  Bytes marked = tagged(rc_frame(3, 3), numbered(3, 1));
  marked[15] |= std::byte{3};
  sink.send(2, marked);
  sink.settle(begin);
  EXPECT_EQ(totals(0), (PathTotals{.packets = 1, .bytes = bytes, .untimed = 1}));
  EXPECT_EQ(totals(1), (PathTotals{.packets = 3, .bytes = 3 * bytes, .ce_marked = 1, .untimed = 3}));
}

TEST_F(Measure, MarksAreSeenInIpv6Too) {
  const Frame frame = Frame().vlan(7).ipv6().udp().bth(0x04, 3, 0).payload(16).icrc();
  Bytes marked = tagged(frame, numbered(0, 1));
  marked[frame.l3_offset() + 1] |= std::byte{0x30};
  sink.send(2, marked);
  sink.settle(begin);
  EXPECT_EQ(totals(1).packets, 1U);
  EXPECT_EQ(totals(1).ce_marked, 1U);
}

TEST_F(Measure, WhatHasNoTagOrAWrongOneIsNotMetered) {
  sink.send(1, rc_frame(3).bytes());
  sink.send(1, tagged(rc_frame(3), numbered(0, 0, 7)));
  sink.send(1, tagged(rc_frame(3), numbered(0, 2)));
  sink.settle(begin);
  EXPECT_EQ(totals(0), PathTotals{});
  EXPECT_EQ(totals(1), PathTotals{});
  EXPECT_EQ(sink.drops(), (DropCounts{{"unknown_gateway", 1}}));
  EXPECT_EQ(sink.take(host).size(), 2U) << "of a path that is not known is no reason to drop";
}

TEST_F(Measure, ADelayIsWhatAPacketTookLongerThanTheFastest) {
  constexpr std::uint64_t ahead = 7'777;  // the source's clock, of ours
  sink.link().clock.heard(lb::Nanoseconds{begin + ahead}, lb::Nanoseconds{begin}, true);
  send(0, 0, begin + 20 * us, begin + 10 * us + ahead);
  send(1, 0, begin + 60 * us, begin + 20 * us + ahead);
  send(2, 1, begin + 90 * us, begin + 20 * us + ahead);
  EXPECT_EQ(totals(0).untimed, 0U);
  EXPECT_EQ(totals(0).delay_sum, 30 * us);
  EXPECT_EQ(totals(1).delay_sum, 0U) << "each path has a minimum of its own";
  EXPECT_EQ(HistogramCounts(meter(0).delay()).total(), 2U);
}

TEST_F(Measure, LateAndHeldPacketsAreTheirPathsOwn) {
  send(1, 1, begin);
  sink.settle(begin + order_timeout / 2);
  sink.settle(begin + order_timeout);
  send(0, 0, begin + order_timeout);
  EXPECT_EQ(totals(0).late, 1U);
  EXPECT_EQ(totals(1).late, 0U);
  EXPECT_EQ(HistogramCounts(meter(0).hold()).total(), 0U);
  const HistogramCounts holds(meter(1).hold());
  EXPECT_EQ(holds.total(), 1U);
  EXPECT_NEAR(static_cast<double>(holds.quantile(1).value_or(0)), order_timeout, order_timeout / 16.0);
}

TEST_F(Measure, APacketThatLetsOthersGoTellsHowLongTheyWaited) {
  send(1, 1, begin);
  send(1, 1, begin);
  send(0, 0, begin + 40 * us);
  EXPECT_EQ(totals(1).repeated, 1U);
  EXPECT_EQ(totals(0).repeated, 0U);
  EXPECT_EQ(HistogramCounts(meter(1).hold()).total(), 2U);
}

TEST_F(Measure, APathThatReordersIsKnownForIt) {
  send(2, 1, begin);
  send(1, 1, begin);
  EXPECT_EQ(totals(1).overtaken, 1U);
  EXPECT_EQ(totals(0).overtaken, 0U);
}

class MeasureByTwo : public Measure {
 protected:
  MeasureByTwo() : Measure(sink_gateway(2, 2)) {}
};

TEST_F(MeasureByTwo, WhatIsHandedOverIsMeteredOnceByTheFlowsOwner) {
  constexpr std::uint32_t flows = 32;
  for (std::uint32_t qpn = 0; qpn < flows; ++qpn) {
    sink.send(1, tagged(rc_frame(qpn), numbered(0, 0)), static_cast<std::uint16_t>(qpn % 2));
  }
  sink.settle(begin);
  EXPECT_EQ(sink.take_all(host).size(), flows);
  EXPECT_GT(totals(0, 0).packets, 0U);
  EXPECT_GT(totals(0, 1).packets, 0U);
  EXPECT_EQ(totals(0, 0).packets + totals(0, 1).packets, flows);
}

}  // namespace
}  // namespace braidway::tests
