// Which bits of a frame say what flow it belongs to: every bit of the headers is turned, one at a time.
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/dataplane/frame_builder.hpp"
#include "tests/unit/dataplane/parse_exactly.hpp"

namespace braidway::tests {
namespace {

using dataplane::Malformed;
using dataplane::Parsed;
using dataplane::TrafficClass;

enum class Effect : std::uint8_t {
  none,     // the same flow
  flow,     // another flow of the same class
  meaning,  // the frame is read as something else, or refused
};

struct Field {
  const char* name;
  std::size_t bits;
  Effect effect;
};

using Layout = std::vector<Field>;

const Layout ethernet{{"MAC addresses", 96, Effect::none}, {"EtherType", 16, Effect::meaning}};
const Layout vlan{{"tag", 16, Effect::none}, {"EtherType", 16, Effect::meaning}};
const Layout ipv4{{"version, IHL", 8, Effect::meaning},
                  {"DSCP, ECN", 8, Effect::none},
                  {"total length", 16, Effect::meaning},
                  {"identification", 16, Effect::none},
                  {"reserved flag, DF", 2, Effect::none},
                  {"MF, fragment offset", 14, Effect::meaning},
                  {"TTL", 8, Effect::none},
                  {"protocol", 8, Effect::meaning},
                  {"checksum", 16, Effect::none},
                  {"addresses", 64, Effect::flow}};
const Layout ipv6{{"version", 4, Effect::meaning},         {"traffic class, flow label", 28, Effect::none},
                  {"payload length", 16, Effect::meaning}, {"next header", 8, Effect::meaning},
                  {"hop limit", 8, Effect::none},          {"addresses", 256, Effect::flow}};
// Of an RC packet: turning a bit of the transport makes it UC, XRC or something else (tested by table).
const Layout rocev2{
    {"source port", 16, Effect::none},           {"destination port", 16, Effect::meaning},
    {"UDP length", 16, Effect::meaning},         {"checksum", 16, Effect::none},
    {"transport: 100, 010", 2, Effect::meaning}, {"transport: 001, operation", 6, Effect::none},
    {"SE, M, pad count", 4, Effect::none},       {"TVer", 4, Effect::meaning},
    {"P_Key, FECN, BECN", 24, Effect::none},     {"destination QP", 24, Effect::flow},
    {"AckReq, PSN", 32, Effect::none},           {"payload, ICRC", 96, Effect::none}};

void check(const Frame& frame, const std::vector<Layout>& layouts) {
  const Bytes bytes = frame.bytes();
  const Parsed original = parse_exactly(bytes);
  ASSERT_EQ(original.traffic_class, TrafficClass::rdma);
  std::size_t bit = 0;
  for (const Layout& layout : layouts) {
    for (const Field& field : layout) {
      for (std::size_t end = bit + field.bits; bit < end; ++bit) {
        Bytes turned = bytes;
        turned[bit / 8] ^= std::byte{0x80} >> bit % 8;
        const Parsed parsed = parse_exactly(turned);
        const bool rdma = parsed.malformed == Malformed::none && parsed.traffic_class == TrafficClass::rdma;
        EXPECT_EQ(rdma, field.effect != Effect::meaning) << field.name << ", bit " << bit;
        if (!rdma) continue;
        EXPECT_EQ(parsed.key == original.key, field.effect == Effect::none) << field.name << ", bit " << bit;
      }
    }
  }
  EXPECT_EQ(bit, 8 * bytes.size()) << "the layout covers the frame";
}

TEST(FlowIdentity, OnlyAddressesAndDestinationQpMakeTheFlow) {
  const auto rc = [](Frame frame) { return frame.udp().bth(0x06, 0x5a5a5a).payload(8).icrc(); };
  check(rc(Frame().ipv4()), {ethernet, ipv4, rocev2});
  check(rc(Frame().ipv6()), {ethernet, ipv6, rocev2});
  check(rc(Frame().vlan(7).ipv4()), {ethernet, vlan, ipv4, rocev2});
  check(rc(Frame().vlan(100, 0x88a8).vlan(7).ipv6()), {ethernet, vlan, vlan, ipv6, rocev2});
}

TEST(FlowIdentity, AFlowIsTheSameUnderAnyTags) {
  for (const bool v6 : {false, true}) {
    const auto key = [v6](Frame frame) {
      v6 ? frame.ipv6() : frame.ipv4();
      return parse_exactly(frame.udp().bth(0x06, 77).payload(8).icrc().bytes()).key;
    };
    EXPECT_TRUE(key(Frame()) == key(Frame().vlan(7)));
    EXPECT_TRUE(key(Frame()) == key(Frame().vlan(8, 0x88a8).vlan(7)));
  }
}

TEST(FlowIdentity, AllPacketsOfAQpAreOneFlowWhateverTheirOpcode) {
  const auto key = [](std::uint8_t opcode) {
    return parse_exactly(Frame().ipv4().udp().bth(opcode, 77).payload(28).icrc().bytes()).key;
  };
  for (const unsigned opcode : {0x00U, 0x0cU, 0x0dU, 0x10U, 0x11U, 0x14U, 0x20U, 0xa6U, 0x64U, 0x81U}) {
    EXPECT_TRUE(key(static_cast<std::uint8_t>(opcode)) == key(0x06)) << opcode;
  }
}

TEST(FlowIdentity, TheTwoDirectionsAreTwoFlows) {
  const auto key = [](std::uint32_t from, std::uint32_t to) {
    return parse_exactly(Frame().ipv4(from, to).udp().bth(0x06, 77).icrc().bytes()).key;
  };
  EXPECT_FALSE(key(1, 2) == key(2, 1));
}

TEST(FlowIdentity, FragmentsOfAPacketStayTogether) {
  const auto key = [](std::uint16_t offset, bool more, std::uint8_t with) {
    return parse_exactly(Frame().ipv4().protocol(17).payload(64, with).fragment(offset, more).bytes()).key;
  };
  EXPECT_TRUE(key(0, true, 1) == key(8, true, 2));
  EXPECT_TRUE(key(0, true, 1) == key(16, false, 3));
}

}  // namespace
}  // namespace braidway::tests
