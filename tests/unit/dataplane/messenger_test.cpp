// What two gateways say to each other, and what they make of it.
#include "dataplane/messenger.hpp"

#include <algorithm>

#include <gtest/gtest.h>

#include "dataplane/path_condition.hpp"
#include "tests/unit/dataplane/two_gateways.hpp"

namespace braidway::tests {
namespace {

using lb::PathState;
using telemetry::Verdict;

TEST(Messenger, TwoGatewaysFindEachOtherAndAskWhetherTheOtherRestoresOrder) {
  TwoGateways both(4);
  EXPECT_FALSE(both.a().link.restores_order);
  both.run(5 * ms);
  EXPECT_TRUE(both.a().link.restores_order);
  EXPECT_TRUE(both.b().link.restores_order);
  EXPECT_GT(both.a().link.clock.life(), 0U);
  EXPECT_EQ(both.a().link.boots, 0U);
}

TEST(Messenger, ASilentPathIsProbedOncePerHeartbeatAndNothingMore) {
  TwoGateways both(4);
  both.run(5 * ms);
  const auto& counts = both.a().messenger->counts();
  const auto probes = counts.probes_sent.get();
  const auto feedbacks = counts.feedbacks_sent.get();
  both.run(100 * ms);
  const auto messages = counts.probes_sent.get() + counts.feedbacks_sent.get() - probes - feedbacks;
  // Each path shows a message a heartbeat; what comes of the peer is answered by at most one feedback an
  // interval.
  EXPECT_GE(messages, 400U - 4);
  EXPECT_LE(counts.probes_sent.get() - probes, 400U);
  EXPECT_LE(counts.feedbacks_sent.get() - feedbacks, 1'000U);
}

TEST(Messenger, UnderTrafficOneFeedbackComesEachInterval) {
  TwoGateways both(8);
  both.run(10 * ms, 1);
  const auto& counts = both.a().messenger->counts();
  const auto probes = counts.probes_sent.get();
  const auto feedbacks = counts.feedbacks_sent.get();
  both.run(100 * ms, 1);
  EXPECT_EQ(counts.probes_sent.get(), probes);
  EXPECT_EQ(counts.feedbacks_sent.get() - feedbacks, 1'000U);
}

TEST(Messenger, ACutPathTakesNoPacketAfter400MicrosecondsOfTraffic) {
  for (int offset = 0; offset < 10; ++offset) {
    TwoGateways both(4);
    both.run(20 * ms + offset * 10 * us, 1);
    const std::int64_t cut_at = both.now;
    both.cut[2] = true;
    both.run(10 * ms, 1);
    EXPECT_LE(both.data_sent[0][2] - cut_at, 400 * us);
    EXPECT_EQ(both.a().state(2), PathState::dead);
    EXPECT_EQ(both.a().state(1), PathState::live);
    EXPECT_TRUE(both.a().link.paths[2].from_dead);
  }
}

TEST(Messenger, ACutPathIsDeadWithinFourMillisecondsWithoutTrafficAndComesBack) {
  TwoGateways both(4);
  both.run(20 * ms);
  both.cut[3] = true;
  both.run(4'300 * us);  // a heartbeat till the next probe, and three in which it is missed
  EXPECT_EQ(both.a().state(3), PathState::dead);
  EXPECT_EQ(both.a().link.paths[3].share, 0);
  EXPECT_TRUE(both.b().link.paths[3].from_dead);
  both.cut[3] = false;
  both.run(3 * ms);
  EXPECT_EQ(both.a().state(3), PathState::live);
  EXPECT_GT(both.a().link.paths[3].share, 0);
  EXPECT_FALSE(both.b().link.paths[3].from_dead);
}

TEST(Messenger, APathThatLosesAThousandthIsOut) {
  TwoGateways both(4);
  both.loses_each = {0, 1000, 0, 0};
  both.run(60 * ms, 4);
  EXPECT_EQ(both.a().state(1), PathState::lossy);
  EXPECT_EQ(both.a().state(0), PathState::live);
  EXPECT_GT(both.a().link.paths[1].lost.get(), 0U);
  EXPECT_EQ(both.a().link.paths[0].lost.get(), 0U);
}

TEST(Messenger, WhatIsStillUnderWayIsNotLost) {
  TwoGateways both(4);
  both.delay.assign(4, 2 * ms);
  both.run(20 * ms);
  both.run(1 * ms, 3);
  for (int i = 0; i < 500; ++i) {
    both.run(TwoGateways::turn);
    for (std::size_t path = 0; path < 4; ++path) {
      ASSERT_EQ(both.a().link.paths[path].lost.get(), 0U);
      ASSERT_NE(both.a().state(path), PathState::lossy);
    }
  }
}

TEST(Messenger, APathThatBringsPacketsTooLateIsOut) {
  TwoGateways both(4);
  both.run(5 * ms, 2);
  for (int i = 0; i < 100; ++i) {
    both.b().meter(0, 1).late(1);
    both.run(100 * us, 2);
  }
  EXPECT_EQ(both.a().state(1), PathState::lossy);
  EXPECT_EQ(both.a().state(0), PathState::live);
}

TEST(Messenger, ASlowPathGetsLess) {
  TwoGateways both(4);
  both.run(20 * ms, 1);
  for (int i = 0; i < 20; ++i) {
    both.delay[1] += 10 * us;
    both.run(100 * us, 1);
  }
  EXPECT_LT(both.a().link.paths[1].share, 0.5F * both.a().link.paths[0].share);
}

TEST(Messenger, TheSourceLearnsHowBusyItsPathsAreAndForgetsItWhenNothingTells) {
  TwoGateways both(2);
  const auto utilisation = [&](std::size_t path) {
    return dataplane::PathCondition(both.a().link.paths[path]).utilisation;
  };
  both.run(20 * ms, 1);
  EXPECT_EQ(utilisation(0), std::nullopt);
  both.b().utilisation = 50;
  both.run(5 * ms, 1);
  EXPECT_EQ(utilisation(0), 0.5);
  EXPECT_EQ(utilisation(1), 0.5);
  EXPECT_EQ(dataplane::PathCondition(both.b().link.paths[0]).utilisation, std::nullopt) << "the way back";
  both.b().utilisation = 100;
  both.run(5 * ms, 1);
  EXPECT_EQ(utilisation(0), 1.0);
  // Messages without packets that tell anything do not take back what was told a moment ago.
  both.run(1 * ms);
  EXPECT_EQ(utilisation(0), 1.0);
  both.run(5 * ms);
  EXPECT_EQ(utilisation(0), std::nullopt);
}

TEST(Messenger, WhoBootsAnewIsNotSentNumbersUntilItHasSaidThatItRestoresOrder) {
  TwoGateways both(4);
  both.run(20 * ms, 1);
  both.ends[1] = both.boot(1, 33);
  both.silent[1] = true;
  both.run(4 * ms, 1);
  both.silent[1] = false;
  both.run(5 * ms, 1);
  EXPECT_EQ(both.a().link.boots, 1U);
  EXPECT_EQ(both.a().link.clock.life(), 2U);
  EXPECT_TRUE(both.a().link.restores_order);
  EXPECT_TRUE(both.b().link.restores_order);
  EXPECT_EQ(both.b().link.boots, 0U);
}

TEST(Messenger, MessagesOfAnEarlierBootChangeNothing) {
  TwoGateways both(2);
  both.run(20 * ms);
  const std::vector<Payload> old = both.heard[0];
  both.ends[1] = both.boot(1, 33);
  both.silent[1] = true;
  both.run(4 * ms);
  both.silent[1] = false;
  both.run(5 * ms);
  ASSERT_EQ(both.a().link.boots, 1U);
  const auto counted = both.a().verdicts(Verdict::counts);
  for (const Payload& message : old) both.a().messenger->receive(message, 1, both.a().at(both.now));
  EXPECT_EQ(both.a().verdicts(Verdict::counts), counted);
  EXPECT_EQ(both.a().link.boots, 1U);
}

TEST(Messenger, AForgedOrRepeatedMessageChangesNothing) {
  TwoGateways both(2);
  both.run(20 * ms);
  const std::vector<Payload> messages = both.heard[0];
  const auto counted = both.a().verdicts(Verdict::counts);
  const std::uint32_t version = both.a().link.version;
  for (Payload message : messages) {
    both.a().messenger->receive(message, 1, both.a().at(both.now));
    for (std::size_t bit = 0; bit < 8 * message.size(); bit += 31) {
      message[bit / 8] ^= std::byte{1} << bit % 8;
      both.a().messenger->receive(message, 1, both.a().at(both.now));
      message[bit / 8] ^= std::byte{1} << bit % 8;
    }
    for (std::size_t bytes = 0; bytes < message.size(); bytes += 7) {
      both.a().messenger->receive({message.data(), bytes}, 1, both.a().at(both.now));
    }
  }
  EXPECT_EQ(both.a().verdicts(Verdict::counts), counted);
  EXPECT_EQ(both.a().link.version, version);
  EXPECT_GT(both.a().defects(telemetry::MessageDefect::bad_authenticator), 0U);
  EXPECT_GT(both.a().defects(telemetry::MessageDefect::bad_message_version), 0U);
}

TEST(Messenger, WhoHearsItselfBlocksTheStrandUntilItNoLongerDoes) {
  TwoGateways both(3);
  both.run(10 * ms);
  both.loops[1] = true;
  both.run(5 * ms);
  EXPECT_TRUE(both.a().link.paths[1].blocked);
  EXPECT_EQ(both.a().link.paths[1].share, 0);
  EXPECT_FALSE(both.a().link.paths[0].blocked);
  both.loops[1] = false;
  both.run(1'100 * ms);
  EXPECT_FALSE(both.a().link.paths[1].blocked);
  EXPECT_GT(both.a().link.paths[1].share, 0);
}

TEST(Messenger, ALaneThatWasNotThereKillsNoPath) {
  TwoGateways both(3);
  both.run(20 * ms, 1);
  both.now += 50 * ms;  // nobody ran
  both.run(1 * ms, 1);
  for (std::size_t path = 0; path < 3; ++path) {
    EXPECT_EQ(both.a().state(path), PathState::live);
    EXPECT_FALSE(both.a().link.paths[path].from_dead);
  }
}

TEST(Messenger, ManyPathsHaveTheirTurnsInSeveralMessages) {
  TwoGateways both(60);
  both.run(20 * ms, 1);
  both.cut[55] = true;
  both.run(10 * ms, 1);
  EXPECT_EQ(both.a().state(55), PathState::dead);
  EXPECT_EQ(both.a().state(54), PathState::live);
}

}  // namespace
}  // namespace braidway::tests
