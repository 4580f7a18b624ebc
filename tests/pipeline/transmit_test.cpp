// What happens when a port takes less than there is to send. Time is the test's.
#include <algorithm>
#include <array>
#include <iterator>

#include <gtest/gtest.h>

#include "tests/pipeline/lab.hpp"

namespace braidway::tests {
namespace {

constexpr std::size_t host = 0;
constexpr std::size_t fabric = 1;
constexpr std::size_t other_fabric = 2;

/// `count` packets of a flow, numbered from `first`.
Frames packets(std::uint32_t qpn, std::uint32_t first, std::uint32_t count) {
  Frames frames;
  for (std::uint32_t i = 0; i < count; ++i) frames.push_back(rc_frame(qpn, first + i).bytes());
  return frames;
}

void send_all(Lab& lab, std::size_t port, const Frames& frames) {
  for (const Bytes& frame : frames) lab.send(port, frame);
}

/// A flow that goes over the given fabric port.
std::uint32_t flow_over(Lab& lab, std::size_t port) {
  for (std::uint32_t qpn = 1;; ++qpn) {
    lab.send(host, rc_frame(qpn).bytes());
    lab.settle();
    const bool found = lab.queued(port) == 1;
    for (std::size_t each = fabric; each < lab.settings().ports.size(); ++each) lab.take(each);
    if (found) return qpn;
  }
}

void append(Frames& to, Frames frames) { std::ranges::move(frames, std::back_inserter(to)); }

TEST(Backpressure, NothingIsLostOrReorderedWhenThePortTakesLittleAtATime) {
  for (const std::size_t sip : {1U, 7U, 63U, 64U, 65U, 200U}) {
    Lab lab(wire_settings(1));
    Frames sent;
    Frames arrived;
    for (std::uint32_t round = 0; round < 40; ++round) {
      for (std::uint32_t i = 0; i < 50 && lab.unreceived(host) < Lab::wire_room; ++i) {
        sent.push_back(rc_frame(i % 5, static_cast<std::uint32_t>(sent.size())).bytes());
        lab.send(host, sent.back());
      }
      lab.turn(round);
      append(arrived, lab.take(fabric, 0, sip));
    }
    while (arrived.size() < sent.size()) {
      const std::size_t before = arrived.size();
      lab.turn(40);
      append(arrived, lab.take(fabric, 0, sip));
      ASSERT_GT(arrived.size(), before) << "the flow has stopped; sip " << sip;
    }
    EXPECT_EQ(arrived, sent) << "sip " << sip;
    EXPECT_EQ(lab.drops(), DropCounts{});
  }
}

TEST(Backpressure, TowardsTheHostKeepsOrderToo) {
  Lab lab(wire_settings(2));
  Frames arrived;
  std::uint32_t sent = 0;
  for (std::uint32_t round = 0; round < 60; ++round) {
    for (std::uint32_t i = 0; i < 30; ++i) {
      if (std::max(lab.unreceived(fabric), lab.unreceived(other_fabric)) == Lab::wire_room) break;
      lab.send(fabric, rc_frame(1, sent).bytes());
      lab.send(other_fabric, rc_frame(2, sent).bytes());
      ++sent;
    }
    lab.turn(round);
    append(arrived, lab.take(host, 0, 37));
  }
  for (int i = 0; i < 200; ++i) {
    lab.turn(60);
    append(arrived, lab.take(host, 0, 37));
  }
  ASSERT_EQ(arrived.size(), 2 * sent);
  std::array<std::uint32_t, 2> next{};
  for (const Bytes& frame : arrived) {
    const bool second = frame == rc_frame(2, next[1]).bytes();
    auto& number = next[second ? 1 : 0];
    EXPECT_EQ(frame, rc_frame(second ? 2 : 1, number).bytes());
    ++number;
  }
  EXPECT_EQ(lab.drops(), DropCounts{});
}

TEST(Backpressure, HoldsUpItsOwnDirectionOnly) {
  Lab lab(wire_settings(1));
  send_all(lab, host, packets(1, 0, Lab::wire_room));
  lab.settle();
  ASSERT_EQ(lab.queued(fabric), Lab::wire_room);
  send_all(lab, host, packets(1, 1000, 100));
  lab.settle();
  // One burst waits at the port, the rest on the host's wire, where it can be signalled.
  EXPECT_EQ(lab.unreceived(host), 100U - dataplane::burst_size);
  lab.send(fabric, rc_frame(7).bytes());
  lab.settle();
  EXPECT_EQ(lab.take(host).size(), 1U);
  EXPECT_EQ(lab.drops(), DropCounts{});
}

TEST(Backpressure, APortThatTakesNothingIsStalledAfterItsPatienceAndNotBefore) {
  Lab lab(wire_settings(1));
  send_all(lab, host, packets(1, 0, Lab::wire_room));
  lab.settle(5000);
  send_all(lab, host, packets(1, 1000, 10));
  lab.turn(6000);
  lab.turn(6000 + Lab::patience);
  EXPECT_EQ(lab.drops(), DropCounts{});
  lab.turn(6000 + Lab::patience + 1);
  EXPECT_EQ(lab.drops(), (DropCounts{{"tx_stalled", 10}}));
}

TEST(Backpressure, TimeInWhichTheWorkerDidNotRunIsNotHeldAgainstThePort) {
  auto settings = wire_settings(1);
  for (auto& port : settings.ports) port.stall_ms = 10;
  Lab lab(settings);
  send_all(lab, host, packets(1, 0, Lab::wire_room));
  lab.settle(5000);
  send_all(lab, host, packets(1, 1000, 10));
  std::uint64_t now = 6000;
  lab.turn(now);
  // The worker comes back after an hour: the port has refused for one long turn, not for an hour.
  lab.turn(now += 3'600'000 * Lab::patience);
  EXPECT_EQ(lab.drops(), DropCounts{});
  lab.turn(now += 2 * Lab::patience);
  lab.turn(now += Lab::longest_turn);
  EXPECT_EQ(lab.drops(), DropCounts{});
  for (unsigned i = 0; i < 10; ++i) lab.turn(now += Lab::patience);
  EXPECT_EQ(lab.drops(), (DropCounts{{"tx_stalled", 10}}));
}

TEST(Backpressure, PatienceBeginsAnewWithEveryPacketThatThePortTakes) {
  Lab lab(wire_settings(1));
  send_all(lab, host, packets(1, 0, Lab::wire_room));
  lab.settle();
  send_all(lab, host, packets(1, 1000, 10));
  lab.turn(0);
  std::uint64_t now = 0;
  for (int i = 0; i < 10; ++i) {
    lab.turn(now += Lab::patience);
    EXPECT_EQ(lab.take(fabric, 0, 1).size(), 1U);
    lab.turn(now);
  }
  EXPECT_EQ(lab.drops(), DropCounts{});
  EXPECT_EQ(lab.queued(fabric), Lab::wire_room);
}

TEST(Backpressure, AStalledPortStopsNoOtherAndComesBackWithTheFirstPacketItTakes) {
  Lab lab(wire_settings(2));
  const std::uint32_t stuck = flow_over(lab, fabric);
  const std::uint32_t free = flow_over(lab, other_fabric);
  send_all(lab, host, packets(stuck, 0, Lab::wire_room));
  lab.settle();
  lab.send(host, rc_frame(stuck).bytes());
  lab.turn(0);
  lab.turn(Lab::patience + 1);
  ASSERT_EQ(lab.drops(), (DropCounts{{"tx_stalled", 1}}));

  // Dropped at once, no other port waits for it.
  send_all(lab, host, packets(stuck, 0, 20));
  const Frames passing = packets(free, 0, 20);
  send_all(lab, host, passing);
  lab.settle(Lab::patience + 2);
  EXPECT_EQ(lab.drops(), (DropCounts{{"tx_stalled", 21}}));
  EXPECT_EQ(lab.take(other_fabric), passing);

  ASSERT_EQ(lab.take(fabric).size(), Lab::wire_room);
  const Frames again = packets(stuck, 0, 100);
  send_all(lab, host, again);
  lab.settle(Lab::patience + 3);
  EXPECT_EQ(lab.take(fabric), again);
  // It is not stalled any more: what it refuses waits again.
  send_all(lab, host, packets(stuck, 0, Lab::wire_room));
  lab.settle(Lab::patience + 4);
  send_all(lab, host, packets(stuck, 5000, 10));
  lab.settle(Lab::patience + 5);
  EXPECT_EQ(lab.drops(), (DropCounts{{"tx_stalled", 21}}));
  lab.take(fabric);
  lab.settle(Lab::patience + 6);
  EXPECT_EQ(lab.take(fabric), packets(stuck, 5000, 10));
}

TEST(Backpressure, WhatWaitsForAPortIsDroppedWhenItsLinkGoesDown) {
  Lab lab(wire_settings(1));
  send_all(lab, host, packets(1, 0, Lab::wire_room));
  lab.settle();
  send_all(lab, host, packets(1, 1000, 10));
  lab.settle();
  lab.set_link(fabric, false);
  lab.settle();
  EXPECT_EQ(lab.drops(), (DropCounts{{"port_down", 10}}));
  lab.set_link(fabric, true);
  lab.take(fabric);
  lab.send(host, rc_frame(1).bytes());
  lab.settle();
  EXPECT_EQ(lab.take(fabric).size(), 1U);
}

TEST(Backpressure, PacketsThatWaitAreFreedWithTheWorker) {
  Lab lab(wire_settings(1));
  send_all(lab, host, packets(1, 0, Lab::wire_room));
  lab.settle();
  send_all(lab, host, packets(1, 1000, 100));
  lab.settle();
  const unsigned before = rte_mempool_avail_count(lab.pool());
  lab.worker().drop_waiting();
  EXPECT_EQ(rte_mempool_avail_count(lab.pool()), before + dataplane::burst_size);
}

TEST(Backpressure, CountersSayWhatThePortTook) {
  Lab lab(wire_settings(1));
  send_all(lab, host, packets(1, 0, 100));
  lab.settle();
  const auto& tx = lab.worker().lane().tx[fabric];
  EXPECT_EQ(tx.packets.get(), 100U);
  send_all(lab, host, packets(1, 0, Lab::wire_room));
  lab.settle();
  EXPECT_EQ(tx.packets.get(), Lab::wire_room);
}

}  // namespace
}  // namespace braidway::tests
