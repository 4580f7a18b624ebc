// Round trips, CNPs and NAKs from return traffic alone, packet by packet.
#include "telemetry/return_traffic.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace braidway::telemetry {
namespace {

constexpr std::int64_t us = 1'000;
constexpr std::int64_t ms = 1'000'000;
constexpr std::uint8_t cnp = static_cast<std::uint8_t>(Opcode::cnp);
constexpr std::uint8_t write_middle = static_cast<std::uint8_t>(Opcode::rc_write_middle);

/// Host 1 sends to host 2 over queue pairs of which number q here is number 1000 + q there.
class Gateway {
 public:
  explicit Gateway(const ReturnTraffic::Parameters& parameters = {}) : traffic(4, parameters) {}

  void sends(std::uint32_t psn, std::uint16_t path, std::uint32_t pair = 1, bool ack_requested = true,
             std::uint8_t opcode = write_middle) {
    const auto key = lb::rocev2_key(lb::ipv4(1), lb::ipv4(2), lb::Qpn{1'000 + pair});
    const std::uint64_t hash = lb::hash(key, 7);
    const SentPacket packet{.psn = psn, .path = path, .opcode = opcode, .ack_requested = ack_requested};
    traffic.sent({&hash, 1}, {&key, 1}, {&packet, 1}, lb::Nanoseconds{now});
  }
  void hears(const ReturnedPacket& packet, std::uint32_t pair = 1) {
    const auto key = lb::rocev2_key(lb::ipv4(2), lb::ipv4(1), lb::Qpn{pair});
    const std::uint64_t hash = lb::hash(key, 7);
    traffic.returned({&hash, 1}, {&key, 1}, {&packet, 1}, lb::Nanoseconds{now});
  }
  void hears_ack(std::uint32_t psn, std::uint32_t pair = 1, std::uint8_t syndrome = aeth_ack) {
    hears({.psn = psn, .opcode = static_cast<std::uint8_t>(Opcode::rc_acknowledge), .syndrome = syndrome},
          pair);
  }
  /// So that the two ends of the pair are known to belong together.
  void introduce(std::uint32_t psn, std::uint16_t path, std::uint32_t pair = 1) {
    sends(psn, path, pair);
    now += 5 * us;
    hears_ack(psn, pair);
  }
  /// The round trip measured since the last call, if there was one.
  std::optional<std::int64_t> rtt(std::uint16_t path) {
    const auto range = traffic.path(path).take_rtts();
    if (!range || range->least != range->most) return std::nullopt;
    return range->least;
  }
  std::uint64_t all_rtts() {
    std::uint64_t all = 0;
    for (std::uint16_t path = 0; path < 4; ++path) all += traffic.path(path).rtts();
    return all;
  }

  std::int64_t now = 1'000'000'000;
  ReturnTraffic traffic;
};

TEST(ReturnTraffic, AnAckOfThePacketsVeryPsnIsItsPathsRoundTrip) {
  Gateway gateway;
  gateway.introduce(100, 2);
  EXPECT_EQ(gateway.all_rtts(), 0U) << "the first answer tells only who belongs together";
  gateway.sends(101, 3);
  gateway.now += 17 * us;
  gateway.hears_ack(101);
  EXPECT_EQ(gateway.rtt(3), 17 * us);
  EXPECT_EQ(gateway.traffic.path(3).rtt_sum(), 17U * us);
  EXPECT_EQ(HistogramCounts(gateway.traffic.path(3).rtt()).total(), 1U);
  gateway.hears_ack(101);
  EXPECT_EQ(gateway.all_rtts(), 1U) << "once";
}

TEST(ReturnTraffic, ThePsnWraps) {
  Gateway gateway;
  gateway.introduce(0xff'fffe, 0);
  for (const std::uint32_t psn : {0xff'ffffU, 0U, 1U}) {
    gateway.sends(psn, 0);
    gateway.now += 9 * us;
    gateway.hears_ack(psn);
    EXPECT_EQ(gateway.rtt(0), 9 * us) << psn;
  }
  EXPECT_EQ(gateway.traffic.path(0).repeats(), 0U);
}

TEST(ReturnTraffic, WhatIsSentAgainIsNotMeasured) {
  Gateway gateway;
  gateway.introduce(100, 0);
  gateway.sends(101, 0);
  gateway.now += 50 * us;
  gateway.sends(101, 1);
  gateway.now += us;
  gateway.hears_ack(101);
  EXPECT_EQ(gateway.all_rtts(), 0U) << "of which of the two?";
  EXPECT_EQ(gateway.traffic.path(1).repeats(), 1U);

  // Go-back-N: 102 was lost, 103 is timed, all come again.
  gateway.now += 11 * ms;
  gateway.sends(102, 0, 1, false);
  gateway.sends(103, 0);
  gateway.now += 10 * us;
  gateway.hears_ack(102, 1, aeth_nak_sequence);
  gateway.sends(102, 0, 1, false);
  gateway.sends(103, 0);
  gateway.now += us;
  gateway.hears_ack(103);
  EXPECT_EQ(gateway.all_rtts(), 0U);
  EXPECT_EQ(gateway.traffic.path(0).naks(), 1U);
  gateway.sends(104, 0);
  gateway.now += 8 * us;
  gateway.hears_ack(104);
  EXPECT_EQ(gateway.all_rtts(), 0U) << "it may be the answer to 103, which came twice";
  gateway.now += 11 * ms;
  gateway.sends(105, 0);
  gateway.now += 8 * us;
  gateway.hears_ack(105);
  EXPECT_EQ(gateway.rtt(0), 8 * us) << "what is new is measured again";
}

TEST(ReturnTraffic, AnAckForSeveralPacketsIsNoRoundTrip) {
  Gateway gateway({.patience = lb::Nanoseconds{ms}});
  gateway.introduce(100, 0);
  gateway.sends(101, 0);
  gateway.now += 10 * us;
  gateway.sends(102, 0);
  gateway.now += 10 * us;
  gateway.hears_ack(102);
  EXPECT_EQ(gateway.all_rtts(), 0U) << "101 is timed; 102 is not";
  gateway.sends(103, 0);
  gateway.now += 10 * us;
  gateway.hears_ack(103);
  EXPECT_EQ(gateway.all_rtts(), 0U);
  gateway.now += ms;
  gateway.hears_ack(101);
  EXPECT_EQ(gateway.all_rtts(), 0U) << "too late";
  gateway.sends(104, 0);
  gateway.now += 10 * us;
  gateway.hears_ack(104);
  EXPECT_EQ(gateway.rtt(0), 10 * us) << "after `patience` another is timed";
}

TEST(ReturnTraffic, AWrongPsnChangesNothing) {
  Gateway gateway;
  gateway.introduce(100, 0);
  gateway.sends(101, 0);
  for (const std::uint32_t psn : {0U, 100U, 102U, 0x80'0065U, 0xff'ffffU}) gateway.hears_ack(psn);
  EXPECT_EQ(gateway.all_rtts(), 0U);
  gateway.now += 12 * us;
  gateway.hears_ack(101);
  EXPECT_EQ(gateway.rtt(0), 12 * us);
}

TEST(ReturnTraffic, WhatAsksForNoAckOrIsAnsweredByDataIsNotTimed) {
  Gateway gateway;
  gateway.introduce(100, 0);
  gateway.sends(101, 0, 1, false);
  gateway.hears_ack(101);
  std::uint32_t psn = 102;
  for (const Opcode opcode : {Opcode::rc_read_request, Opcode::rc_compare_swap, Opcode::rc_fetch_add,
                              Opcode::uc_send_only, Opcode::ud_send_only, Opcode::rc_read_response_only,
                              Opcode::rc_acknowledge, Opcode::rc_atomic_acknowledge, Opcode::cnp}) {
    gateway.sends(psn, 0, 1, true, static_cast<std::uint8_t>(opcode));
    gateway.hears_ack(psn++);
  }
  for (int opcode = 0x18; opcode < 0x20; ++opcode) {
    gateway.sends(psn, 0, 1, true, static_cast<std::uint8_t>(opcode));
    gateway.hears_ack(psn++);
  }
  EXPECT_EQ(gateway.all_rtts(), 0U);
}

TEST(ReturnTraffic, ThePsnsThatAReadTakesAreNoGap) {
  Gateway gateway;
  gateway.introduce(100, 0);
  gateway.sends(101, 0, 1, false, static_cast<std::uint8_t>(Opcode::rc_read_request));
  // Answered by 2,000 packets.
  gateway.sends(2'101, 0);
  gateway.now += 6 * us;
  gateway.hears_ack(2'101);
  EXPECT_EQ(gateway.rtt(0), 6 * us);
  EXPECT_EQ(gateway.traffic.path(0).repeats(), 0U);
}

TEST(ReturnTraffic, AQueuePairThatNumbersAnewIsFollowed) {
  Gateway gateway;
  gateway.introduce(8'000'000, 0);
  gateway.sends(3, 0);
  gateway.now += 6 * us;
  gateway.hears_ack(3);
  EXPECT_EQ(gateway.rtt(0), 6 * us);
  EXPECT_EQ(gateway.traffic.path(0).repeats(), 0U);
}

TEST(ReturnTraffic, TwoPacketsOfOnePsnBetweenTheSameHostsAreNotMeasured) {
  Gateway gateway;
  gateway.introduce(100, 0, 1);
  gateway.introduce(100, 0, 2);
  gateway.sends(101, 0, 1);
  gateway.now += us;
  gateway.sends(101, 1, 2);
  gateway.now += us;
  gateway.hears_ack(101, 1);
  gateway.hears_ack(101, 2);
  EXPECT_EQ(gateway.all_rtts(), 0U);
}

TEST(ReturnTraffic, AnAckThatHitsAnotherFlowsPsnByChanceIsNotMeasured) {
  Gateway gateway;
  gateway.introduce(100, 0, 1);
  gateway.introduce(500, 1, 2);
  gateway.sends(501, 1, 2);
  gateway.now += us;
  gateway.hears_ack(501, 1);
  EXPECT_EQ(gateway.all_rtts(), 0U) << "pair 1 answers nobody who sent 501";
  EXPECT_EQ(gateway.traffic.counters().other_flow.get(), 1U);
  gateway.sends(101, 0, 1);
  gateway.now += 4 * us;
  gateway.hears_ack(101, 1);
  EXPECT_EQ(gateway.rtt(0), 4 * us) << "and its own partner stays";
}

TEST(ReturnTraffic, AQueuePairConnectedAnewIsBelievedAfterThreeAnswers) {
  Gateway gateway;
  gateway.introduce(100, 0, 1);
  // Number 1 here now belongs to number 1009 there.
  for (std::uint32_t psn = 900; psn < 903; ++psn) {
    gateway.sends(psn, 2, 9);
    gateway.now += 3 * us;
    gateway.hears_ack(psn, 1);
    EXPECT_EQ(gateway.all_rtts(), 0U);
  }
  gateway.sends(903, 2, 9);
  gateway.now += 3 * us;
  gateway.hears_ack(903, 1);
  EXPECT_EQ(gateway.rtt(2), 3 * us);
}

TEST(ReturnTraffic, CnpsAndNaksCountForThePathLastMeasured) {
  Gateway gateway;
  gateway.hears({.opcode = cnp});
  gateway.hears_ack(7, 1, aeth_nak_sequence);
  EXPECT_EQ(gateway.traffic.counters().unpaired.get(), 2U);
  gateway.introduce(100, 2);
  gateway.hears({.opcode = cnp});
  gateway.hears_ack(101, 1, aeth_nak_sequence);
  EXPECT_EQ(gateway.traffic.path(2).cnps(), 1U);
  EXPECT_EQ(gateway.traffic.path(2).naks(), 1U);
  gateway.introduce(101, 3);
  gateway.hears({.opcode = cnp});
  EXPECT_EQ(gateway.traffic.path(3).cnps(), 1U);
  EXPECT_EQ(gateway.traffic.path(2).cnps(), 1U);
  // "Receiver not ready" and refusals say nothing of a path.
  for (const std::uint8_t syndrome : std::array<std::uint8_t, 6>{0x20, 0x3f, 0x61, 0x62, 0x64, 0xff})
    gateway.hears_ack(5, 1, syndrome);
  EXPECT_EQ(gateway.traffic.path(3).naks(), 0U);
}

TEST(ReturnTraffic, TroubleIsToldOnceOfTheFlowThatWasAnswered) {
  Gateway gateway;
  const auto hash = [](std::uint32_t pair) {
    return lb::hash(lb::rocev2_key(lb::ipv4(1), lb::ipv4(2), lb::Qpn{1'000 + pair}), 7);
  };
  for (const std::uint32_t pair : {1U, 2U}) gateway.introduce(100, 0, pair);
  for (std::uint32_t psn = 101; psn < 120; ++psn) gateway.introduce(psn, 0);
  EXPECT_FALSE(gateway.traffic.take_trouble(hash(1)));
  gateway.hears({.psn = 0, .opcode = cnp, .syndrome = 0});
  EXPECT_FALSE(gateway.traffic.take_trouble(hash(2)));
  EXPECT_TRUE(gateway.traffic.take_trouble(hash(1)));
  EXPECT_FALSE(gateway.traffic.take_trouble(hash(1))) << "once";
  gateway.hears_ack(0, 1, aeth_nak_sequence);
  EXPECT_TRUE(gateway.traffic.take_trouble(hash(1)));
  // Round trips are 5 us: 29 are within what RNICs do, 31 are not.
  for (const auto& [rtt, trouble] : {std::pair{29 * us, false}, {31 * us, true}}) {
    static std::uint32_t psn = 120;
    gateway.sends(psn, 0);
    gateway.now += rtt;
    gateway.hears_ack(psn++);
    EXPECT_EQ(gateway.traffic.take_trouble(hash(1)), trouble);
    for (int i = 0; i < 60; ++i) gateway.introduce(psn++, 0);
    EXPECT_FALSE(gateway.traffic.take_trouble(hash(1)));
  }
}

TEST(ReturnTraffic, AFullTableMeasuresFewerFlowsAndGoesOnWithThoseItHas) {
  Gateway gateway({.flows = 1});
  gateway.introduce(100, 0, 1);
  gateway.introduce(200, 0, 2);
  gateway.introduce(201, 0, 2);
  EXPECT_EQ(gateway.all_rtts(), 0U);
  EXPECT_EQ(gateway.traffic.counters().no_room.get(), 2U);
  gateway.introduce(101, 0, 1);
  EXPECT_EQ(gateway.all_rtts(), 1U);
}

TEST(ReturnTraffic, SilentFlowsMakeRoom) {
  Gateway gateway({.flows = 1, .forget = lb::Nanoseconds{ms}});
  gateway.introduce(100, 0, 1);
  for (int i = 0; i < 50; ++i) {
    gateway.now += 100 * us;
    gateway.traffic.sweep(lb::Nanoseconds{gateway.now});
  }
  gateway.introduce(200, 0, 2);
  gateway.introduce(201, 0, 2);
  EXPECT_EQ(gateway.all_rtts(), 1U);
  EXPECT_EQ(gateway.traffic.counters().no_room.get(), 0U);
}

TEST(ReturnTraffic, AClockThatGoesBackMeasuresNothingWrong) {
  Gateway gateway;
  gateway.introduce(100, 0);
  gateway.sends(101, 0);
  gateway.now -= 5 * us;
  gateway.hears_ack(101);
  EXPECT_EQ(gateway.all_rtts(), 0U);
  gateway.sends(102, 0);
  gateway.now += 5 * us;
  gateway.hears_ack(102);
  EXPECT_EQ(gateway.rtt(0), 5 * us);
}

TEST(ReturnTraffic, ItRefusesWhatItCannotWorkWith) {
  const auto refusal = [](std::size_t paths, const ReturnTraffic::Parameters& parameters) {
    try {
      ReturnTraffic(paths, parameters);
    } catch (const std::invalid_argument& refused) {
      return std::string{refused.what()};
    }
    return std::string{"none"};
  };
  EXPECT_EQ(refusal(0, {.flows = 1}), "ReturnTraffic: paths = 0: must be 1 to 65536");
  EXPECT_EQ(refusal(65'537, {.flows = 1}), "ReturnTraffic: paths = 65537: must be 1 to 65536");
  EXPECT_EQ(refusal(1, {.flows = 0}), "ReturnTraffic: flows = 0: must be 1 to 67108864");
  EXPECT_EQ(refusal(1, {.flows = 1, .patience = lb::Nanoseconds{0}}),
            "ReturnTraffic: patience = 0 ns: must be 1000 ns to 86400000000000 ns");
  EXPECT_EQ(refusal(1, {.flows = 1, .forget = lb::Nanoseconds{999}}),
            "ReturnTraffic: forget = 999 ns: must be 1000 ns to 1800000000000 ns");
}

}  // namespace
}  // namespace braidway::telemetry
