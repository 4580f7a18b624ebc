#include "telemetry/postcard.hpp"

#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/telemetry/hex.hpp"

namespace braidway::telemetry {
namespace {

using Bytes = std::vector<std::byte>;

constexpr lb::Nanoseconds at_ms(std::int64_t ms) { return lb::Nanoseconds{ms * 1'000'000}; }
constexpr auto client = lb::ipv4(0x0a00'0101);
constexpr auto server = lb::ipv4(0x0a00'0202);
constexpr auto flow = lb::rocev2_key(client, server, lb::Qpn{17});

constexpr HopMetadata everything{.node_id = 1,
                                 .level1_ingress = 2,
                                 .level1_egress = 3,
                                 .hop_latency = 4,
                                 .queue = 0x0500'0006,
                                 .ingress_time = 7,
                                 .egress_time = 8,
                                 .level2_ingress = 9,
                                 .level2_egress = 10,
                                 .egress_utilisation = 11,
                                 .buffer = 0x0c00'000d};

TEST(Postcard, IsTheGoldenReport) {
  // INT over a CNP, of whose bytes the golden report of the wire-format reference carries 76.
  const Bytes packet = bytes_of_hex(
      "45c2006c718c4000401191310a0011010a0012010000138d00580000140b12b720000406f00000000000000000000002000500"
      "06000005dc01000064000000010003000400000384000000078100ffff40000118000000000000000000000000000000000000"
      "000082fd002a");
  const Watch watch(int_node_id | int_level1_interfaces | int_hop_latency | int_queue);
  const Postcards postcards({&watch, 1}, {.domain = 0});
  Bytes memory(200);
  ReportWriter writer(memory, {.hardware = 1, .sequence = 5, .node = 3}, 76);
  const HopMetadata own{.node_id = 3, .level1_ingress = 7, .level1_egress = 8, .queue = 0x0100'0037};
  ASSERT_EQ(writer.add(postcards.postcard(watch, own, InnerType::ipv4, packet)), ReportDefect::none);
  const auto golden = bytes_of_hex(
      "2040000500000003141702205000000000000000000700080100003745c2006c718c4000401191310a0011010a001201000013"
      "8d00580000140b12b720000406f0000000000000000000000200050006000005dc010000640000000100030004000003840000"
      "0007");
  EXPECT_EQ(Bytes(writer.payload().begin(), writer.payload().end()), golden);
}

TEST(Postcard, HasTheMetadataThatAreAskedForAndKnown) {
  struct Case {
    const char* description;
    std::uint16_t instructions;
    HopMetadata own;
    std::uint16_t present;
  };
  const std::vector<Case> cases{
      {"all of them", 0xff80, everything, 0x7f80},
      {"all bits: the reserved and the checksum complement are no metadata", 0xffff, everything, 0x7f80},
      {"nothing but the node", int_node_id, everything, 0},
      {"nothing", 0, everything, 0},
      {"nothing is known", 0xffff, {}, 0},
      {"one of them", int_egress_time, everything, report_bit::egress_time},
      {"half of a pair", 0xffff, {.level1_egress = 3}, report_bit::l1_interfaces},
      {"half of the other pair", 0xffff, {.level2_ingress = 3}, report_bit::l2_interfaces},
      {"a queue of unknown depth", 0xffff, {.queue = 0x05ff'ffff}, report_bit::queue},
      {"zeros are known", 0xffff, {.hop_latency = 0, .ingress_time = 0}, 0x2800},
  };
  for (const auto& each : cases) {
    EXPECT_EQ(report_metadata(each.instructions, each.own).present, each.present) << each.description;
  }
  EXPECT_EQ(report_metadata(0xffff, everything), (ReportMetadata{.present = 0x7f80,
                                                                 .l1_ingress = 2,
                                                                 .l1_egress = 3,
                                                                 .hop_latency = 4,
                                                                 .queue = 5,
                                                                 .queue_occupancy = 6,
                                                                 .ingress_time = 7,
                                                                 .egress_time = 8,
                                                                 .l2_ingress = 9,
                                                                 .l2_egress = 10,
                                                                 .tx_utilization = 11,
                                                                 .buffer = 12,
                                                                 .buffer_occupancy = 13}));
  EXPECT_EQ(report_metadata(int_hop_latency, everything),
            (ReportMetadata{.present = report_bit::hop_latency, .hop_latency = 4}))
      << "what is not present is 0";
}

TEST(Postcard, ADeepQueueIsCongestionWhetherItIsReportedOrNot) {
  const Watch watch(0);
  const Postcards postcards({&watch, 1}, {.deep_queue = 1'000});
  const auto flags = [&](std::uint32_t queue) {
    return postcards.postcard(watch, {.queue = queue}, InnerType::none, {});
  };
  EXPECT_FALSE(flags(999).congested);
  EXPECT_TRUE(flags(1'000).congested);
  EXPECT_TRUE(flags(0xffff'fffe).congested) << "the queue's id is no depth, but this is deep";
  EXPECT_FALSE(flags(0x0300'0000).congested);
  EXPECT_FALSE(flags(0x03ff'ffff).congested) << "not known";
  EXPECT_FALSE(flags(0xffff'ffff).congested);
  const auto report = flags(1'000);
  EXPECT_TRUE(report.tracked_flow);
  EXPECT_FALSE(report.intermediate);
  EXPECT_FALSE(report.dropped);
  EXPECT_EQ(report.domain, int_domain);
}

TEST(Watch, MatchesByPrefixAndQueuePair) {
  constexpr auto v6 = lb::ipv6(0xfd00'0000'0000'0001, 0x0102'0304'0506'0708);
  constexpr auto flow6 = lb::rocev2_key(v6, lb::ipv6(0xfd00'0000'0000'0002, 1), lb::Qpn{17});
  constexpr auto tcp = lb::ports_key(client, server, 6, 17, 17);
  const auto any = [] { return Watch(0); };
  struct Case {
    const char* description;
    Watch watch;
    lb::FlowKey key;
    bool matches;
  };
  const std::vector<Case> cases{
      {"all of RoCEv2", any(), flow, true},
      {"all of TCP", any(), tcp, true},
      {"all of IPv6", any(), flow6, true},
      {"all that is not IP", any(), {}, true},
      {"a host", any().from(client, 32), flow, true},
      {"more bits than there are", any().from(client, 99), flow, true},
      {"another host", any().from(server, 32), flow, false},
      {"the host's neighbour by its prefix", any().from(lb::ipv4(0x0a00'01ff), 24), flow, true},
      {"just not by one bit more", any().from(lb::ipv4(0x0a00'01ff), 25), flow, false},
      {"all of IPv4", any().from(lb::ipv4(0), 0), flow, true},
      {"all of IPv4 has no IPv6", any().from(lb::ipv4(0), 0), flow6, false},
      {"a destination", any().to(server, 32), flow, true},
      {"source and destination", any().from(client, 32).to(server, 32), flow, true},
      {"the source is right, the destination not", any().from(client, 32).to(client, 32), flow, false},
      {"a queue pair", any().to_qpn(lb::Qpn{17}), flow, true},
      {"another queue pair", any().to_qpn(lb::Qpn{18}), flow, false},
      {"a port is no queue pair", any().to_qpn(lb::Qpn{17}), tcp, false},
      {"IPv6 host", any().from(v6, 128), flow6, true},
      {"IPv6, all but its last bit", any().from(lb::ipv6(v6.high, v6.low ^ 1), 127), flow6, true},
      {"IPv6, its last bit too", any().from(lb::ipv6(v6.high, v6.low ^ 1), 128), flow6, false},
      {"IPv6 /64", any().from(lb::ipv6(v6.high, 0), 64), flow6, true},
      {"IPv6 /64 of another", any().from(lb::ipv6(v6.high ^ 1, 0), 64), flow6, false},
      {"IPv6 /63 of the other", any().from(lb::ipv6(v6.high ^ 1, 0), 63), flow6, true},
      {"all of IPv6", any().from(lb::ipv6(0, 0), 0), flow6, true},
  };
  for (const auto& each : cases) EXPECT_EQ(each.watch.matches(each.key), each.matches) << each.description;
}

TEST(Postcards, EachPacketOfAWatchedFlowIsReportedAndNoOther) {
  const std::array watches{Watch(int_queue).from(client, 32).to_qpn(lb::Qpn{17}),
                           Watch(int_hop_latency).from(client, 24)};
  Postcards postcards(watches, {});
  for (int i = 0; i < 100; ++i) {
    const auto* watch = postcards.decide(flow, at_ms(i));
    ASSERT_NE(watch, nullptr);
    EXPECT_EQ(watch->instructions(), int_queue) << "the first that matches";
  }
  const auto* second = postcards.decide(lb::rocev2_key(client, server, lb::Qpn{18}), at_ms(100));
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(second->instructions(), int_hop_latency);
  EXPECT_EQ(postcards.decide(lb::rocev2_key(server, client, lb::Qpn{17}), at_ms(100)), nullptr);
  EXPECT_EQ(postcards.counters().postcards, 101U);
  EXPECT_EQ(postcards.counters().suppressed, 0U);
}

TEST(Postcards, AFloodIsHeldToTheRateAndTheRestIsCounted) {
  const Watch all(0);
  Postcards postcards({&all, 1}, {.postcards_per_second = 1'000, .burst = 100});
  std::uint64_t sent = 0;
  for (std::int64_t us = 0; us < 2'000'000; us += 10) {
    sent += postcards.decide(flow, lb::Nanoseconds{us * 1'000}) != nullptr ? 1 : 0;
  }
  EXPECT_NEAR(static_cast<double>(sent), 100 + 2'000, 1);
  EXPECT_EQ(postcards.counters().postcards, sent);
  EXPECT_EQ(postcards.counters().suppressed, 200'000 - sent);
}

TEST(Postcards, WithoutWatchesOrWithoutARateThereAreNone) {
  Postcards nothing_watched({}, {});
  EXPECT_EQ(nothing_watched.decide(flow, at_ms(1)), nullptr);
  EXPECT_EQ(nothing_watched.counters().suppressed, 0U);
  const Watch all(0);
  Postcards no_rate({&all, 1}, {.postcards_per_second = 0});
  EXPECT_EQ(no_rate.decide(flow, at_ms(1)), nullptr);
  EXPECT_EQ(no_rate.counters().suppressed, 1U);
}

}  // namespace
}  // namespace braidway::telemetry
