#include <array>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "tests/unit/traffic/back_to_back.hpp"

namespace braidway::bench::traffic {
namespace {

using telemetry::Opcode;

Schedule schedule_of(std::size_t operation, std::uint32_t message_bytes, std::uint32_t mtu,
                     std::uint32_t qps) {
  return {.qps = qps,
          .message_bytes = message_bytes,
          .path_mtu = mtu,
          .mixed = operation == operations,
          .operation = static_cast<Operation>(operation % operations)};
}

/// A gateway that repairs the ICRC after it broke something must be found out all the same.
Fault tamper(Bytes& frame, std::size_t offset) {
  frame[offset] ^= std::byte{0x01};
  const std::size_t ip_bytes = frame.size() - ethernet_bytes;
  const std::uint32_t icrc =
      telemetry::icrc(std::span{frame}.subspan(ethernet_bytes, ip_bytes - telemetry::icrc_bytes));
  std::memcpy(frame.data() + frame.size() - telemetry::icrc_bytes, &icrc, sizeof(icrc));
  return Fault::none;
}

class CleanWire
    : public testing::TestWithParam<std::tuple<std::size_t, std::uint32_t, std::uint32_t, IpVersion>> {};

TEST_P(CleanWire, CarriesEverythingInOrderWithNothingSentTwice) {
  const auto [operation, message_bytes, mtu, ip] = GetParam();
  const Schedule schedule = schedule_of(operation, message_bytes, mtu, 5);
  BackToBack ends{schedule, ip};
  const Results results = ends.run(300);
  EXPECT_TRUE(results.clean()) << to_json(results);
  EXPECT_EQ(results.retransmitted, 0U);
  EXPECT_EQ(results.naks, 0U);
  EXPECT_GE(results.messages, 300U);
  // Atomics have no payload.
  EXPECT_EQ(results.bytes, operation < 3 ? results.messages * message_bytes : results.bytes);
  EXPECT_EQ(results.sent, results.delivered);
  EXPECT_GT(results.sent, results.messages);
}

INSTANTIATE_TEST_SUITE_P(OfEveryKind, CleanWire,
                         testing::Combine(testing::Values(0, 1, 2, 3, 4),
                                          testing::Values(0, 1, 255, 4096, 10'001),
                                          testing::Values(256, 1024, 4096),
                                          testing::Values(IpVersion::v4, IpVersion::v6)));

class Opcodes : public testing::TestWithParam<std::tuple<std::size_t, std::uint32_t, std::set<Opcode>>> {};

TEST_P(Opcodes, FollowFromMessageLengthAndPathMtu) {
  const auto& [operation, message_bytes, expected] = GetParam();
  BackToBack ends{schedule_of(operation, message_bytes, 1024, 1)};
  std::set<Opcode> seen;
  ends.tap = [&seen](std::size_t, const Bytes& frame) {
    seen.insert(static_cast<Opcode>(frame[ethernet_bytes + 20 + udp_bytes]));
  };
  ASSERT_TRUE(ends.run(10).clean());
  EXPECT_EQ(seen, expected);
}

INSTANTIATE_TEST_SUITE_P(
    Are, Opcodes,
    testing::Values(
        std::tuple{std::size_t{0}, 0U, std::set{Opcode::rc_write_only, Opcode::rc_acknowledge}},
        std::tuple{std::size_t{0}, 1024U, std::set{Opcode::rc_write_only, Opcode::rc_acknowledge}},
        std::tuple{std::size_t{0}, 1025U,
                   std::set{Opcode::rc_write_first, Opcode::rc_write_last, Opcode::rc_acknowledge}},
        std::tuple{std::size_t{1}, 3000U,
                   std::set{Opcode::rc_send_first, Opcode::rc_send_middle, Opcode::rc_send_last,
                            Opcode::rc_acknowledge}},
        std::tuple{std::size_t{1}, 1U, std::set{Opcode::rc_send_only, Opcode::rc_acknowledge}},
        std::tuple{std::size_t{2}, 5U, std::set{Opcode::rc_read_request, Opcode::rc_read_response_only}},
        std::tuple{std::size_t{2}, 3000U,
                   std::set{Opcode::rc_read_request, Opcode::rc_read_response_first,
                            Opcode::rc_read_response_middle, Opcode::rc_read_response_last}},
        std::tuple{std::size_t{3}, 3000U, std::set{Opcode::rc_fetch_add, Opcode::rc_atomic_acknowledge}}));

TEST(BothWays, CarryEverythingAndMixWhatSharesAFlow) {
  for (const IpVersion ip : {IpVersion::v4, IpVersion::v6}) {
    for (std::size_t operation = 0; operation < 5; ++operation) {
      BackToBack ends{schedule_of(operation, 3000, 1024, 5), ip, {}, true};
      std::array<std::set<bool>, 2> kinds;
      ends.tap = [&](std::size_t direction, const Bytes& frame) {
        kinds[direction].insert(is_response(frame));
      };
      const Results results = ends.run(600);
      EXPECT_TRUE(results.clean()) << to_json(results);
      EXPECT_EQ(results.retransmitted + results.naks + results.implied_naks, 0U) << to_json(results);
      EXPECT_GE(results.messages, 600U);
      EXPECT_EQ(kinds[0].size() + kinds[1].size(), 4U) << "requests and answers, each way";
    }
  }
}

TEST(AMix, TakesAnAcknowledgementThatOvertakesAResponseForANak) {
  BackToBack ends{schedule_of(4, 3000, 1024, 1)};
  const auto opcode = [](const Bytes& frame) {
    return static_cast<Opcode>(frame[ethernet_bytes + 20 + udp_bytes]);
  };
  bool was_response = false;
  bool done = false;
  ends.plan = [&](std::size_t direction, std::uint64_t n, const Bytes& frame) {
    if (direction != 1) return Fault::none;
    // The wire has the response before it still, if they left in one burst.
    const bool ack = opcode(frame) == Opcode::rc_acknowledge;
    const bool overtakes = !done && n > 50 && was_response && ack;
    was_response = is_response(frame) && !ack;
    done = done || overtakes;
    return overtakes ? Fault::overtake : Fault::none;
  };
  const Results results = ends.run(400);
  EXPECT_TRUE(done);
  EXPECT_EQ(results.reordered, 1U) << to_json(results);
  EXPECT_GE(results.implied_naks, 1U) << to_json(results);
  EXPECT_TRUE(results.finished);
  EXPECT_EQ(results.payload_errors + results.protocol_errors, 0U) << to_json(results);
}

TEST(Atomics, DoneTwiceAreAProtocolError) {
  BackToBack ends{schedule_of(3, 1024, 1024, 1)};
  ends.plan = [](std::size_t way, std::uint64_t n, const Bytes& frame) {
    // The number that was there before, as a host would tell it that did the atomic before this one twice.
    if (way != 1 || n != 30) return Fault::none;
    Bytes& of = const_cast<Bytes&>(frame);
    return tamper(of, of.size() - telemetry::icrc_bytes - 1);
  };
  const Results results = ends.run(100);
  EXPECT_GE(results.protocol_errors, 1U) << to_json(results);
}

TEST(PacketSequenceNumbers, WrapAt24Bits) {
  // One QP starts 64 below the wrap; see psn_of.
  BackToBack ends{schedule_of(4, 2000, 1024, 1)};
  bool wrapped = false;
  ends.tap = [&wrapped, last = 0U](std::size_t direction, const Bytes& frame) mutable {
    if (direction != 0) return;
    const std::size_t at = ethernet_bytes + 20 + udp_bytes + 9;
    const auto psn = std::to_integer<unsigned>(frame[at]) << 16 |
                     std::to_integer<unsigned>(frame[at + 1]) << 8 | std::to_integer<unsigned>(frame[at + 2]);
    wrapped = wrapped || psn < last;
    last = psn;
  };
  const Results results = ends.run(200);
  EXPECT_TRUE(results.clean()) << to_json(results);
  EXPECT_TRUE(wrapped);
}

class OneFault : public testing::TestWithParam<std::tuple<std::size_t, std::size_t, IpVersion>> {
 protected:
  /// One fault of this kind at frame 100 of the direction, a moment when frames of the flow are under way
  /// around it.
  Results run_with(Fault fault) {
    const auto [operation, direction, ip] = GetParam();
    BackToBack ends{schedule_of(operation, 5000, 1024, 1), ip};
    ends.plan = [fault, direction = direction](std::size_t way, std::uint64_t n, const Bytes&) {
      return way == direction && n == 100 ? fault : Fault::none;
    };
    return ends.run(500);
  }
};

TEST_P(OneFault, LossIsCountedOnceAndRecovered) {
  const Results results = run_with(Fault::drop);
  EXPECT_EQ(results.lost, 1U) << to_json(results);
  EXPECT_EQ(results.sent, results.delivered + 1);
  EXPECT_EQ(results.reordered, 0U);
  EXPECT_EQ(results.duplicates, 0U);
  EXPECT_TRUE(results.finished);
  EXPECT_FALSE(results.clean());
}

TEST_P(OneFault, DamageIsAnIcrcErrorAndNoLoss) {
  const Results results = run_with(Fault::corrupt);
  EXPECT_EQ(results.icrc_errors, 1U) << to_json(results);
  EXPECT_EQ(results.lost, 0U);
  EXPECT_EQ(results.reordered, 0U);
  EXPECT_EQ(results.payload_errors, 0U);
  EXPECT_TRUE(results.finished);
  EXPECT_FALSE(results.clean());
}

TEST_P(OneFault, ACopyIsADuplicateAndNothingElse) {
  const Results results = run_with(Fault::duplicate);
  EXPECT_EQ(results.duplicates, 1U) << to_json(results);
  EXPECT_EQ(results.lost, 0U);
  EXPECT_EQ(results.reordered, 0U);
  EXPECT_EQ(results.sent, results.delivered);
  EXPECT_TRUE(results.finished);
  EXPECT_FALSE(results.clean());
}

class Overtaking : public OneFault {};

TEST_P(Overtaking, IsReorderingAndNeitherLossNorDuplication) {
  const Results results = run_with(Fault::overtake);
  EXPECT_EQ(results.reordered, 1U) << to_json(results);
  EXPECT_EQ(results.lost, 0U);
  EXPECT_EQ(results.duplicates, 0U);
  EXPECT_TRUE(results.finished);
  EXPECT_FALSE(results.clean());
}

INSTANTIATE_TEST_SUITE_P(AnywhereOnTheWay, OneFault,
                         testing::Combine(testing::Values(0, 1, 2, 3, 4), testing::Values(0, 1),
                                          testing::Values(IpVersion::v4, IpVersion::v6)));

// Acknowledgements of one flow of writes are coalesced: there are never two under way, so none to overtake.
INSTANTIATE_TEST_SUITE_P(AmongRequests, Overtaking,
                         testing::Combine(testing::Values(0, 1, 2, 3, 4), testing::Values(0),
                                          testing::Values(IpVersion::v4, IpVersion::v6)));
INSTANTIATE_TEST_SUITE_P(AmongResponses, Overtaking,
                         testing::Combine(testing::Values(2, 3, 4), testing::Values(1),
                                          testing::Values(IpVersion::v4, IpVersion::v6)));

TEST(ManyFaults, AreAllCountedAndNoMessageIsLost) {
  for (const IpVersion ip : {IpVersion::v4, IpVersion::v6}) {
    for (std::size_t operation = 0; operation < 5; ++operation) {
      BackToBack ends{schedule_of(operation, 9000, 1024, 7), ip};
      std::mt19937 random{static_cast<unsigned>(operation)};  // NOLINT(bugprone-random-generator-seed)
      std::uint64_t dropped = 0;
      std::uint64_t damaged = 0;
      ends.plan = [&](std::size_t, std::uint64_t, const Bytes&) {
        const auto dice = random() % 400;
        if (dice == 0) return ++dropped, Fault::drop;
        if (dice == 1) return ++damaged, Fault::corrupt;
        return Fault::none;
      };
      const Results results = ends.run(3000);
      EXPECT_TRUE(results.finished) << to_json(results);
      EXPECT_EQ(results.lost, dropped) << to_json(results);
      EXPECT_EQ(results.icrc_errors, damaged) << to_json(results);
      EXPECT_EQ(results.reordered, 0U) << to_json(results);
      EXPECT_EQ(results.duplicates, 0U) << to_json(results);
      EXPECT_EQ(results.payload_errors + results.protocol_errors, 0U) << to_json(results);
      EXPECT_EQ(results.bytes, operation < 3 ? results.messages * 9000 : results.bytes);
      EXPECT_GT(results.retransmitted, 0U);
    }
  }
}

TEST(Tampering, WithAPayloadByteIsAPayloadErrorEvenUnderARightIcrc) {
  BackToBack ends{schedule_of(0, 5000, 1024, 1)};
  ends.plan = [](std::size_t way, std::uint64_t n, const Bytes& frame) {
    return way == 0 && n == 101 ? tamper(const_cast<Bytes&>(frame), 400) : Fault::none;
  };
  const Results results = ends.run(100);
  EXPECT_EQ(results.payload_errors, 1U) << to_json(results);
  EXPECT_FALSE(results.clean());
}

TEST(Tampering, WithTheUdpSourcePortIsAProtocolError) {
  BackToBack ends{schedule_of(0, 5000, 1024, 1)};
  ends.plan = [](std::size_t way, std::uint64_t n, const Bytes& frame) {
    return way == 0 && n == 101 ? tamper(const_cast<Bytes&>(frame), ethernet_bytes + 21) : Fault::none;
  };
  const Results results = ends.run(100);
  EXPECT_GE(results.protocol_errors, 1U) << to_json(results);
  EXPECT_FALSE(results.clean());
}

TEST(Pace, KeepsToTheRate) {
  Pace pace{};
  pace.packets_per_second = 50'000;
  BackToBack ends{schedule_of(0, 1024, 1024, 4), IpVersion::v4, pace};
  const Results results = ends.run(50'000);
  EXPECT_TRUE(results.clean());
  EXPECT_NEAR(ends.virtual_seconds(), 1.0, 0.01);
}

TEST(Pace, NeverHasMoreOutstandingThanAllowed) {
  Pace pace{};
  pace.outstanding = 40;
  BackToBack ends{schedule_of(4, 8192, 1024, 100), IpVersion::v4, pace};
  std::uint64_t most = 0;
  ends.tap = [&](std::size_t, const Bytes&) { most = std::max(most, ends.client.requester()->in_flight()); };
  EXPECT_TRUE(ends.run(1000).clean());
  EXPECT_LE(most, 40U);
  EXPECT_GT(most, 30U);
}

TEST(AnEngine, ServesAllQpsAlike) {
  const Schedule schedule = schedule_of(0, 2048, 1024, 1000);
  BackToBack ends{schedule};
  std::set<std::uint64_t> qps;
  ends.tap = [&qps](std::size_t direction, const Bytes& frame) {
    if (direction != 0) return;
    const std::size_t at = ethernet_bytes + 20 + udp_bytes + 5;
    qps.insert(std::to_integer<unsigned>(frame[at]) << 16 | std::to_integer<unsigned>(frame[at + 1]) << 8 |
               std::to_integer<unsigned>(frame[at + 2]));
  };
  EXPECT_TRUE(ends.run(1000).clean());
  EXPECT_EQ(qps.size(), 1000U);
}

TEST(Frames, ThatAreNoneOfOursAreOnlyCounted) {
  BackToBack ends{schedule_of(0, 1024, 1024, 1)};
  const Bytes arp(60);
  ends.server.receive({}, arp);
  ends.server.receive({}, std::span{arp}.first(10));
  const Results results = ends.run(10);
  EXPECT_EQ(results.foreign, 2U);
  EXPECT_TRUE(results.clean());
}

TEST(Frames, CutAnywhereAreNeverMisread) {
  BackToBack ends{schedule_of(0, 100, 256, 1)};
  Bytes whole;
  ends.tap = [&whole](std::size_t direction, const Bytes& frame) {
    if (direction == 0 && whole.empty()) whole = frame;
  };
  ASSERT_TRUE(ends.run(1).clean());
  const Route route{client_endpoint, server_endpoint, IpVersion::v4};
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Route::Frame frame;
    EXPECT_NE(route.read(std::span{whole}.first(size), frame), Route::Reading::whole) << size;
  }
}

}  // namespace
}  // namespace braidway::bench::traffic
