// Switches: buffer, PFC, ECN, priorities, as the anchors give them.
#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "bench/fabric/ecmp_hash.hpp"
#include "tests/unit/fabric/lab.hpp"

namespace braidway::bench::fabric {
namespace {

TEST(SwitchBuffer, ReservesHeadroomAndMinimaFirst) {
  EXPECT_EQ(headroom_bytes(hundred_gigabit, 1'000), 27'096U);
  const SwitchBuffer buffer{9U << 20, 12, 12 * std::uint64_t{27'096}};
  EXPECT_EQ(buffer.shared(), (9U << 20) - 12 * (27'096 + 8'384));
}

/// A buffer, and one port that sends into it.
struct Filled {
  SwitchBuffer buffer{9U << 20, 12, 12 * std::uint64_t{27'096}};
  IngressUse ingress{.bytes = 0, .headroom = 0, .headroom_limit = 27'096};
  std::uint64_t queued = 0;

  void enter(std::uint64_t size = full_packet_bytes) {
    buffer.enter(ingress, queued, size);
    queued += size;
  }
  void leave(std::uint64_t size = full_packet_bytes) {
    buffer.leave(ingress, queued, size);
    queued -= size;
  }
};

TEST(SwitchBuffer, PausesBeyondASixteenthOfWhatIsLeftAndResumesSixteenBytesBelow) {
  Filled filled;
  const auto left = [&] { return static_cast<double>(filled.buffer.shared() - filled.buffer.used()); };
  while (!filled.buffer.must_pause(filled.ingress)) {
    ASSERT_LE(static_cast<double>(filled.ingress.bytes) - 2'096, left() / 16);
    filled.enter(1);
  }
  EXPECT_GT(static_cast<double>(filled.ingress.bytes) - 2'096, left() / 16);
  // 560 kB of an empty buffer, less what the port itself has taken out of it.
  EXPECT_NEAR(static_cast<double>(filled.ingress.bytes),
              static_cast<double>(filled.buffer.shared() + 16 * std::uint64_t{2'096}) / 17, 1);
  EXPECT_FALSE(filled.buffer.may_resume(filled.ingress));
  while (!filled.buffer.may_resume(filled.ingress)) filled.leave(1);
  EXPECT_LT(static_cast<double>(filled.ingress.bytes) - 2'096, (left() - 16) / 16);
  filled.enter(1);
  EXPECT_FALSE(filled.buffer.may_resume(filled.ingress));
}

TEST(SwitchBuffer, PausesAsSoonAsHeadroomIsUsed) {
  Filled others;
  while (others.buffer.used() <= others.buffer.shared()) others.enter();
  IngressUse ingress{.bytes = 0, .headroom = 0, .headroom_limit = 27'096};
  for (int i = 0; i < 3; ++i) others.buffer.enter(ingress, 0, full_packet_bytes);
  EXPECT_EQ(ingress.headroom, 3U * full_packet_bytes);
  EXPECT_TRUE(others.buffer.must_pause(ingress));
}

TEST(SwitchBuffer, DropsAtIngressBeyondTheHeadroomOnly) {
  Filled filled;
  std::uint64_t last = 0;
  while (filled.buffer.admits(filled.ingress, filled.queued, full_packet_bytes, false)) {
    filled.enter();
    last = filled.ingress.headroom;
  }
  EXPECT_GT(filled.buffer.used(), filled.buffer.shared());
  EXPECT_LE(last, 27'096U);
  EXPECT_GT(last + full_packet_bytes, 27'096U);
}

TEST(SwitchBuffer, DropsAtEgressAboveTheFreePoolWhereLossy) {
  Filled filled;
  while (filled.buffer.admits(filled.ingress, filled.queued, full_packet_bytes, true)) filled.enter();
  // One queue gets half of the pool: it may hold no more than is left.
  const double pool = (9U << 20) - 12 * 8'384;
  EXPECT_NEAR(static_cast<double>(filled.queued), pool / 2, 2 * full_packet_bytes);
}

TEST(SwitchBuffer, IsEmptyAgainAfterAllHasLeft) {
  Filled filled;
  for (int i = 0; i < 9'000; ++i) filled.enter();
  EXPECT_GT(filled.ingress.headroom, 0U);
  for (int i = 0; i < 9'000; ++i) filled.leave();
  EXPECT_EQ(filled.buffer.used(), 0U);
  EXPECT_EQ(filled.ingress.headroom, 0U);
  EXPECT_TRUE(filled.buffer.admits(filled.ingress, 0, full_packet_bytes, true));
}

TEST(Switches, RefuseABufferTooSmallForTheirPorts) {
  try {
    Lab lab{star(4), {flow(0, 1, 1)}, {.buffer_bytes = 100'000}};
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(),
                 "a buffer of 100000 bytes is too small for switch 4: its 4 ports reserve 141920");
  }
}

TEST(Ecn, MarksLinearlyBetweenKminAndKmaxAndAllAbove) {
  const EcnConfig ecn;
  EXPECT_EQ(ecn.mark_probability(0), 0);
  EXPECT_EQ(ecn.mark_probability(100'000), 0);
  EXPECT_DOUBLE_EQ(ecn.mark_probability(250'000), 0.1);
  EXPECT_DOUBLE_EQ(ecn.mark_probability(400'000), 0.2);
  EXPECT_EQ(ecn.mark_probability(400'001), 1);
}

/// ECMP that looks at packets as they leave, and counts control packets.
class Watched final : public Scheme {
 public:
  explicit Watched(Fabric& fabric) : Scheme({.dequeue = true}), fabric_(fabric) {}
  PortIndex choose(NodeIndex node, Packet& packet, std::span<const PortIndex> candidates) override {
    return fabric_.ecmp(node, packet, candidates);
  }
  void on_dequeue(PortIndex port, Packet& packet) override {
    left_behind.push_back(fabric_.port(port).data_bytes);
    marked.push_back(packet.ce);
    to_host += packet.ce && !fabric_.topology().is_switch[fabric_.port(port).peer_node] ? 1 : 0;
  }

  std::vector<std::uint64_t> left_behind;
  std::vector<bool> marked;
  std::uint64_t to_host = 0;

 private:
  Fabric& fabric_;
};
const Watched& watched(Fabric& fabric) { return dynamic_cast<const Watched&>(fabric.scheme()); }

TEST(Switches, MarkByTheQueueBehindThePacketLessItsGuarantee) {
  constexpr std::uint64_t threshold = 50'000;
  Lab lab{star(3),
          {flow(0, 2, 300'000), flow(1, 2, 300'000)},
          {.ecn = {.kmin = threshold, .kmax = threshold, .pmax = 1}},
          make<Watched>};
  const Watched& seen = watched(lab.run());
  std::size_t marks = 0;
  for (std::size_t i = 0; i < seen.marked.size(); ++i) {
    EXPECT_EQ(seen.marked[i], seen.left_behind[i] > threshold + 1'049) << seen.left_behind[i];
    marks += seen.marked[i] ? 1 : 0;
  }
  EXPECT_GT(marks, 20U);
  EXPECT_LT(marks, seen.marked.size());
}

TEST(Switches, EveryMarkedPacketsAckCarriesACnp) {
  Lab lab{star(3), {flow(0, 2, 2'000'000), flow(1, 2, 2'000'000)}, {}, make<Watched>};
  Fabric& fabric = lab.run();
  EXPECT_GT(watched(fabric).to_host, 20U);
  EXPECT_EQ(fabric.counters().cnps, watched(fabric).to_host);
}

TEST(EcmpHash, IsMurmur3OverTheFourTuple) {
  Packet packet{};
  packet.source = 26;
  packet.destination = 29;
  packet.source_port = 10'000;
  packet.destination_port = 100;
  // Computed with another implementation of MurmurHash3_x86_32 over 01 1a 00 0b 01 1d 00 0b 10 27 64 00.
  EXPECT_EQ(ecmp_hash(packet, 32), 0xd1ad0497U);
  EXPECT_EQ(ecmp_hash(packet, 35), 0x49979edbU);
}

std::vector<Flow> incast(NodeIndex senders, std::uint32_t bytes) {
  std::vector<Flow> flows;
  flows.reserve(senders);
  for (NodeIndex sender = 0; sender < senders; ++sender) flows.push_back(flow(sender, senders, bytes));
  return flows;
}

/// A buffer that leaves 400 kB to share: no DCQCN can act in time.
Config small_buffer(NodeIndex ports, PfcMode pfc) {
  return {.pfc = pfc, .buffer_bytes = SwitchBuffer::required(ports, ports * std::uint64_t{27'096}) + 400'000};
}

TEST(Pfc, ProperLosesNothingInAnIncastThatOverflowsWithoutIt) {
  constexpr NodeIndex senders = 20;
  Lab without{star(senders + 1), incast(senders, 400'000), small_buffer(senders + 1, PfcMode::off)};
  EXPECT_GT(without.run().counters().dropped, 100U);
  Lab with{star(senders + 1), incast(senders, 400'000), small_buffer(senders + 1, PfcMode::proper)};
  const Counters& counters = with.run().counters();
  EXPECT_EQ(counters.dropped, 0U);
  EXPECT_EQ(counters.retransmitted, 0U);
  EXPECT_GT(counters.pfc_frames, 2U * senders);
  EXPECT_EQ(counters.pfc_frames % 2, 0U) << "every pause has its resume";
}

TEST(Pfc, ProperLosesNothingWhereManyPortsFillOneQueue) {
  // 60 ports into one: more than the half of the pool that a lossy queue may take.
  constexpr NodeIndex senders = 60;
  Lab lab{star(senders + 1), incast(senders, 1'000'000)};
  EXPECT_EQ(lab.run().counters().dropped, 0U);
}

TEST(Pfc, LeakySendsAFrameAPacketAndForgetsItAfterFiveMicroseconds) {
  constexpr NodeIndex senders = 20;
  Lab proper{star(senders + 1), incast(senders, 400'000), small_buffer(senders + 1, PfcMode::proper)};
  Lab leaky{star(senders + 1), incast(senders, 400'000), small_buffer(senders + 1, PfcMode::leaky)};
  const std::uint64_t proper_frames = proper.run().counters().pfc_frames;
  const Counters& counters = leaky.run().counters();
  EXPECT_GT(counters.pfc_frames, 2 * proper_frames);
  EXPECT_GT(counters.dropped, 0U) << "hosts begin again while the buffer is full";
}

/// Sends nothing by itself; keeps what comes to the switch from going on.
class Keep final : public Scheme {
 public:
  explicit Keep(Fabric& fabric) : Scheme({.arrival = true}), fabric_(fabric) {}
  PortIndex choose(NodeIndex /*node*/, Packet& /*packet*/, std::span<const PortIndex> candidates) override {
    return candidates.front();
  }
  bool on_arrival(NodeIndex node, PacketIndex index) override {
    if (fabric_.packet(index).kind != PacketKind::data) return false;
    held.push_back(index);
    used = std::max(used, fabric_.buffer(node).used());
    if (held.size() == 10) {
      for (const PacketIndex kept : held) fabric_.forward(node, kept);
      held.clear();
    }
    return true;
  }
  std::vector<PacketIndex> held;
  std::uint64_t used = 0;

 private:
  Fabric& fabric_;
};

TEST(Switches, WhatASchemeHoldsLiesOutsideTheBuffer) {
  Lab lab{star(2), {flow(0, 1, 10'000)}, {}, make<Keep>};
  Fabric& fabric = lab.run();
  EXPECT_EQ(dynamic_cast<const Keep&>(fabric.scheme()).used, 0U);
  EXPECT_EQ(fabric.buffer(2).used(), 0U);
}

TEST(Switches, AcksPassAPausedPortAndCountInNoBuffer) {
  // Both directions are congested at once: ACKs cross ports that are paused for data.
  std::vector<Flow> flows = incast(20, 400'000);
  flows.push_back(flow(20, 0, 400'000));
  Lab lab{star(21), flows, small_buffer(21, PfcMode::proper)};
  Fabric& fabric = lab.run();
  EXPECT_EQ(fabric.counters().timeouts, 0U);
  EXPECT_EQ(fabric.buffer(21).used(), 0U);
}

}  // namespace
}  // namespace braidway::bench::fabric
