// Where frames leave by: flows by their hash, everything else by the first live path, fabric ports' by the
// host port.
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "tests/pipeline/lab.hpp"

namespace braidway::tests {
namespace {

constexpr std::size_t host = 0;

/// The one port that a frame of the host leaves by, unchanged; 0 if there is none.
std::size_t port_of(Lab& lab, const Bytes& frame, std::size_t segment_bytes = 0) {
  lab.send(host, frame, 0, segment_bytes);
  lab.settle();
  std::size_t found = 0;
  for (std::size_t port = 0; port < lab.settings().ports.size(); ++port) {
    const Frames frames = lab.take(port);
    if (frames.empty()) continue;
    EXPECT_EQ(found, 0U) << "more than one copy";
    EXPECT_EQ(frames, Frames{frame});
    found = port;
  }
  return found;
}

TEST(SteeringWay, AFlowStaysOnOnePathAndFlowsUseAll) {
  Lab lab(wire_settings(4));
  std::map<std::size_t, unsigned> flows;
  for (std::uint32_t qpn = 1; qpn <= 400; ++qpn) {
    const std::size_t port = port_of(lab, rc_frame(qpn, 0).bytes());
    ++flows[port];
    EXPECT_EQ(port_of(lab, rc_frame(qpn, 77).bytes()), port);
    EXPECT_EQ(port_of(lab, Frame().vlan(5).ipv4().udp(4791, 0xd000).bth(0x11, qpn).icrc().bytes()), port);
  }
  ASSERT_EQ(flows.size(), 4U);
  for (const auto& [port, count] : flows) {
    EXPECT_NE(port, host);
    EXPECT_GE(count, 60U) << "of 400 over four paths";
  }
}

TEST(SteeringWay, WithoutIpTheFirstLivePathIsTaken) {
  Lab lab(wire_settings(3));
  const std::vector frames{Frame().type(0x0806).payload(46).bytes(), Frame().type(0x0026).payload(46).bytes(),
                           Frame().vlan(1).vlan(2).vlan(3).ipv4().payload(30).bytes(),
                           Frame().type(0x88cc).payload(46).bytes()};
  for (const Bytes& frame : frames) EXPECT_EQ(port_of(lab, frame), 1U);
  lab.set_path(1, false);
  for (const Bytes& frame : frames) EXPECT_EQ(port_of(lab, frame), 2U);
  lab.set_path(1, true);
  for (const Bytes& frame : frames) EXPECT_EQ(port_of(lab, frame), 1U);
}

TEST(SteeringWay, ADeadPathTakesNothingAndTheOthersKeepTheirFlows) {
  Lab lab(wire_settings(4));
  std::map<std::uint32_t, std::size_t> before;
  for (std::uint32_t qpn = 1; qpn <= 200; ++qpn) before[qpn] = port_of(lab, rc_frame(qpn).bytes());
  lab.set_path(2, false);
  for (const auto& [qpn, port] : before) {
    const std::size_t now = port_of(lab, rc_frame(qpn).bytes());
    EXPECT_NE(now, 2U);
    EXPECT_TRUE(port == 2 || now == port) << "flow " << qpn;
  }
  lab.set_path(2, true);
  for (const auto& [qpn, port] : before) EXPECT_EQ(port_of(lab, rc_frame(qpn).bytes()), port);
}

TEST(SteeringWay, FromAFabricPortEverythingGoesToTheHostAndNeverToTheFabric) {
  Lab lab(wire_settings(3));
  const std::vector frames{rc_frame(1).bytes(), Frame().type(0x0806).payload(46).bytes(),
                           Frame().ipv6().tcp(1, 2).bytes(),
                           Frame().vlan(1).vlan(2).vlan(3).payload(9).bytes()};
  for (std::size_t port = 1; port <= 3; ++port) {
    for (const Bytes& frame : frames) lab.send(port, frame);
    lab.settle();
    EXPECT_EQ(lab.take(host), frames);
    for (std::size_t other = 1; other <= 3; ++other) EXPECT_EQ(lab.queued(other), 0U);
  }
  EXPECT_EQ(lab.drops(), DropCounts{});
}

TEST(SteeringWay, DeadPathsDoNotStopWhatComesFromTheFabric) {
  Lab lab(wire_settings(1));
  lab.set_path(1, false);
  lab.send(1, rc_frame(1).bytes());
  lab.settle();
  EXPECT_EQ(lab.take(host).size(), 1U);
  EXPECT_EQ(lab.drops(), DropCounts{});
}

TEST(SteeringWay, HeadersInSeveralBuffersAreReadAsIfTheyWereInOne) {
  Lab lab(wire_settings(4));
  for (std::uint32_t qpn = 1; qpn <= 4; ++qpn) {
    for (const Frame& frame :
         {rc_frame(qpn).payload(100), Frame().vlan(1).vlan(2).ipv6().udp().bth(0x04, qpn).payload(100),
          Frame().ipv4(1, 2, 40).udp().payload(60)}) {
      const Bytes bytes = frame.bytes();
      const std::size_t whole = port_of(lab, bytes);
      for (std::size_t segment = 10; segment < bytes.size(); ++segment) {
        EXPECT_EQ(port_of(lab, bytes, segment), whole) << "buffers of " << segment;
      }
    }
  }
  EXPECT_EQ(lab.drops(), DropCounts{});
}

TEST(SteeringWay, AFrameCutInTheMiddleOfItsBuffersIsRefusedAllTheSame) {
  Lab lab(wire_settings(2));
  const Bytes whole = Frame().ipv6().udp().bth(0x04, 5).payload(40).icrc().bytes();
  const Bytes cut(whole.begin(), whole.end() - 1);
  std::uint64_t sent = 0;
  for (std::size_t segment = 10; segment < cut.size(); ++segment, ++sent) {
    EXPECT_EQ(port_of(lab, cut, segment), 0U);
  }
  EXPECT_EQ(lab.drops(), (DropCounts{{"bad_ipv6_length", sent}}));
}

TEST(SteeringWay, StageCountersCountWhatEntersEachStage) {
  Lab lab(wire_settings(2));
  for (int i = 0; i < 10; ++i) lab.send(host, rc_frame(1).bytes());
  for (int i = 0; i < 3; ++i) lab.send(host, Frame().type(0x8808).payload(46).bytes());
  for (int i = 0; i < 2; ++i) lab.send(host, Frame().ipv4().protocol(17).bytes());
  lab.settle();
  std::map<std::string_view, std::uint64_t> entered;
  dataplane::for_each_stage<dataplane::Source>([&]<typename Stage, std::size_t index>() {
    entered[Stage::name] = lab.worker().counters().stages[0][index].packets.get();
  });
  EXPECT_EQ(entered, (std::map<std::string_view, std::uint64_t>{{"receive", 15},
                                                                {"parse", 15},
                                                                {"classify", 13},
                                                                {"handoff", 10},
                                                                {"steer", 10},
                                                                {"stamp", 10},
                                                                {"await", 10},
                                                                {"vary", 10},
                                                                {"trace", 10},
                                                                {"transmit", 10}}));
}

}  // namespace
}  // namespace braidway::tests
