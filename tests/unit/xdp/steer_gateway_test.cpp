// Of what comes to the gateways' own UDP ports, the steering program takes what gateways write, and leaves
// the rest to the kernel. The packets are those of the wire-format reference, or written down from its text.
#include <functional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "telemetry/big_endian.hpp"
#include "telemetry/int_md.hpp"
#include "telemetry/message.hpp"
#include "telemetry/roce.hpp"
#include "tests/unit/telemetry/hex.hpp"
#include "tests/unit/xdp/steer_run.hpp"

namespace braidway::tests {
namespace {

using telemetry::int_udp_port;
using telemetry::message_udp_port;

constexpr auto ours = braidway_xdp_redirected;
constexpr auto other = braidway_xdp_kernel_other;
constexpr auto malformed = braidway_xdp_kernel_malformed;
constexpr std::size_t ethernet_bytes = 14;
constexpr std::size_t udp_bytes = 8;

Frame bytes_of(const std::string& hex) {
  Frame frame;
  for (const std::byte each : telemetry::bytes_of_hex(hex))
    frame.push_back(std::to_integer<std::uint8_t>(each));
  return frame;
}

/// An IP packet in a frame, behind VLAN tags of `tpids`.
Frame framed(const Frame& packet, const std::vector<unsigned>& tpids = {}) {
  Layers layers;
  for (const unsigned tpid : tpids) layers.vlan(tpid);
  Frame frame = layers.type(packet[0] >> 4U == 4 ? 0x0800 : 0x86dd);
  frame.insert(frame.end(), packet.begin(), packet.end());
  return frame;
}

/// `payload` in UDP to `port`, over IPv4 or IPv6.
Frame packet_of(bool ipv6, std::uint16_t port, const Frame& payload) {
  Frame packet = ipv6 ? bytes_of("6000000000001140" + std::string(64, '1'))
                      : bytes_of("450000000000400040110000" + std::string(16, '1'));
  const std::size_t length = udp_bytes + payload.size();
  const std::size_t total = ipv6 ? length : packet.size() + length;
  packet[ipv6 ? 4 : 2] = static_cast<std::uint8_t>(total >> 8U);
  packet[ipv6 ? 5 : 3] = static_cast<std::uint8_t>(total);
  for (const std::size_t number : {std::size_t{49152}, std::size_t{port}, length, std::size_t{0}}) {
    packet.push_back(static_cast<std::uint8_t>(number >> 8U));
    packet.push_back(static_cast<std::uint8_t>(number));
  }
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

// A UC SEND as strand (NPT 1) and in a tunnel (NPT 2), with order tag and departure time.
const std::string send = "2460ffff000000d300cf17104630818be28935d90e9a95505401be885e50000078f353f3";
const std::string words = "00000007000702130ddba11e";
Frame strand() {
  return bytes_of("4501005c047840004011b4b9c0a80007c0a80007c000f15f0048d389140612b72000000800004257c0000000" +
                  words + send);
}
Frame tunnel() {
  return bytes_of("4501007800004000401126650a0000070a000009c0def15f00640000180600042000000800004257c0000000" +
                  words + "45010040047840004011b4d5c0a80007c0a80007c00012b7002caca2" + send);
}
/// With node id and queue of two hops.
Frame hops() {
  return bytes_of(
      "140a12b72000020690004257c0000000"
      "0000000200000064"
      "0000000100000007" +
      words + send);
}
Frame probe() {
  return bytes_of(
      "010100340001000211223344556677880000000000000000"
      "0000000000000001000000003b9aca0000030211"
      "e8132b462242ca41");
}
/// Of no path.
Frame feedback() {
  return bytes_of(
      "0102003c0002000199887766554433221122334455667788"
      "0000000000000102000000012a05f20000030100"
      "0000000300000000"
      "0102030405060708");
}

struct Case {
  const char* description;
  Frame frame;
  std::size_t l4;  ///< the UDP header
};

const std::vector<Case>& taken() {
  static const std::vector<Case> table{
      {"strand", framed(strand()), 34},
      {"tunnel", framed(tunnel()), 34},
      {"strand with hops", framed(packet_of(false, int_udp_port, hops())), 34},
      {"strand over IPv6", framed(packet_of(true, int_udp_port, hops())), 54},
      {"strand in a VLAN", framed(strand(), {0x8100}), 38},
      {"strand over IPv6 in QinQ", framed(packet_of(true, int_udp_port, hops()), {0x88a8, 0x8100}), 62},
      {"probe", framed(packet_of(false, message_udp_port, probe())), 34},
      {"probe over IPv6 in QinQ", framed(packet_of(true, message_udp_port, probe()), {0x88a8, 0x8100}), 62},
      {"feedback in two 8100 tags", framed(packet_of(false, message_udp_port, feedback()), {0x8100, 0x8100}),
       42},
      {"feedback over IPv6", framed(packet_of(true, message_udp_port, feedback())), 54},
  };
  return table;
}

Frame cut(const Frame& frame, std::size_t length) {
  return {frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length)};
}

TEST(SteerGateway, WhatGatewaysWriteIsTakenIfItIsWhole) {
  SteerProgram program(XdpTake::rocev2);
  program.bind(0);
  for (const Case& test : taken()) {
    for (std::size_t length = ethernet_bytes; length <= test.frame.size(); ++length) {
      SCOPED_TRACE(std::string(test.description) + " cut to " + std::to_string(length));
      expect(run(program, cut(test.frame, length)), length == test.frame.size()    ? ours
                                                    : length < test.l4 + udp_bytes ? malformed
                                                                                   : other);
    }
    SCOPED_TRACE(std::string(test.description) + ", padded");
    Frame padded = test.frame;
    padded.resize(padded.size() + 18);
    expect(run(program, padded), ours);
  }
}

TEST(SteerGateway, WithoutASocketItIsDroppedAndNeverTheKernels) {
  const SteerProgram program(XdpTake::rocev2);
  for (const Case& test : taken()) {
    SCOPED_TRACE(test.description);
    expect(run(program, test.frame), braidway_xdp_dropped_unbound);
  }
}

TEST(SteerGateway, OtherTrafficToThosePortsIsTheKernels) {
  struct Change {
    const char* description;
    Frame frame;
    std::size_t at;
    unsigned to;
  };
  // Offsets in the frame: 16 IPv4's length, 20 its fragment, 38 UDP's length, 42 the payload.
  const Frame tagged = framed(packet_of(false, int_udp_port, hops()));
  const Frame message = framed(packet_of(false, message_udp_port, probe()));
  const Frame in_tunnel = framed(tunnel());
  const std::vector<Change> changes{
      {"INT to another port", tagged, 37, 0x5d},
      {"a message to INT's port", message, 37, 0x5f},
      {"INT to the messages' port", tagged, 37, 0x60},
      {"MX", tagged, 42, 0x34},
      {"signalled by DSCP", tagged, 42, 0x10},
      {"no known way of signalling", tagged, 42, 0x1c},
      {"shim shorter than header and tag", tagged, 43, 5},
      {"shim longer than UDP", tagged, 43, 0xff},
      {"a broken hop", tagged, 43, 9},
      {"not RoCEv2 before", tagged, 45, 0xb8},
      {"INT of version 1", tagged, 46, 0x10},
      {"HopML not the bitmap's", tagged, 48, 3},
      {"bitmap not HopML's", tagged, 50, 0xd0},
      {"a bit of two words", tagged, 50, 0x98},
      {"another domain", tagged, 53, 0x58},
      {"no departure time", tagged, 54, 0x80},
      {"more words than ours", tagged, 55, 1},
      {"UDP shorter than IP", tagged, 39, 40},
      {"IP longer than UDP", tagged, 17, 200},
      {"tunnel of another version", in_tunnel, 46, 0x30},
      {"message of version 2", message, 42, 2},
      {"message of type 3", message, 43, 3},
      {"message that says another length", message, 45, 0x35},
      {"message that says a longer one", message, 44, 1},
  };
  SteerProgram program(XdpTake::rocev2);
  program.bind(0);
  for (const Change& change : changes) {
    SCOPED_TRACE(change.description);
    ASSERT_NE(change.frame[change.at], change.to);
    expect(run(program, change.frame), ours);
    Frame changed = change.frame;
    changed[change.at] = static_cast<std::uint8_t>(change.to);
    expect(run(program, changed), other);
  }
  Frame fragment = tagged;
  fragment[20] = 0x20;
  expect(run(program, fragment), braidway_xdp_kernel_fragment);
}

TEST(SteerGateway, LengthsAreHeldToTheirBounds) {
  SteerProgram program(XdpTake::rocev2);
  program.bind(0);
  const auto message_of = [](std::size_t length) {
    Frame message = probe();
    message.resize(length);
    message[2] = static_cast<std::uint8_t>(length >> 8U);
    message[3] = static_cast<std::uint8_t>(length);
    return framed(packet_of(true, message_udp_port, message));
  };
  for (const std::size_t length : {std::size_t{52}, std::size_t{53}, std::size_t{1200}}) {
    SCOPED_TRACE(length);
    expect(run(program, message_of(length)), ours);
  }
  for (const std::size_t length : {std::size_t{4}, std::size_t{51}, std::size_t{1201}, std::size_t{1400}}) {
    SCOPED_TRACE(length);
    expect(run(program, message_of(length)), other);
  }
  // As many hops of one word as the shim can tell; and room for BTH and ICRC behind them, or not.
  const auto tagged_of = [](std::size_t behind) {
    Frame shim = bytes_of("14ff12b72000010880004257c0000000");
    shim.resize(4 + 4 * 255 + behind);
    return framed(packet_of(true, int_udp_port, shim), {0x88a8, 0x8100});
  };
  expect(run(program, tagged_of(16)), ours);
  expect(run(program, tagged_of(400)), ours);
  expect(run(program, tagged_of(15)), other);
  expect(run(program, tagged_of(0)), other);
}

TEST(SteerGateway, BehindIpOptionsOrExtensionHeadersItIsTheKernels) {
  SteerProgram program(XdpTake::rocev2);
  program.bind(0);
  Frame options = strand();
  options[0] = 0x46;
  options[3] += 4;
  options.insert(options.begin() + 20, {1, 1, 1, 1});
  expect(run(program, framed(options)), other);
  // A datagram that would fill the packet, did it have no options: it goes beyond its end, into the padding.
  options[29] += 4;
  options.resize(options.size() + 4);
  expect(run(program, framed(options)), other);
  Frame extension = packet_of(true, int_udp_port, hops());
  extension[5] += 8;
  extension[6] = 0;
  extension.insert(extension.begin() + 40, {17, 0, 1, 4, 0, 0, 0, 0});
  expect(run(program, framed(extension)), other);
}

TEST(SteerGateway, ThePortsCanBeOthers) {
  SteerProgram program(XdpTake::rocev2, {.int_md = 5005, .message = 7});
  program.bind(0);
  expect(run(program, framed(packet_of(false, 5005, hops()))), ours);
  expect(run(program, framed(packet_of(true, 7, probe()))), ours);
  expect(run(program, framed(packet_of(false, int_udp_port, hops()))), other);
  expect(run(program, framed(packet_of(true, message_udp_port, probe()))), other);
  expect(run(program, framed(packet_of(false, telemetry::rocev2_udp_port, bytes_of(send)))), ours);
}

/// What the codecs say of a frame whose UDP header is at `l4`; all before it is well-formed but for the
/// length.
bool written_by_a_gateway(const Frame& frame, std::size_t l4) {
  std::vector<std::byte> datagram;
  for (std::size_t at = l4; at < frame.size(); ++at) datagram.push_back(static_cast<std::byte>(frame[at]));
  const std::size_t length = telemetry::load_be16(&datagram[4]);
  if (length < udp_bytes || length > datagram.size()) return false;
  datagram.resize(length);
  const auto port = telemetry::load_be16(&datagram[2]);
  telemetry::MessageEnds ends;
  if (port == message_udp_port) {
    return check_form(std::span{datagram}.subspan(udp_bytes), ends) == telemetry::MessageDefect::none;
  }
  if (!telemetry::is_tagged(datagram, int_udp_port)) return false;
  const auto header = telemetry::IntHeader::load(&datagram[udp_bytes]);
  if (header.npt() == telemetry::Npt::tunnel) return true;
  const std::size_t bth = udp_bytes + 4 + 4 * header.length_words();
  return header.original_port() == telemetry::rocev2_udp_port &&
         bth + telemetry::bth_bytes + telemetry::icrc_bytes <= length;
}

TEST(SteerGateway, TheProgramAndTheCodecsAreOfOneMindAboutAnyHeader) {
  SteerProgram program(XdpTake::rocev2);
  program.bind(0);
  std::mt19937 random(1);
  std::set<std::pair<std::string, bool>> seen;
  for (int i = 0; i < 30'000; ++i) {
    const Case& from = taken()[random() % taken().size()];
    Frame frame = from.frame;
    // The shim's, INT's and a message's first bytes; rather small changes than any, or nothing is ever right.
    for (auto changes = random() % 4; changes > 0; --changes) {
      auto& byte = frame[from.l4 + udp_bytes + random() % 16];
      byte = static_cast<std::uint8_t>(random() % 2 == 0 ? byte ^ 1U << random() % 8 : random());
    }
    if (random() % 4 == 0)
      frame.resize(from.l4 + udp_bytes + random() % (frame.size() - from.l4 - udp_bytes));
    const bool right = written_by_a_gateway(frame, from.l4);
    seen.emplace(from.description, right);
    const auto outcome = run(program, frame);
    ASSERT_EQ(outcome.counted.value_or(braidway_xdp_verdict_count), right ? ours : other)
        << from.description << ", input " << i;
  }
  EXPECT_EQ(seen.size(), 2 * taken().size()) << "of each kind right ones and wrong ones";
}

}  // namespace
}  // namespace braidway::tests
