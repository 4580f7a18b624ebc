// RNICs with selective repeat, and READ: what is sent, and sent again.
#include <string>

#include <gtest/gtest.h>

#include "bench/fabric/schemes/drill.hpp"
#include "bench/fabric/schemes/spray_ideal.hpp"
#include "tests/unit/fabric/lab.hpp"

namespace braidway::bench::fabric {
namespace {

/// Host 0 to host 1 over a switch (2) whose way to host 1 is dead for a while.
Config with_outage(Recovery recovery, Verb verb, const std::string& from, const std::string& to) {
  Config config;
  config.recovery = recovery;
  config.verb = verb;
  if (!from.empty()) {
    config.network_events = {parse_network_event(from + " down 1-2"), parse_network_event(to + " up 1-2")};
  }
  return config;
}

Config selective(const std::string& from = "", const std::string& to = "") {
  return with_outage(Recovery::selective_repeat, Verb::send, from, to);
}

TEST(SelectiveRepeat, SendsTheMissingPacketsAloneAgain) {
  Lab lab{star(2), {flow(0, 1, 500'000)}, selective("10us", "10.5us")};
  const Fabric& fabric = lab.run();
  // The ACKs of those before them are lost too, which the later ones make up for.
  EXPECT_GT(fabric.counters().retransmitted, 4U);
  EXPECT_LE(fabric.counters().retransmitted, 7U);
  EXPECT_EQ(fabric.counters().naks, 1U);
  EXPECT_EQ(fabric.counters().timeouts, 0U);
  Lab whole{star(2), {flow(0, 1, 500'000)}, selective()};
  whole.run();
  EXPECT_LT(lab.completion(0), whole.completion(0) + 1'000);
}

TEST(SelectiveRepeat, SendsLessAgainThanGoBackN) {
  const auto again = [](Recovery recovery) {
    Lab lab{star(2), {flow(0, 1, 500'000)}, with_outage(recovery, Verb::send, "10us", "10.5us")};
    return lab.run().counters().retransmitted;
  };
  EXPECT_GT(again(Recovery::go_back_n), 5 * again(Recovery::selective_repeat));
}

TEST(SelectiveRepeat, FillsSeveralGapsOneAfterTheOther) {
  Config config = selective("10us", "10.5us");
  config.network_events.push_back(parse_network_event("25us down 1-2"));
  config.network_events.push_back(parse_network_event("25.3us up 1-2"));
  Lab lab{star(2), {flow(0, 1, 500'000)}, config};
  const Fabric& fabric = lab.run();
  EXPECT_EQ(fabric.counters().naks, 2U);
  EXPECT_LE(fabric.counters().retransmitted, 12U);
  EXPECT_EQ(fabric.counters().timeouts, 0U);
}

TEST(SelectiveRepeat, RecoversALostTailByTimeOut) {
  Lab lab{star(2), {flow(0, 1, 10'000)}, selective("1.5us", "1ms")};
  const Fabric& fabric = lab.run();
  EXPECT_EQ(fabric.counters().timeouts, 1U);
  EXPECT_GT(lab.completion(0), 4'000'000);
}

TEST(SelectiveRepeat, TakesAnyOrderWithoutCnpForIt) {
  // The way becomes shorter: packets overtake those on the longer one. Their flow is not slowed.
  Topology far = star(2);
  far.links[1].delay = 20'000;
  Config config = selective();
  config.network_events = {parse_network_event("20us delay 1-2 1us")};
  Lab kept{far, {flow(0, 1, 2'000'000)}, config};
  const Fabric& fabric = kept.run();
  EXPECT_GT(fabric.counters().out_of_order, 0U);
  EXPECT_EQ(fabric.rnics().rate(0), 100e9);
  EXPECT_EQ(fabric.rnics().order_peak_bytes(), 0U) << "packets go to memory at once";
  config.recovery = Recovery::go_back_n;
  Lab back{far, {flow(0, 1, 2'000'000)}, config};
  EXPECT_LT(back.run().rnics().rate(0), 100e9);
  EXPECT_LT(kept.completion(0), back.completion(0));
}

TEST(Read, IsTheRequestsTripAndThenThatOfTheData) {
  Config config;
  config.verb = Verb::read;
  Lab lab{star(2), {flow(0, 1, 64'000)}, config};
  const Fabric& fabric = lab.run();
  const Nanoseconds request = 2 * (1'000 + transmission_time(ack_bytes, hundred_gigabit));
  const Nanoseconds data = 65 * transmission_time(full_packet_bytes, hundred_gigabit) + 2'000;
  EXPECT_EQ(lab.completion(0), request + data);
  // 64 responses and a request over two links, and no ACK.
  EXPECT_EQ(fabric.counters().hops, 65U * 2);
}

TEST(Read, AsksAgainForAGap) {
  for (const Recovery recovery : {Recovery::go_back_n, Recovery::selective_repeat}) {
    Lab lab{star(2), {flow(0, 1, 500'000)}, with_outage(recovery, Verb::read, "10us", "10.5us")};
    const Fabric& fabric = lab.run();
    EXPECT_EQ(fabric.counters().timeouts, 0U);
    EXPECT_GT(fabric.counters().retransmitted, 4U);
    EXPECT_EQ(fabric.rnics().rate(0), 100e9) << "no CNP for what is missing";
    EXPECT_LT(lab.completion(0), 60'000);
  }
}

TEST(Read, AsksAgainAfterATimeOut) {
  for (const Recovery recovery : {Recovery::go_back_n, Recovery::selective_repeat}) {
    Lab request_lost{star(2), {flow(0, 1, 10'000)}, with_outage(recovery, Verb::read, "0ns", "1ms")};
    EXPECT_EQ(request_lost.run().counters().timeouts, 1U);
    Lab tail_lost{star(2), {flow(0, 1, 10'000)}, with_outage(recovery, Verb::read, "3.5us", "1ms")};
    EXPECT_EQ(tail_lost.run().counters().timeouts, 1U);
    EXPECT_EQ(tail_lost.fabric().lost_tails().size(), 1U);
  }
}

TEST(Read, IsSlowedByMarks) {
  Config config;
  config.verb = Verb::read;
  Lab lab{star(3), {flow(0, 2, 4'000'000), flow(1, 2, 4'000'000)}, config};
  const Fabric& fabric = lab.run();
  EXPECT_GT(fabric.counters().cnps, 0U);
  EXPECT_LT(fabric.rnics().rate(0), 100e9);
  EXPECT_EQ(fabric.counters().dropped, 0U);
}

TEST(Read, EndsUnderAnyLossAndScheme) {
  for (const Recovery recovery : {Recovery::go_back_n, Recovery::selective_repeat}) {
    for (const SchemeFactory scheme : {SchemeFactory{make<Drill>}, SchemeFactory{make<SprayIdeal>}}) {
      for (const Verb verb : {Verb::send, Verb::read}) {
        Config config;
        config.recovery = recovery;
        config.verb = verb;
        config.network_events = {parse_network_event("0ns loss 4-6 0.02"),
                                 parse_network_event("0ns loss 5-7 0.02")};
        Lab lab{
            leaf_spine(2, 2, 2), {flow(0, 2, 1'000'000), flow(1, 3, 999'999), flow(3, 0, 1)}, config, scheme};
        EXPECT_EQ(lab.run().rnics().completed().size(), 3U);
        EXPECT_GT(lab.fabric().counters().lost, 0U);
      }
    }
  }
}

}  // namespace
}  // namespace braidway::bench::fabric
