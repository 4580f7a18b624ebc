// RNICs alone: what a host sends, and when, in answer to what comes in.
#include <vector>

#include <gtest/gtest.h>

#include "bench/fabric/rnics.hpp"
#include "tests/unit/fabric/lab.hpp"

namespace braidway::bench::fabric {
namespace {

constexpr NodeIndex here = 0;
constexpr NodeIndex there = 1;
constexpr Nanoseconds packet_time = 83;  // 1048 B at 100 Gbit/s: 83.84 ns, truncated

struct Sent {
  Nanoseconds at;
  PacketKind kind;
  FlowIndex flow;
  std::uint32_t sequence;
  bool cnp;
};

class Nothing final : public Scheme {
 public:
  Nothing() : Scheme({}) {}
  PortIndex choose(NodeIndex /*node*/, Packet& /*packet*/, std::span<const PortIndex> candidates) override {
    return candidates.front();
  }
};

/// Host 0 with its RNIC; host 1 is the test. What host 0 sends is kept in `sent` and goes nowhere.
class Bench {
 public:
  explicit Bench(std::vector<Flow> flows)
      : topology_(star(2)),
        routing_(topology_),
        flows_(arranged(std::move(flows))),
        core_(topology_, {}, 0),
        rnics_(core_, topology_, routing_, flows_) {
    core_.scheme = &scheme_;
    // So that there is always an event to be waited for.
    core_.events.schedule(1'000'000'000, {EventKind::stall_check, 0, 0});
  }

  /// Everything up to and with `time`.
  void run_to(Nanoseconds time) {
    core_.events.schedule(time, {EventKind::scheme_timer, ++marks_, 0});
    for (;;) {
      const Event event = core_.events.pop();
      switch (event.kind) {
        case EventKind::scheme_timer:
          if (event.a == marks_) return;
          break;
        case EventKind::arrival: {
          const Packet& packet = core_.packets[event.a];
          sent.push_back({core_.now() - 1'000 - transmission_time(packet.bytes, hundred_gigabit), packet.kind,
                          packet.flow, packet.sequence, packet.cnp});
          core_.packets.give_back(event.a);
          break;
        }
        case EventKind::port_free:
          core_.ports[event.a].will_be_free = false;
          rnics_.send_next(event.a);
          break;
        case EventKind::host_wake:
          rnics_.wake(event.a);
          break;
        case EventKind::rate_cut:
          rnics_.cut_rate(event.a);
          break;
        case EventKind::rate_raise:
          rnics_.raise_rate(event.a);
          break;
        case EventKind::retransmit:
          rnics_.retransmit(event.a);
          break;
        default:
          FAIL() << "an event of no RNIC";
      }
    }
  }
  void start(FlowIndex flow) { rnics_.start(flow); }
  void ack(FlowIndex flow, std::uint32_t sequence, PacketKind kind = PacketKind::ack, bool cnp = false) {
    const PacketIndex index = core_.packets.take();
    Packet& packet = core_.packets[index];
    packet.kind = kind;
    packet.flow = flow;
    packet.sequence = sequence;
    packet.cnp = cnp;
    rnics_.receive(0, index);
  }
  void data(FlowIndex flow, std::uint32_t sequence, bool ce = false) {
    const PacketIndex index = core_.packets.take();
    Packet& packet = core_.packets[index];
    packet.kind = PacketKind::data;
    packet.flow = flow;
    packet.sequence = sequence;
    packet.payload = payload_bytes;
    packet.ce = ce;
    packet.source = there;
    packet.destination = here;
    rnics_.receive(0, index);
  }

  Core& core() noexcept { return core_; }
  Rnics& rnics() noexcept { return rnics_; }
  std::vector<Sent> sent;

 private:
  static std::vector<Flow> arranged(std::vector<Flow> flows) {
    arrange(flows);
    return flows;
  }

  Topology topology_;
  Routing routing_;
  std::vector<Flow> flows_;
  Nothing scheme_;
  Core core_;
  Rnics rnics_;
  std::uint32_t marks_ = 0;
};

TEST(Rnic, SendsAtLineRateFromTheStart) {
  Bench bench{{flow(here, there, 5'500)}};
  bench.start(0);
  bench.run_to(5'000);
  ASSERT_EQ(bench.sent.size(), 6U);
  for (std::uint32_t i = 0; i < 6; ++i) {
    EXPECT_EQ(bench.sent[i].at, i * packet_time);
    EXPECT_EQ(bench.sent[i].sequence, i * 1'000);
  }
}

TEST(Rnic, NeedsNoAckToGoOnSending) {
  Bench bench{{flow(here, there, 3'000'000)}};
  bench.start(0);
  bench.run_to(3'000 * packet_time + 2'000);
  EXPECT_EQ(bench.sent.size(), 3'000U);
}

TEST(Rnic, LetsQueuePairsTakeTurns) {
  Bench bench{{flow(here, there, 4'000), flow(here, there, 4'000), flow(here, there, 2'000)}};
  for (const FlowIndex index : {0, 1, 2}) bench.start(index);
  bench.run_to(5'000);
  std::vector<FlowIndex> order;
  order.reserve(bench.sent.size());
  for (const Sent& packet : bench.sent) order.push_back(packet.flow);
  EXPECT_EQ(order, (std::vector<FlowIndex>{0, 1, 2, 0, 1, 2, 0, 1, 0, 1}));
}

/// Halves a flow's rate about `times` times, from `from` on.
void throttle(Bench& bench, FlowIndex flow, Nanoseconds from, int times) {
  for (int i = 0; i < times; ++i) {
    bench.run_to(from + i * Dcqcn::cut_interval);
    bench.ack(flow, 0, PacketKind::ack, true);
  }
  bench.run_to(from + times * Dcqcn::cut_interval + 10);
}

TEST(Rnic, SpacesPacketsByTheRateAtWhichTheLastOneWasSent) {
  Bench bench{{flow(here, there, 100'000'000)}};
  bench.start(0);
  bench.ack(0, 0, PacketKind::ack, true);
  bench.run_to(4'100);
  // The cut comes at 4001 ns, while the packet of 3984 ns is being sent: the gap behind it is still the old.
  const double rate = bench.rnics().rate(0);
  EXPECT_NEAR(rate, 51e9, 1e9);
  bench.run_to(6'000);
  std::vector<Nanoseconds> times;
  for (const Sent& packet : bench.sent) {
    if (packet.at >= 3'984 && packet.at < 4'500) times.push_back(packet.at);
  }
  ASSERT_GE(times.size(), 4U);
  const auto gap = static_cast<Nanoseconds>(full_packet_bytes * 8e9 / rate);
  EXPECT_EQ(times[0], 3'984);
  EXPECT_EQ(times[1], 3'984 + packet_time);
  EXPECT_EQ(times[2], times[1] + gap);
  EXPECT_EQ(times[3], times[2] + gap);
}

TEST(Rnic, NeverBringsAPendingWakeUpForward) {
  Bench bench{{flow(here, there, 100'000'000), flow(here, there, 100'000'000)}};
  bench.start(0);
  throttle(bench, 0, 0, 12);  // to 100 Mbit/s: a packet each 84 us
  const Nanoseconds started = 100'000;
  bench.run_to(started);
  bench.start(1);
  bench.ack(1, 0, PacketKind::ack, true);
  const std::size_t before = bench.sent.size();
  bench.run_to(started + 90'000);
  // At line rate the second flow needs no wake-up: the port's becoming free is occasion enough. Once it has
  // been cut there is none till the one that waits for the first flow, though its packets are due long
  // before.
  Nanoseconds last = 0;
  Nanoseconds longest = 0;
  for (std::size_t i = before; i < bench.sent.size(); ++i) {
    if (bench.sent[i].flow != 1) continue;
    if (last != 0) longest = std::max(longest, bench.sent[i].at - last);
    last = bench.sent[i].at;
  }
  EXPECT_GT(bench.rnics().rate(1), 45e9);  // due again after less than 200 ns
  EXPECT_GT(longest, 20'000);
}

TEST(Rnic, AnswersEveryPacketInOrderAndEveryDuplicateWithAnAck) {
  Bench bench{{flow(there, here, 10'000)}};
  for (const std::uint32_t sequence : {0U, 1'000U, 0U, 1'000U, 2'000U}) bench.data(0, sequence);
  bench.run_to(5'000);
  ASSERT_EQ(bench.sent.size(), 5U);
  const std::uint32_t expected[] = {1'000, 2'000, 2'000, 2'000, 3'000};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(bench.sent[i].kind, PacketKind::ack);
    EXPECT_EQ(bench.sent[i].sequence, expected[i]);
    EXPECT_FALSE(bench.sent[i].cnp);
  }
}

TEST(Rnic, PutsACnpOnTheAckOfAMarkedPacket) {
  Bench bench{{flow(there, here, 10'000)}};
  bench.data(0, 0, true);
  bench.data(0, 1'000, false);
  bench.run_to(5'000);
  ASSERT_EQ(bench.sent.size(), 2U);
  EXPECT_TRUE(bench.sent[0].cnp);
  EXPECT_FALSE(bench.sent[1].cnp);
  EXPECT_EQ(bench.core().counters.cnps, 1U);
}

TEST(Rnic, SendsANakWithACnpOnceInFourMicrosecondsOrForAnotherByte) {
  Bench bench{{flow(there, here, 100'000)}};
  bench.data(0, 1'000);  // NAK for 0
  bench.run_to(3'999);
  bench.data(0, 2'000);  // too soon
  bench.run_to(4'000);
  bench.data(0, 3'000);  // 4 us have passed
  bench.data(0, 0);      // ACK
  bench.data(0, 5'000);  // NAK for another byte: 1000
  bench.run_to(10'000);
  ASSERT_EQ(bench.sent.size(), 4U);
  EXPECT_EQ(bench.sent[0].kind, PacketKind::nak);
  EXPECT_EQ(bench.sent[0].sequence, 0U);
  EXPECT_TRUE(bench.sent[0].cnp);
  EXPECT_EQ(bench.sent[1].kind, PacketKind::nak);
  EXPECT_EQ(bench.sent[1].sequence, 0U);
  EXPECT_EQ(bench.sent[2].kind, PacketKind::ack);
  EXPECT_EQ(bench.sent[3].kind, PacketKind::nak);
  EXPECT_EQ(bench.sent[3].sequence, 1'000U);
  EXPECT_EQ(bench.core().counters.out_of_order, 4U);
  EXPECT_EQ(bench.core().counters.cnps, 0U) << "those for marks only";
}

TEST(Rnic, GoesBackExactlyToTheMissingByte) {
  Bench bench{{flow(here, there, 10'000)}};
  bench.start(0);
  bench.run_to(5'000);
  ASSERT_EQ(bench.sent.size(), 10U);
  bench.ack(0, 4'000);
  bench.ack(0, 4'000, PacketKind::nak);
  bench.run_to(10'000);
  ASSERT_EQ(bench.sent.size(), 16U);
  for (std::uint32_t i = 0; i < 6; ++i) EXPECT_EQ(bench.sent[10 + i].sequence, 4'000 + i * 1'000);
  EXPECT_EQ(bench.core().counters.retransmitted, 6U);
}

TEST(Rnic, DoesNotResendWhatAnAckCoversMeanwhile) {
  Bench bench{{flow(here, there, 10'000)}};
  bench.start(0);
  bench.run_to(5'000);
  bench.ack(0, 4'000, PacketKind::nak);
  bench.ack(0, 9'000);
  bench.run_to(10'000);
  // The packet at 4000 left at once; those up to 9000 need not.
  ASSERT_EQ(bench.sent.size(), 12U);
  EXPECT_EQ(bench.sent[10].sequence, 4'000U);
  EXPECT_EQ(bench.sent[11].sequence, 9'000U);
}

TEST(Rnic, GoesBackAfterFourMillisecondsWithoutAnAckCountedFromTheLast) {
  Bench bench{{flow(here, there, 3'000)}};
  bench.start(0);
  bench.run_to(1'000'000);
  bench.ack(0, 1'000);
  bench.run_to(4'999'000);
  EXPECT_EQ(bench.sent.size(), 3U);
  bench.run_to(5'005'000);
  ASSERT_EQ(bench.sent.size(), 5U);
  EXPECT_EQ(bench.sent[3].at, 5'000'000);
  EXPECT_EQ(bench.sent[3].sequence, 1'000U);
  EXPECT_EQ(bench.core().counters.timeouts, 1U);
}

TEST(Rnic, SendsNoDataWhilePausedButAcks) {
  Bench bench{{flow(here, there, 3'000), flow(there, here, 3'000)}};
  bench.core().ports[0].paused = true;
  bench.start(0);
  bench.data(1, 0);
  bench.run_to(5'000);
  ASSERT_EQ(bench.sent.size(), 1U);
  EXPECT_EQ(bench.sent[0].kind, PacketKind::ack);
}

TEST(Rnic, SendsAcksBeforeData) {
  Bench bench{{flow(here, there, 3'000), flow(there, here, 3'000)}};
  bench.start(0);
  bench.data(1, 0);
  bench.data(1, 1'000);
  bench.run_to(5'000);
  ASSERT_EQ(bench.sent.size(), 5U);
  const PacketKind order[] = {PacketKind::data, PacketKind::ack, PacketKind::ack, PacketKind::data,
                              PacketKind::data};
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(bench.sent[i].kind, order[i]);
}

TEST(Rnic, IsDoneWithTheLastAck) {
  Bench bench{{flow(here, there, 3'000)}};
  bench.start(0);
  bench.run_to(7'000);
  bench.ack(0, 2'000);
  EXPECT_TRUE(bench.rnics().completed().empty());
  bench.ack(0, 3'000);
  ASSERT_EQ(bench.rnics().completed().size(), 1U);
  EXPECT_EQ(bench.rnics().completed_at(0), 7'000);
}

}  // namespace
}  // namespace braidway::bench::fabric
