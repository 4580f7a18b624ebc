// The packets are those of the wire-format reference, or written down from its text.
#include "ctrl/collect/packet.hpp"

#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/telemetry/hex.hpp"

namespace braidway::ctrl::collect {
namespace {

using telemetry::bytes_of_hex;
using telemetry::InnerType;
using Bytes = std::vector<std::byte>;

constexpr std::uint16_t int_port = 61791;

/// A congestion notification; with two hops of INT at port 5005; a UC SEND on a strand and in a tunnel.
Bytes notification() {
  return bytes_of_hex("45c2003c718c4000401191610a0011010a001201000012b7002800008100ffff4000011800000000" +
                      std::string(32, '0') + "82fd002a");
}
Bytes two_hops() {
  return bytes_of_hex(
      "45c2006c718c4000401191310a0011010a0012010000138d00580000140b12b720000406f00000000000000000000002000500"
      "06"
      "000005dc01000064000000010003000400000384000000078100ffff4000011800000000" +
      std::string(32, '0') + "82fd002a");
}
constexpr const char* send = "2460ffff000000d300cf17104630818be28935d90e9a95505401be885e50000078f353f3";
Bytes strand() {
  return bytes_of_hex(
      "4501005c047840004011b4b9c0a80007c0a80007c000f15f0048d389140612b72000000800004257c000000000000007000702"
      "130d"
      "dba11e" +
      std::string(send));
}
Bytes tunnel() {
  return bytes_of_hex(
      "4501007800004000401126650a0000070a000009c0def15f00640000180600042000000800004257c000000000000007000702"
      "130d"
      "dba11e45010040047840004011b4d5c0a80007c0a80007c00012b7002caca2" +
      std::string(send));
}
/// An ACK over IPv6.
Bytes acknowledgement() {
  return bytes_of_hex(
      "60000000001c1140fd770000000000000000000000000001fd770000000000000000000000000002c2d912b7001c00001100ff"
      "ff"
      "0000001b001557ed1f00000193c603c6");
}

Json described(const Bytes& bytes, InnerType type = InnerType::ipv4, std::uint16_t port = int_port) {
  return describe_packet(type, bytes, port);
}

TEST(Packet, ARocev2PacketIsItsFlow) {
  EXPECT_EQ(described(notification()), Json::parse(R"({"source": "10.0.17.1", "destination": "10.0.18.1",
      "protocol": 17, "source_port": 0, "destination_port": 4791, "opcode": 129, "dest_qpn": 280, "psn": 0})"));
  EXPECT_EQ(
      described(acknowledgement(), InnerType::ipv6),
      Json::parse(R"({"source": "fd77::1", "destination": "fd77::2", "protocol": 17, "source_port": 49881,
      "destination_port": 4791, "opcode": 17, "dest_qpn": 27, "psn": 1398765})"));
}

TEST(Packet, BehindTwoTagsAnEthernetFrameIsItsPacket) {
  Bytes frame = bytes_of_hex("02000000000202000000000188a820648100b00a0800");
  const auto packet = notification();
  frame.insert(frame.end(), packet.begin(), packet.end());
  EXPECT_EQ(described(frame, InnerType::ethernet), described(packet));
  EXPECT_EQ(described(bytes_of_hex("0200000000020200000000010806"), InnerType::ethernet), Json::object());
}

TEST(Packet, HopsAreToldNewestFirst) {
  const auto found = described(two_hops(), InnerType::ipv4, 5005);
  EXPECT_EQ(found.at("int"), Json::parse(R"({"domain": 0, "remaining_hops": 6, "hops_exceeded": false,
      "mtu_exceeded": false, "hops": [
        {"node": 2, "l1_ingress": 5, "l1_egress": 6, "hop_latency": 1500, "queue": 1, "queue_occupancy": 100},
        {"node": 1, "l1_ingress": 3, "l1_egress": 4, "hop_latency": 900, "queue": 0, "queue_occupancy": 7}]})"));
  EXPECT_EQ(found.at("destination_port"), 4791);
  EXPECT_EQ(found.at("dest_qpn"), 280);
}

TEST(Packet, OrderWordsAreToldOfAStrandAndOfATunnel) {
  const auto words = Json::parse(R"({"domain": 16983, "remaining_hops": 8, "hops_exceeded": false,
      "mtu_exceeded": false, "hops": [],
      "order": {"sequence": 7, "gateway": 7, "path": 2, "lane": 1, "epoch": 3}, "departure": 232497438})");
  const auto on_strand = described(strand());
  EXPECT_EQ(on_strand.at("int"), words);
  EXPECT_EQ(on_strand.at("dest_qpn"), 0xd3);
  const auto in_tunnel = described(tunnel());
  EXPECT_EQ(in_tunnel.at("int"), words);
  EXPECT_EQ(in_tunnel.at("source"), "10.0.0.7");
  EXPECT_EQ(in_tunnel.at("inner").at("source"), "192.168.0.7");
  EXPECT_EQ(in_tunnel.at("inner").at("psn"), 0xcf1710);
}

TEST(Packet, WhatAHopCouldNotTellIsNull) {
  auto bytes = two_hops();
  for (std::size_t at = 44 + 8; at < 44 + 16; ++at) bytes[at] = std::byte{0xff};
  const auto hop = described(bytes, InnerType::ipv4, 5005).at("int").at("hops").at(0);
  EXPECT_TRUE(hop.at("hop_latency").is_null());
  EXPECT_TRUE(hop.at("queue_occupancy").is_null());
  EXPECT_EQ(hop.at("node"), 2);
}

TEST(Packet, WhatCannotBeIntIsLeftOut) {
  struct Case {
    const char* description;
    std::size_t at;
    unsigned to;
    const char* missing;  ///< of "int", or "int" itself
  };
  // 28: shim; 32: INT header; 36: bitmap.
  const std::vector<Case> cases{
      {"MX", 28, 0x34, "int"},
      {"no known way of signalling", 28, 0x10, "int"},
      {"shorter than its header", 29, 2, "int"},
      {"longer than UDP", 29, 20, "int"},
      {"INT of version 1", 32, 0x10, "int"},
      {"HopML not the bitmap's", 34, 3, "hops"},
      {"a broken number of hops", 29, 10, "hops"},
      {"another domain's words, whose length nobody knows", 40, 0x80, "hops"},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.description);
    auto bytes = two_hops();
    bytes[each.at] = static_cast<std::byte>(each.to);
    const auto found = described(bytes, InnerType::ipv4, 5005);
    EXPECT_EQ(found.at("source"), "10.0.17.1");
    EXPECT_FALSE((std::string(each.missing) == "int" ? found : found.at("int")).contains(each.missing));
  }
}

TEST(Packet, LaterFragmentsHaveNoPorts) {
  auto bytes = notification();
  bytes[7] = std::byte{1};
  EXPECT_EQ(described(bytes),
            Json::parse(R"({"source": "10.0.17.1", "destination": "10.0.18.1", "protocol": 17})"));
}

TEST(Packet, CutAnywhereItTellsWhatIsThere) {
  for (const auto& whole : {notification(), two_hops(), strand(), tunnel(), acknowledgement()}) {
    const auto type = whole[0] == std::byte{0x60} ? InnerType::ipv6 : InnerType::ipv4;
    const auto port = whole == two_hops() ? std::uint16_t{5005} : int_port;
    const Json all = described(whole, type, port);
    std::size_t fields = 0;
    for (std::size_t length = 0; length <= whole.size(); ++length) {
      const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length));
      const Json found = described(cut, type, port);
      EXPECT_GE(found.size(), fields) << length;
      fields = found.size();
      for (const auto& [name, what] : found.items()) EXPECT_TRUE(all.contains(name)) << name << what;
    }
    EXPECT_EQ(fields, all.size());
  }
}

TEST(Packet, NonsenseIsSurvived) {
  std::mt19937 random(1);
  const std::vector<Bytes> packets{two_hops(), strand(), tunnel(), acknowledgement()};
  for (int i = 0; i < 200'000; ++i) {
    Bytes bytes = packets[random() % packets.size()];
    for (unsigned changes = random() % 8; changes > 0; --changes) {
      bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    }
    bytes.resize(random() % (bytes.size() + 1));
    bytes.shrink_to_fit();
    const auto type = static_cast<InnerType>(random() % 6);
    const auto found = described(bytes, type, random() % 2 == 0 ? int_port : std::uint16_t{5005});
    EXPECT_TRUE(found.is_object());
    EXPECT_TRUE(found.empty() || found.contains("source"));
  }
}

}  // namespace
}  // namespace braidway::ctrl::collect
