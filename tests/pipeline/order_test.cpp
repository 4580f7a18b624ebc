// Flows over several paths between two gateways: numbers on the wire, order at the far host, and what neither
// of them must ever do with a packet.
#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "telemetry/strip.hpp"
#include "tests/pipeline/lab.hpp"
#include "tests/unit/dataplane/gateway_frames.hpp"

namespace braidway::tests {
namespace {

using dataplane::GatewaySettings;
using dataplane::OrderCount;

constexpr std::size_t host = 0;
constexpr std::uint64_t ticks_per_ms = 1'000'000;  // a tick is a nanosecond
constexpr std::uint64_t order_timeout = 150'000;

GatewaySettings gateway(std::uint16_t self, std::uint16_t peer, std::uint16_t paths = 4,
                        lb::Policy policy = lb::Policy::spray, std::uint16_t workers = 1) {
  GatewaySettings settings = wire_settings(paths, workers, workers);
  settings.id = lb::GatewayId{self};
  settings.peers[0].id = lb::GatewayId{peer};
  settings.peers[0].policy = policy;
  settings.peers[0].stamping = dataplane::Stamping::int_md;
  settings.memory.flows = 1024;
  for (std::size_t port = 1; port < settings.ports.size(); ++port) settings.ports[port].mtu = 1528;
  return settings;
}
GatewaySettings source_gateway(std::uint16_t paths = 4, lb::Policy policy = lb::Policy::spray) {
  return gateway(2, 1, paths, policy);
}
GatewaySettings sink_gateway(std::uint16_t paths = 4) { return gateway(1, 2, paths); }

std::uint64_t count_of(Lab& lab, OrderCount what) { return lab.worker().lane().order_counts->get(what); }

/// What the tag of an IPv4 frame without VLAN says.
telemetry::OrderWords words_of(Bytes frame) {
  telemetry::Tagged tag;
  const auto fault = telemetry::examine(
      {.memory = frame, .headroom = 0, .frame_bytes = frame.size(), .l3_offset = 14, .l4_offset = 34},
      telemetry::int_udp_port, tag);
  EXPECT_EQ(fault, telemetry::IntFault::none);
  return tag.words;
}

TEST(Spraying, NumbersAFlowWithoutGapsOverAllPathsAndLeavesThePayload) {
  Lab source(source_gateway(), ticks_per_ms);
  std::map<std::uint32_t, std::size_t> paths;  // by sequence
  for (std::uint32_t i = 0; i < 200; ++i) {
    const Bytes sent = rc_frame(7, i).payload(900).bytes();
    source.send(host, sent);
    source.settle(std::uint64_t{i} * 100);
    for (std::size_t port = 1; port <= 4; ++port) {
      for (const Bytes& frame : source.take(port)) {
        const auto words = words_of(frame);
        EXPECT_EQ(words.tag.source(), lb::GatewayId{2});
        EXPECT_EQ(lb::value(words.tag.path()), port - 1);
        EXPECT_EQ(words.departure, i * 100);
        EXPECT_TRUE(std::equal(sent.begin() + 42, sent.end(), frame.begin() + 70, frame.end()));
        paths[words.tag.sequence()] = port;
      }
    }
  }
  EXPECT_EQ(paths.size(), 200U);
  EXPECT_EQ(paths.rbegin()->first, 199U);
  std::set<std::size_t> used;
  for (const auto& [sequence, port] : paths) used.insert(port);
  EXPECT_EQ(used.size(), 4U);
  EXPECT_EQ(count_of(source, OrderCount::stamped), 200U);
}

TEST(Spraying, CnpsUdAndOtherTrafficAreNeverStampedAndKeepOnePath) {
  Lab source(source_gateway(), ticks_per_ms);
  const std::vector frames{Frame().ipv4().udp().bth(0x81, 7).payload(16).icrc().bytes(),
                           Frame().ipv4().udp().bth(0x64, 7).payload(60).icrc().bytes(),
                           Frame().ipv4().udp(5000).payload(90).bytes(),
                           Frame().ipv6().tcp(1, 2).payload(90).bytes(),
                           Frame().type(0x0806).payload(46).bytes()};
  for (const Bytes& frame : frames) {
    std::set<std::size_t> used;
    for (int i = 0; i < 50; ++i) {
      source.send(host, frame);
      source.settle();
      for (std::size_t port = 1; port <= 4; ++port) {
        for (const Bytes& left : source.take(port)) {
          EXPECT_EQ(left, frame);
          used.insert(port);
        }
      }
    }
    EXPECT_EQ(used.size(), 1U);
  }
  EXPECT_EQ(count_of(source, OrderCount::stamped), 0U);
}

TEST(Spraying, WithoutAPeerThatRestoresOrderNothingIsStamped) {
  GatewaySettings settings = source_gateway(4, lb::Policy::automatic);
  settings.peers[0].stamping = dataplane::Stamping::none;
  Lab source(settings, ticks_per_ms);
  std::set<std::size_t> used;
  for (std::uint32_t i = 0; i < 200; ++i) {
    source.send(host, rc_frame(7, i).payload(900).bytes());
    source.settle(std::uint64_t{i} * 1000);
    for (std::size_t port = 1; port <= 4; ++port) {
      for (const Bytes& frame : source.take(port)) {
        EXPECT_EQ(frame, rc_frame(7, i).payload(900).bytes());
        used.insert(port);
      }
    }
  }
  EXPECT_EQ(used.size(), 1U) << "a flow without a pause stays";
}

TEST(Spraying, WhatHasNoRoomForAStampGoesWithoutOneAndIsCounted) {
  GatewaySettings settings = source_gateway();
  for (std::size_t port = 1; port <= 4; ++port) settings.ports[port].mtu = 1527;
  Lab source(settings, ticks_per_ms);
  const Bytes longest = Frame().ipv4().udp().bth(0x07, 7).payload(1500 - 20 - 8 - 12 - 4).icrc().bytes();
  const Bytes scattered = rc_frame(7).bytes();
  source.send(host, longest);
  source.send(host, scattered, 0, 20);
  source.settle();
  Frames left;
  for (std::size_t port = 1; port <= 4; ++port) {
    for (const Bytes& frame : source.take(port)) left.push_back(frame);
  }
  EXPECT_EQ(left, (Frames{longest, scattered}));
  EXPECT_EQ(count_of(source, OrderCount::unstampable), 2U);
  EXPECT_EQ(source.drops(), DropCounts{});
}

/// Every packet of the source's strands, by strand.
std::vector<Frames> cross(Lab& source, const Frames& frames, std::uint64_t gap = 100) {
  std::vector<Frames> strands(source.settings().ports.size() - 1);
  std::uint64_t now = 0;
  for (const Bytes& frame : frames) {
    source.send(host, frame);
    source.settle(now += gap);
    for (std::size_t i = 0; i < strands.size(); ++i) {
      std::ranges::move(source.take(i + 1), std::back_inserter(strands[i]));
    }
  }
  return strands;
}

Frames mixed_flows(std::uint32_t packets) {
  Frames frames;
  for (std::uint32_t i = 0; i < packets; ++i) {
    const std::uint32_t qpn = i % 5;
    Frame frame = qpn % 2 == 0 ? Frame().ipv4() : Frame().vlan(7).ipv6();
    frames.push_back(
        frame.udp().bth(i % 3 == 0 ? 0x11 : 0x01, qpn, i).payload(std::size_t{i} % 7 * 100).icrc().bytes());
  }
  return frames;
}

/// The frames of each flow (by the QPN that mixed_flows gives), in order.
std::map<std::size_t, Frames> by_flow(const Frames& frames) {
  std::map<std::size_t, Frames> flows;
  for (const Bytes& frame : frames) {
    const bool tagged_v6 = frame[12] == std::byte{0x81};
    flows[std::to_integer<std::size_t>(frame.at((tagged_v6 ? 18 + 40 : 14 + 20) + 8 + 7))].push_back(frame);
  }
  return flows;
}

TEST(Restoring, AnyInterleavingOfTheStrandsGivesTheHostWhatWasSentInOrder) {
  const Frames sent = mixed_flows(600);
  for (unsigned seed = 0; seed < 20; ++seed) {
    Lab source(source_gateway(), ticks_per_ms);
    Lab sink(sink_gateway(), ticks_per_ms);
    auto strands = cross(source, sent);
    std::mt19937 random(seed);
    Frames received;
    std::vector<std::size_t> next(strands.size());
    const auto left = [&] {
      std::vector<std::size_t> some;
      for (std::size_t i = 0; i < strands.size(); ++i) {
        if (next[i] < strands[i].size()) some.push_back(i);
      }
      return some;
    };
    for (auto some = left(); !some.empty(); some = left()) {
      const std::size_t strand = some[random() % some.size()];
      for (auto burst = 1 + random() % 40; burst > 0 && next[strand] < strands[strand].size(); --burst) {
        sink.send(strand + 1, strands[strand][next[strand]++]);
      }
      sink.settle(1000);
      std::ranges::move(sink.take(host), std::back_inserter(received));
    }
    EXPECT_TRUE(by_flow(received) == by_flow(sent)) << "seed " << seed;
    EXPECT_EQ(sink.worker().holding(), 0U);
    EXPECT_GT(count_of(sink, OrderCount::held), 0U);
    EXPECT_EQ(count_of(sink, OrderCount::stripped), 600U);
    EXPECT_EQ(sink.drops(), DropCounts{});
  }
}

TEST(Restoring, AReleaseOfMoreThanABurstAndMoreThanThePortTakesLosesNothing) {
  Lab sink(sink_gateway(2), ticks_per_ms);
  Frames sent;
  for (std::uint32_t i = 0; i < 700; ++i) sent.push_back(rc_frame(3, i).bytes());
  for (std::uint32_t i = 1; i < 700; ++i) {
    sink.send(1, tagged(rc_frame(3, i), numbered(i)));
    if (i % 50 == 0) sink.settle();
  }
  sink.settle();
  EXPECT_EQ(sink.worker().holding(), 699U);
  EXPECT_EQ(sink.queued(host), 0U);
  sink.send(2, tagged(rc_frame(3, 0), numbered(0, 1)));
  Frames received;
  for (int i = 0; i < 10; ++i) {
    sink.settle();
    EXPECT_LE(sink.queued(host), Lab::wire_room);
    std::ranges::move(sink.take(host), std::back_inserter(received));
  }
  EXPECT_TRUE(received == sent);
  EXPECT_EQ(sink.drops(), DropCounts{});
}

TEST(Restoring, WhileTheHostPortRefusesReleasesNothingIsReceivedFromTheFabric) {
  Lab sink(sink_gateway(2), ticks_per_ms);
  for (std::uint32_t i = 1; i <= 400; ++i) {
    sink.send(1, tagged(rc_frame(3, i), numbered(i)));
    if (i % 50 == 0) sink.settle();
  }
  sink.settle();
  sink.send(2, tagged(rc_frame(3, 0), numbered(0, 1)));
  sink.settle();
  sink.send(1, tagged(rc_frame(3, 401), numbered(401)));
  sink.settle();
  EXPECT_EQ(sink.unreceived(1), 1U);
  sink.take(host);
  sink.settle();
  EXPECT_EQ(sink.unreceived(1), 0U);
}

TEST(Restoring, AMissingPacketIsWaitedForNoLongerThanTheTimer) {
  Lab sink(sink_gateway(), ticks_per_ms);
  sink.settle(1'000'000);
  sink.send(1, tagged(rc_frame(3, 1), numbered(1)));
  sink.settle(1'000'000);
  sink.settle(1'000'000 + order_timeout / 2);
  sink.settle(1'000'000 + order_timeout - 1);
  EXPECT_EQ(sink.take(host), Frames{});
  sink.settle(1'000'000 + order_timeout);
  EXPECT_EQ(sink.take(host), Frames{rc_frame(3, 1).bytes()});
  EXPECT_EQ(count_of(sink, OrderCount::gaps_by_timer), 1U);
  sink.send(2, tagged(rc_frame(3, 0), numbered(0, 1)));
  sink.settle(1'000'000 + 2 * order_timeout);
  EXPECT_EQ(sink.take(host), Frames{rc_frame(3, 0).bytes()}) << "a late packet goes on at once";
}

TEST(Restoring, TimeOffTheCoreMakesNoPacketLate) {
  Lab sink(sink_gateway(), ticks_per_ms);
  sink.settle(1'000'000);
  sink.send(1, tagged(rc_frame(3, 1), numbered(1)));
  sink.settle(1'000'000);
  // More than a burst has come meanwhile, and what is missing with it.
  for (std::uint32_t i = 2; i < 80; ++i) sink.send(1, tagged(rc_frame(3, i), numbered(i)));
  for (std::uint32_t i = 0; i < 70; ++i) sink.send(2, rc_frame(4, i).bytes());
  sink.send(2, tagged(rc_frame(3, 0), numbered(0, 1)));
  sink.settle(1'000'000'000);
  EXPECT_EQ(sink.take(host).size(), 80U + 70U);
  EXPECT_EQ(count_of(sink, OrderCount::late), 0U);
  EXPECT_EQ(count_of(sink, OrderCount::gaps_by_timer), 0U);
}

TEST(Restoring, HeadersInSeveralBuffersAreTakenTogether) {
  Lab sink(sink_gateway(1), ticks_per_ms);
  const Bytes frame = rc_frame(3).payload(300).bytes();
  for (std::size_t segment = 10; segment < 110; ++segment) {
    sink.send(1, tagged(rc_frame(3).payload(300), numbered(static_cast<std::uint32_t>(segment) - 10)), 0,
              segment);
    sink.settle();
    EXPECT_EQ(sink.take(host), Frames{frame}) << segment;
  }
  EXPECT_EQ(sink.drops(), DropCounts{});
}

TEST(Restoring, WhatEveryPathHasPassedIsNotWaitedFor) {
  Lab sink(sink_gateway(2), ticks_per_ms);
  sink.send(1, tagged(rc_frame(3, 1), numbered(1, 0)));
  sink.settle();
  EXPECT_EQ(sink.take(host).size(), 0U);
  sink.send(2, tagged(rc_frame(3, 2), numbered(2, 1)));
  sink.settle();
  EXPECT_EQ(sink.take(host), (Frames{rc_frame(3, 1).bytes(), rc_frame(3, 2).bytes()}));
  EXPECT_EQ(count_of(sink, OrderCount::gaps_by_watermark), 1U);
}

TEST(Restoring, APathThatThePeerIsNotKnownToHaveMakesEveryGapTheTimers) {
  Lab sink(sink_gateway(2), ticks_per_ms);
  sink.send(1, tagged(rc_frame(3, 0), numbered(0, 2)));
  sink.settle();
  EXPECT_EQ(sink.take(host), Frames{rc_frame(3, 0).bytes()});
  EXPECT_EQ(count_of(sink, OrderCount::unknown_path), 1U);
  sink.send(1, tagged(rc_frame(3, 2), numbered(2, 0)));
  sink.send(2, tagged(rc_frame(3, 3), numbered(3, 1)));
  sink.settle();
  EXPECT_EQ(sink.take(host), Frames{}) << "the third path may still bring it";
  sink.send(1, tagged(rc_frame(3, 1), numbered(1, 2)));
  sink.settle();
  EXPECT_EQ(sink.take(host).size(), 3U);
  sink.settle(1'000'000'000);  // a second later it is forgotten
  sink.send(1, tagged(rc_frame(4, 1), numbered(1, 0)));
  sink.send(2, tagged(rc_frame(4, 2), numbered(2, 1)));
  sink.settle(1'000'000'000);
  EXPECT_EQ(sink.take(host).size(), 2U);
}

TEST(Restoring, UntaggedPacketsDoNotWaitForTaggedOnes) {
  Lab sink(sink_gateway(), ticks_per_ms);
  sink.send(1, tagged(rc_frame(3, 1), numbered(1)));
  sink.send(1, rc_frame(3, 9).bytes());
  sink.settle();
  EXPECT_EQ(sink.take(host), Frames{rc_frame(3, 9).bytes()});
  EXPECT_EQ(sink.worker().holding(), 1U);
}

TEST(Restoring, TheLongestFrameComesBackWhole) {
  Lab source(source_gateway(1), ticks_per_ms);
  Lab sink(sink_gateway(1), ticks_per_ms);
  const Frames sent{
      Frame().vlan(1).vlan(2).ipv4().udp().bth(0x07, 7).payload(1500 - 20 - 8 - 12 - 4).icrc().bytes(),
      Frame().ipv4().udp().bth(0x24, 7).icrc().pad_to(60).bytes(), rc_frame(7, 1).pad_to(200).bytes()};
  const auto strands = cross(source, sent);
  for (const Bytes& frame : strands[0]) {
    EXPECT_TRUE(frame.size() > 60);
    sink.send(1, frame);
  }
  sink.settle();
  EXPECT_EQ(sink.take(host), sent);
  EXPECT_EQ(count_of(source, OrderCount::stamped), 3U);
  EXPECT_EQ(sink.drops(), DropCounts{});
}

TEST(Restoring, AnEndHandsOnWhatIsHeld) {
  Lab sink(sink_gateway(), ticks_per_ms);
  Frames held;
  for (std::uint32_t i = 1; i < 200; ++i) {
    held.push_back(rc_frame(3, i).bytes());
    sink.send(1, tagged(rc_frame(3, i), numbered(i)));
    sink.settle();
  }
  ASSERT_EQ(sink.worker().holding(), 199U);
  const std::atomic<bool> stop{true};
  sink.worker().run(stop);
  EXPECT_EQ(sink.take(host), held);
  EXPECT_EQ(sink.worker().holding(), 0U);
}

TEST(Restoring, WhatIsHeldIsFreedWhereNoPortTakesIt) {
  Lab sink(sink_gateway(), ticks_per_ms);
  for (std::uint32_t i = 1; i < 600; ++i) {
    sink.send(1, tagged(rc_frame(i % 90, i), numbered(i)));
    sink.settle();
  }
  sink.worker().drop_waiting();
  EXPECT_EQ(sink.worker().holding(), 0U);  // and the lab counts the buffers
}

/// The same of a source with three workers; a flow comes by one queue.
std::vector<Frames> cross_three_workers(const Frames& frames) {
  Lab source(gateway(2, 1, 4, lb::Policy::spray, 3), ticks_per_ms);
  std::vector<Frames> strands(4);
  for (std::size_t i = 0; i < frames.size(); ++i) {
    source.send(host, frames[i], static_cast<std::uint16_t>(i % 5 % 3));
    source.settle(i * 100);
    for (std::size_t strand = 0; strand < 4; ++strand) {
      std::ranges::move(source.take_all(strand + 1), std::back_inserter(strands[strand]));
    }
  }
  return strands;
}

TEST(Restoring, SeveralWorkersRestoreTheOrderOfTheFlowsTheyOwn) {
  const Frames sent = mixed_flows(400);
  const auto strands = cross_three_workers(sent);
  Lab sink(gateway(1, 2, 4, lb::Policy::spray, 3), ticks_per_ms);
  Frames received;
  for (std::size_t strand = 4; strand-- > 0;) {
    for (const Bytes& frame : strands[strand]) {
      sink.send(strand + 1, frame);
      sink.settle();
    }
    std::ranges::move(sink.take_all(host), std::back_inserter(received));
  }
  EXPECT_TRUE(by_flow(received) == by_flow(sent));
  EXPECT_EQ(sink.drops(), DropCounts{});
}

}  // namespace
}  // namespace braidway::tests
