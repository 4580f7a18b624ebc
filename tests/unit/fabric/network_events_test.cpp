// What befalls the network: how it is written, what is refused, and what it does to packets.
#include <stdexcept>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "bench/fabric/network_event.hpp"
#include "bench/fabric/schemes/spray_ideal.hpp"
#include "tests/unit/fabric/lab.hpp"

namespace braidway::bench::fabric {
namespace {

using Kind = NetworkEvent::Kind;

std::string refusal(const std::string& text) {
  try {
    static_cast<void>(parse_network_event(text));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

Config with_events(const std::vector<std::string>& texts) {
  Config config;
  for (const std::string& text : texts) config.network_events.push_back(parse_network_event(text));
  return config;
}

TEST(NetworkEvent, IsWrittenAsTimeKindLinkAndNumbers) {
  const NetworkEvent down = parse_network_event("2ms down 32-36");
  EXPECT_EQ(down.at, 2'000'000);
  EXPECT_EQ(down.kind, Kind::down);
  EXPECT_EQ(down.a, 32U);
  EXPECT_EQ(down.b, 36U);
  EXPECT_EQ(parse_network_event("1.5us up 1-2").at, 1'500);
  EXPECT_EQ(parse_network_event("0s rate 1-2 2.5Gbps").rate, 2'500'000'000U);
  EXPECT_EQ(parse_network_event("0ns delay 1-2 7us").delay, 7'000);
  EXPECT_EQ(parse_network_event("0ns loss 1-2 0.001").share, 0.001);
  EXPECT_EQ(parse_network_event(" 0ns  divert 1-2 1-3 ").c, 3U);
  EXPECT_EQ(parse_network_event("0ns background 1-2 0.5").share, 0.5);
  const NetworkEvent on_off = parse_network_event("0ns on-off 1-2 0.5 10us 30us");
  EXPECT_EQ(on_off.on, 10'000);
  EXPECT_EQ(on_off.off, 30'000);
  const NetworkEvent periodic = parse_network_event("0ns periodic 1-2 0.5 10ms 2ms 1ms");
  EXPECT_EQ(periodic.period, 10'000'000);
  EXPECT_EQ(periodic.on, 2'000'000);
  EXPECT_EQ(periodic.jitter, 1'000'000);
}

TEST(NetworkEvent, IsRefusedWithWhatIsWrong) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "expected a time and one of down up rate delay loss divert background on-off periodic"},
      {"2ms", "expected a time and one of down up rate delay loss divert background on-off periodic"},
      {"2ms dwn 1-2", "expected a time and one of down up rate delay loss divert background on-off periodic"},
      {"2ms down", "expected TIME down A-B"},
      {"2ms down 1-2 3", "expected TIME down A-B"},
      {"2ms periodic 1-2 0.5 1ms", "expected TIME periodic A-B SHARE PERIOD ON JITTER"},
      {"2 down 1-2", "the time is 2, not a time as 2ms (ns, us, ms, s)"},
      {"-2ms down 1-2", "the time is -2ms, not a time as 2ms (ns, us, ms, s)"},
      {"nanms down 1-2", "the time is nanms, not a time as 2ms (ns, us, ms, s)"},
      {"1e9s down 1-2", "the time is 1e9s, not a time as 2ms (ns, us, ms, s)"},
      {"2ms down 12", "the link is 12, not two nodes as 32-36"},
      {"2ms down 1-x", "the link is 1-x, not two nodes as 32-36"},
      {"2ms down -1-2", "the link is -1-2, not two nodes as 32-36"},
      {"2ms rate 1-2 0Gbps", "the rate is 0Gbps, not a rate from 1Mbps to 10000Gbps as 25Gbps"},
      {"2ms rate 1-2 25", "the rate is 25, not a rate from 1Mbps to 10000Gbps as 25Gbps"},
      {"2ms loss 1-2 1.5", "the share is 1.5, not a share of packets from 0 to 1"},
      {"2ms loss 1-2 nan", "the share is nan, not a share of packets from 0 to 1"},
      {"2ms background 1-2 1", "the share is 1, not a share of the rate from 0 to 0.99"},
      {"2ms divert 1-2 3-4", "the other way is 3-4, not one from node 1"},
      {"2ms on-off 1-2 0.5 0us 3us", "the time on is 0us, not a time of 1us or more (ns, us, ms, s)"},
      {"2ms on-off 1-2 0.5 1us 1ns", "the time off is 1ns, not a time of 1us or more (ns, us, ms, s)"},
      {"2ms periodic 1-2 0.5 2ns 1ns 0ns", "the period is 2ns, not a time of 1us or more (ns, us, ms, s)"},
      {"2ms periodic 1-2 0.5 3ms 2ms 1ms",
       "the time on and the jitter fill the period: bursts would overlap"},
  };
  for (const auto& [text, why] : cases) EXPECT_EQ(refusal(text), why) << text;
}

TEST(NetworkEvents, MustFitTheTopology) {
  const auto misfit = [](const std::vector<std::string>& texts) -> std::string {
    try {
      const Lab lab{leaf_spine(1, 2, 2), {flow(0, 1, 1'000)}, with_events(texts)};
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  };
  // Hosts 0 and 1, leaves 2 and 3, spines 4 and 5.
  EXPECT_EQ(
      misfit({"1us down 2-4", "1us divert 2-4 2-5", "0ns background 2-4 0.5", "0ns background 4-2 0.9"}),
      "accepted");
  EXPECT_EQ(misfit({"1us down 2-3"}), "network event down 2-3 at 1000 ns: no link joins 2 and 3");
  EXPECT_EQ(misfit({"1us down 2-99"}), "network event down 2-99 at 1000 ns: no link joins 2 and 99");
  EXPECT_EQ(misfit({"0ns divert 2-4 2-3"}), "network event divert 2-4 at 0 ns: no link joins 2 and 3");
  EXPECT_EQ(misfit({"0ns divert 4-2 4-3"}),
            "network event divert 4-2 at 0 ns: node 3 is not on an equal way to host 0, where 2 leads");
  EXPECT_EQ(
      misfit({"0ns background 2-4 0.5", "5us on-off 2-4 0.5 1us 1us"}),
      "network event on-off 2-4 at 5000 ns: with what others take already, nothing of the rate is left");
}

TEST(NetworkEvents, ADegradedLinkTakesLongerFromThenOn) {
  constexpr std::uint32_t bytes = 1'000'000;
  Topology slow = star(2);
  slow.links[0].rate = 25 * gigabit;
  Lab expected{slow, {flow(0, 1, bytes)}};
  expected.run();
  Lab degraded{star(2), {flow(0, 1, bytes)}, with_events({"0ns rate 0-2 25Gbps"})};
  degraded.run();
  // At time 0 the flow starts first: one packet at the old rate.
  EXPECT_NEAR(static_cast<double>(degraded.completion(0)), static_cast<double>(expected.completion(0)), 260);
  Lab halfway{star(2), {flow(0, 1, bytes)}, with_events({"40us rate 0-2 25Gbps"})};
  halfway.run();
  const double sent = 40'000.0 / 83 * 1000;
  EXPECT_NEAR(static_cast<double>(halfway.completion(0)), 40'000 + (bytes - sent) / 1000 * 335, 6'000);
}

TEST(NetworkEvents, ADeadLinkLosesAllSilentlyUntilItIsUp) {
  Lab lab{star(2), {flow(0, 1, 500'000)}, with_events({"10us down 1-2", "6ms up 1-2"})};
  const Fabric& fabric = lab.run();
  EXPECT_GT(fabric.counters().lost, 0U);
  // The first time-out comes before the link is up. Both times ACKs had been lost that were ahead of all that
  // came, though earlier ones were still on their way when they were.
  constexpr std::size_t tails = 2;
  constexpr std::size_t time_outs = 2;
  EXPECT_EQ(fabric.lost_tails().size(), tails + time_outs);
  // Time-outs at 4 ms and 8 ms, by the last ACK before the death.
  EXPECT_GT(lab.completion(0), 8'000'000);
  EXPECT_LT(lab.completion(0), 8'200'000);
  EXPECT_GT(fabric.rnics().longest_stall(0), 7'900'000);
  EXPECT_LT(fabric.port(3).last_lost, 6'000'000);
  EXPECT_GT(fabric.port(3).last_lost, 4'000'000);
}

TEST(NetworkEvents, AFlowOverALinkThatStaysDeadIsStuck) {
  Lab lab{star(2), {flow(0, 1, 500'000)}, with_events({"10us down 1-2"})};
  EXPECT_THROW(lab.run(), Stuck);
}

TEST(NetworkEvents, ADeathEndsPauses) {
  // Ten hosts fill the buffer until the switch pauses them; its link to one of them dies, then lives again.
  std::vector<Flow> flows;
  for (NodeIndex host = 1; host <= 10; ++host) flows.push_back(flow(host, 0, 2'000'000));
  Config config = with_events({"60us down 5-11", "7ms up 5-11"});
  config.ecn.kmin = config.ecn.kmax = 100'000'000;
  Lab lab{star(11), flows, config};
  const Fabric& fabric = lab.run();
  EXPECT_GT(fabric.counters().pfc_frames, 0U);
  EXPECT_EQ(fabric.counters().dropped, 0U);
}

TEST(NetworkEvents, AGrayLinkLosesItsShare) {
  constexpr std::uint32_t packets = 20'000;
  Lab lab{star(2), {flow(0, 1, packets * 1'000)}, with_events({"0ns loss 1-2 0.01"})};
  const Fabric& fabric = lab.run();
  EXPECT_GT(fabric.counters().retransmitted, 0U);
  // One in a hundred of the data, and of their ACKs: nearly all, but for what comes out of order.
  const auto sent = static_cast<double>(packets + fabric.counters().retransmitted);
  EXPECT_GT(static_cast<double>(fabric.counters().lost), 0.012 * sent);
  EXPECT_LT(static_cast<double>(fabric.counters().lost), 0.022 * sent);
}

TEST(NetworkEvents, AShorterWayLetsPacketsOvertake) {
  Topology far = star(2);
  far.links[1].delay = 20'000;
  Lab kept{far, {flow(0, 1, 500'000)}};
  EXPECT_EQ(kept.run().counters().out_of_order, 0U);
  Lab rerouted{far, {flow(0, 1, 500'000)}, with_events({"20us delay 1-2 1us"})};
  EXPECT_GT(rerouted.run().counters().out_of_order, 0U);
}

TEST(NetworkEvents, DivertedPacketsTakeTheOtherWay) {
  // One leaf's two uplinks; ECMP puts the flow on one of them.
  const Topology topology = leaf_spine(1, 2, 2);
  Lab before{topology, {flow(0, 1, 500'000)}};
  const Fabric& fabric = before.run();
  const NodeIndex used = fabric.port(4).sent_bytes > 400'000 ? 4 : 5;
  const NodeIndex other = 9 - used;
  Lab after{topology,
            {flow(0, 1, 500'000)},
            with_events({"20us divert 2-" + std::to_string(used) + " 2-" + std::to_string(other)})};
  after.run();
  const auto sent_to = [&](NodeIndex spine) { return after.fabric().port(spine == 4 ? 4 : 6).sent_bytes; };
  EXPECT_NEAR(static_cast<double>(sent_to(used)), 20'000.0 / 83 * 1048, 20'000);
  EXPECT_NEAR(static_cast<double>(sent_to(other)), 500 * 1048.0 - 20'000.0 / 83 * 1048, 20'000);
  EXPECT_EQ(before.completion(0), after.completion(0));
}

TEST(NetworkEvents, BackgroundIsCountedWhereItLeaves) {
  Lab lab{
      star(2), {flow(0, 1, 2'000'000)}, with_events({"20us background 2-1 0.5", "40us background 2-1 0.25"})};
  const Fabric& fabric = lab.run();
  const auto until = static_cast<double>(fabric.now());
  EXPECT_NEAR(fabric.network_events().background_bytes(3), 12.5 * (0.5 * 20'000 + 0.75 * (until - 40'000)),
              1);
  EXPECT_EQ(fabric.network_events().background_bytes(2), 0);
  EXPECT_EQ(fabric.network_events().link_rate(3), hundred_gigabit);
}

TEST(NetworkEvents, LoadInTheBackgroundTakesItsShareOfOneDirection) {
  constexpr std::uint32_t bytes = 2'000'000;
  const auto completion = [&](const std::vector<std::string>& events) {
    Lab lab{star(2), {flow(0, 1, bytes)}, with_events(events)};
    lab.run();
    return static_cast<double>(lab.completion(0));
  };
  const double alone = completion({});
  EXPECT_NEAR(completion({"0ns background 0-2 0.5"}), 2 * alone, 0.06 * alone);
  EXPECT_NEAR(completion({"0ns background 2-0 0.5"}), alone, 100) << "its ACKs only";
  EXPECT_NEAR(completion({"0ns background 0-2 0.25", "0ns background 0-2 0.25"}), 2 * alone, 0.06 * alone);
  // Half of the time at half of the rate: three quarters on average.
  EXPECT_NEAR(completion({"0ns periodic 0-2 0.5 20us 10us 2us"}), alone / 0.75, 0.1 * alone);
  EXPECT_NEAR(completion({"0ns on-off 0-2 0.5 2us 2us"}), alone / 0.75, 0.1 * alone);
}

TEST(NetworkEvents, PeriodicBurstsKeepTheirPeriodWhateverTheirJitter) {
  Config config = with_events({"0ns periodic 0-2 0.9 100us 20us 10us"});
  config.series_bin = 10'000;
  Lab lab{star(2), {flow(0, 1, 10'000'000)}, config};
  const PortSeries& series = lab.run().series();
  // In the bin that is always within the burst little is sent; long after it all that goes.
  for (std::size_t period = 1; period < 8; ++period) {
    EXPECT_LT(series.bytes(period * 10 + 1, 0), 20'000U) << period;
    EXPECT_GT(series.bytes(period * 10 + 6, 0), 120'000U) << period;
  }
}

TEST(NetworkEvents, TellOfPeriodicBurstsBeforeTheyCome) {
  constexpr Nanoseconds bin = 5'000;
  Config config = with_events({"20us periodic 0-2 0.9 100us 20us 30us"});
  config.series_bin = bin;
  Lab lab{star(2), {flow(0, 1, 10'000'000)}, config};
  std::vector<double> told;
  for (Nanoseconds at = 0; at < 800'000; at += bin)
    told.push_back(lab.fabric().network_events().periodic_load(0, at, at + bin));
  const PortSeries& series = lab.run().series();
  const double full = 12.5 * bin;
  for (std::size_t i = 1; i < told.size(); ++i) {
    EXPECT_NEAR(static_cast<double>(series.bytes(i, 0)) / full, 1 - told[i], 0.25) << i;
  }
  EXPECT_NEAR(lab.fabric().network_events().periodic_load(0, 20'000, 820'000), 0.9 * 0.2, 0.02);
  EXPECT_EQ(lab.fabric().network_events().periodic_load(1, 0, 800'000), 0) << "the other way";
}

TEST(NetworkEvents, AreTheSameForAllSchemesOfASeed) {
  Config config = with_events({"0ns on-off 0-2 0.9 20us 50us"});
  config.series_bin = 5'000;
  const auto bursts = [&](SchemeFactory scheme, std::uint64_t seed) {
    Config seeded = config;
    seeded.seed = seed;
    Lab lab{star(2), {flow(0, 1, 5'000'000)}, seeded, scheme};
    const PortSeries& series = lab.run().series();
    std::vector<std::uint64_t> sent;
    sent.reserve(60);
    for (std::size_t bin = 0; bin < 60; ++bin) sent.push_back(series.bytes(bin, 0));
    return sent;
  };
  EXPECT_EQ(bursts(make<Ecmp>, 3), bursts(make<SprayIdeal>, 3));
  EXPECT_NE(bursts(make<Ecmp>, 3), bursts(make<Ecmp>, 4));
}

}  // namespace
}  // namespace braidway::bench::fabric
