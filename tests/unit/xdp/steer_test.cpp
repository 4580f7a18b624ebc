// The steering program, run by the kernel on frames from memory (BPF_PROG_TEST_RUN). What gateways write is
// in steer_gateway_test.cpp.

#include "telemetry/roce.hpp"
#include "tests/unit/xdp/steer_run.hpp"

namespace braidway::tests {
namespace {

struct Case {
  const char* description;
  Frame frame;
  braidway_xdp_verdict verdict;  ///< of steer-rocev2 with a socket on the queue
  std::size_t decisive;          ///< bytes that have to be there for it; with fewer the frame is malformed
};

const std::vector<Case>& cases() {
  constexpr auto ours = braidway_xdp_redirected;
  constexpr auto other = braidway_xdp_kernel_other;
  constexpr auto fragment = braidway_xdp_kernel_fragment;
  constexpr auto malformed = braidway_xdp_kernel_malformed;
  constexpr unsigned whole = 1U << 16U;  // malformed at any length
  static const std::vector<Case> table{
      {"RoCEv2 over IPv4", Layers().type(0x0800).ipv4(17).udp(4791).zeros(16), ours, 42},
      {"RoCEv2 over IPv6", Layers().type(0x86dd).ipv6(17).udp(4791).zeros(16), ours, 62},
      {"to INT's port, and no INT", Layers().type(0x0800).ipv4(17).udp(61791).zeros(16), other, 42},
      {"to the messages' port, and none", Layers().type(0x86dd).ipv6(17).udp(61792).zeros(16), other, 62},
      {"RoCEv2 in a VLAN", Layers().vlan(0x8100).type(0x0800).ipv4(17).udp(4791).zeros(16), ours, 46},
      {"RoCEv2 in QinQ", Layers().vlan(0x88a8).vlan(0x8100).type(0x86dd).ipv6(17).udp(4791).zeros(16), ours,
       70},
      {"RoCEv2 in two 8100 tags", Layers().vlan(0x8100).vlan(0x8100).type(0x0800).ipv4(17).udp(4791), ours,
       50},
      {"RoCEv2 in three tags",
       Layers().vlan(0x88a8).vlan(0x8100).vlan(0x8100).type(0x0800).ipv4(17).udp(4791), other, 22},
      {"RoCEv2 behind an IPv4 option", Layers().type(0x0800).ipv4(17, 0x4000, 6).udp(4791).zeros(16), ours,
       46},
      {"RoCEv2 behind all IPv4 options", Layers().type(0x0800).ipv4(17, 0x4000, 15).udp(4791).zeros(16), ours,
       82},
      {"first IPv4 fragment of RoCEv2", Layers().type(0x0800).ipv4(17, 0x2000).udp(4791).zeros(16), fragment,
       34},
      {"later IPv4 fragment", Layers().type(0x0800).ipv4(17, 0x2003).zeros(24), fragment, 34},
      {"last IPv4 fragment", Layers().type(0x0800).ipv4(17, 0x0003).zeros(24), fragment, 34},
      {"IPv6 fragment", Layers().type(0x86dd).ipv6(44).zeros(8).udp(4791), fragment, 54},
      {"RoCEv2 behind an IPv6 hop-by-hop header", Layers().type(0x86dd).ipv6(0).zeros(8).udp(4791), other,
       54},
      {"another UDP port", Layers().type(0x0800).ipv4(17).udp(4790).zeros(16), other, 42},
      {"another UDP port over IPv6", Layers().type(0x86dd).ipv6(17).udp(53).zeros(16), other, 62},
      {"TCP to port 4791", Layers().type(0x0800).ipv4(6).udp(4791).zeros(16), other, 34},
      {"ARP", Layers().type(0x0806).zeros(28), other, 14},
      {"RoCEv1", Layers().type(0x8915).zeros(40), other, 14},
      {"pause", Layers().type(0x8808).zeros(46), other, 14},
      {"802.3 length", Layers().type(38).zeros(46), other, 14},
      {"IPv4 header of 16 bytes", Layers().type(0x0800).ipv4(17, 0x4000, 4).udp(4791), malformed, whole},
      {"version 6 in IPv4", Layers().type(0x0800).ipv4(17, 0x4000, 5, 6).udp(4791), malformed, whole},
      {"version 4 in IPv6", Layers().type(0x86dd).ipv6(17, 4).udp(4791), malformed, whole},
  };
  return table;
}

TEST(SteerRocev2, GivesEachFrameItsVerdictAndCountsItOnce) {
  SteerProgram program(XdpTake::rocev2);
  program.bind(0);
  for (const Case& test : cases()) {
    SCOPED_TRACE(test.description);
    expect(run(program, test.frame), test.verdict);
  }
}

TEST(SteerRocev2, CallsAFrameMalformedWhereverItIsCutBeforeTheDecisiveByte) {
  SteerProgram program(XdpTake::rocev2);
  program.bind(0);
  for (const Case& test : cases()) {
    // The kernel runs no XDP program on less than an Ethernet header.
    for (std::size_t length = 14; length <= test.frame.size(); ++length) {
      SCOPED_TRACE(std::string(test.description) + " cut to " + std::to_string(length));
      expect(
          run(program, Frame(test.frame.begin(), test.frame.begin() + static_cast<std::ptrdiff_t>(length))),
          length < test.decisive ? braidway_xdp_kernel_malformed : test.verdict);
    }
  }
}

TEST(SteerRocev2, DropsRoceWithoutASocketAndLeavesTheRestToTheKernel) {
  const SteerProgram program(XdpTake::rocev2);
  for (const Case& test : cases()) {
    SCOPED_TRACE(test.description);
    expect(run(program, test.frame),
           test.verdict == braidway_xdp_redirected ? braidway_xdp_dropped_unbound : test.verdict);
  }
}

TEST(SteerRocev2, KnowsThePortOfRocev2) {
  SteerProgram program(XdpTake::rocev2);
  program.bind(0);
  for (unsigned port = 0; port <= 0xffff; ++port) {
    const bool ours = port == telemetry::rocev2_udp_port;
    // Every port near ours, and a few hundred elsewhere.
    if (!ours && port % 251 != 0 && port / 256 != 4791 / 256 && port / 256 != 61791 / 256) continue;
    SCOPED_TRACE(port);
    expect(run(program, Layers().type(0x0800).ipv4(17).udp(port)),
           ours ? braidway_xdp_redirected : braidway_xdp_kernel_other);
  }
}

TEST(SteerAll, TakesEveryFrameAtEveryLength) {
  SteerProgram program(XdpTake::all);
  program.bind(0);
  for (const Case& test : cases()) {
    for (std::size_t length = 14; length <= test.frame.size(); ++length) {
      SCOPED_TRACE(std::string(test.description) + " cut to " + std::to_string(length));
      expect(
          run(program, Frame(test.frame.begin(), test.frame.begin() + static_cast<std::ptrdiff_t>(length))),
          braidway_xdp_redirected);
    }
  }
}

TEST(SteerAll, DropsEveryFrameWithoutASocket) {
  SteerProgram program(XdpTake::all);
  program.bind(0);
  program.unbind();
  for (const Case& test : cases()) {
    SCOPED_TRACE(test.description);
    expect(run(program, test.frame), braidway_xdp_dropped_unbound);
  }
}

TEST(SteerAll, AsksForTheSocketOfTheFramesOwnQueue) {
  enter_own_namespace();
  ASSERT_TRUE(run_ip("link add bwq0 numrxqueues 2 numtxqueues 2 type veth peer name bwq1"));
  SteerProgram program(XdpTake::all);
  program.bind(1);
  const Frame frame = Layers().type(0x0800).ipv4(17).udp(4791);
  xdp_md context{};
  context.data_end = static_cast<std::uint32_t>(frame.size());
  context.ingress_ifindex = ::if_nametoindex("bwq0");
  context.rx_queue_index = 0;
  expect(run(program, frame, &context), braidway_xdp_dropped_unbound);
  context.rx_queue_index = 1;
  expect(run(program, frame, &context), braidway_xdp_redirected);
  EXPECT_TRUE(run_ip("link del bwq0"));
}

}  // namespace
}  // namespace braidway::tests
