// What gateways write is known by port and header, both; a tagged packet is of the flow that it was of
// before.
#include <algorithm>

#include <gtest/gtest.h>

#include "telemetry/int_md.hpp"
#include "tests/unit/dataplane/gateway_frames.hpp"
#include "tests/unit/dataplane/parse_exactly.hpp"

namespace braidway::tests {
namespace {

using dataplane::Malformed;
using dataplane::OwnPorts;
using dataplane::Parsed;
using dataplane::TrafficClass;

/// Every hop of the longest stack that fits the shim's length.
constexpr telemetry::IntSettings all_metadata{.bitmap = telemetry::int_defined_bits, .mtu = 9000};

Frame under(unsigned headers) {
  Frame frame;
  if ((headers & 1U) != 0) frame.vlan(100, 0x88a8).vlan(7);
  return (headers & 2U) != 0 ? frame.ipv6() : frame.ipv4();
}
Frame rc(Frame frame) { return frame.udp().bth(0x06, 0x1234).payload(60).icrc(); }

void set16(Bytes& frame, std::size_t at, std::size_t number) {
  frame.at(at) = static_cast<std::byte>(number >> 8U);
  frame.at(at + 1) = static_cast<std::byte>(number);
}

TEST(ParserOfTags, ATaggedPacketIsOfTheFlowThatItWasOf) {
  for (unsigned headers = 0; headers < 4; ++headers) {
    const std::vector<Frame> frames{rc(under(headers)), under(headers).udp().bth(0x81, 9).payload(16).icrc(),
                                    under(headers).udp().bth(0x64, 9).payload(20).icrc(),
                                    under(headers).udp(5000).payload(90),
                                    under(headers).udp(4791).payload(3)};
    for (const Frame& frame : frames) {
      for (const bool own_hop : {false, true}) {
        const Parsed before = parse_exactly(frame.bytes());
        const Parsed after = parse_exactly(tagged(frame, first_of_flow, all_metadata, own_hop));
        EXPECT_EQ(after.malformed, Malformed::none);
        EXPECT_EQ(after.traffic_class, TrafficClass::tagged);
        EXPECT_TRUE(after.key == before.key) << headers;
        EXPECT_EQ(after.l3_offset, before.l3_offset);
        EXPECT_EQ(after.l4_offset, before.l4_offset);
      }
    }
  }
}

TEST(ParserOfTags, AStackOfTheLargestLengthIsReadThrough) {
  for (unsigned headers = 0; headers < 4; ++headers) {
    const Frame plain = rc(under(headers));
    Bytes frame = tagged(plain, first_of_flow, {.bitmap = telemetry::int_node_id, .mtu = 9000}, true);
    // Hops of one word each until the length's 8 bits are full.
    const std::size_t udp = plain.udp_offset();
    const std::size_t more = 255 - std::to_integer<std::size_t>(frame.at(udp + 9));
    frame.insert(frame.begin() + static_cast<std::ptrdiff_t>(udp + 8 + 16), 4 * more, std::byte{0x55});
    frame.at(udp + 9) = std::byte{255};
    set16(frame, udp + 4, frame.size() - udp);
    const std::size_t l3 = plain.l3_offset();
    (headers & 2U) != 0 ? set16(frame, l3 + 4, frame.size() - l3 - 40)
                        : set16(frame, l3 + 2, frame.size() - l3);
    const Bytes head(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(std::min(
                                                        frame.size(), dataplane::parsed_header_bytes)));
    for (const Parsed& parsed : {parse_exactly(frame), parse_exactly(head, frame.size())}) {
      EXPECT_EQ(parsed.traffic_class, TrafficClass::tagged);
      EXPECT_TRUE(parsed.key == parse_exactly(plain.bytes()).key);
    }
  }
}

TEST(ParserOfTags, WithoutARightHeaderItIsOtherTraffic) {
  const Bytes right = tagged(rc(Frame().ipv4()));
  const std::size_t shim = 14 + 20 + 8;
  const auto class_of = [](const Bytes& frame) { return parse_exactly(frame).traffic_class; };
  ASSERT_EQ(class_of(right), TrafficClass::tagged);
  struct Wrong {
    const char* what;
    std::size_t at;
    std::uint8_t value;
  };
  for (const Wrong& wrong :
       {Wrong{"type", 0, 0x34}, Wrong{"NPT 0", 0, 0x10}, Wrong{"NPT 3", 0, 0x1c},
        Wrong{"length below the words'", 1, 5}, Wrong{"length beyond UDP", 1, 255}, Wrong{"version", 4, 0x10},
        Wrong{"HopML", 6, 1}, Wrong{"bitmap", 8, 0x80}, Wrong{"domain", 10, 0x43},
        Wrong{"no order tag", 12, 0x40}, Wrong{"more words than ours", 12, 0xe0}}) {
    Bytes frame = right;
    frame.at(shim + wrong.at) = std::byte{wrong.value};
    EXPECT_EQ(class_of(frame), TrafficClass::other) << wrong.what;
  }
  Bytes to_other_port = right;
  set16(to_other_port, shim - 6, 61790);
  EXPECT_EQ(class_of(to_other_port), TrafficClass::other);
  EXPECT_EQ(class_of(Frame().ipv4().udp(61791).payload(80, 0).bytes()), TrafficClass::other);
  EXPECT_EQ(class_of(Frame().ipv4().udp(61791).payload(15, 0x14).bytes()), TrafficClass::other);
  EXPECT_EQ(class_of(Frame().ipv4().udp(61791).bytes()), TrafficClass::other);
  Bytes longer_than_udp = right;
  set16(longer_than_udp, shim - 4, right.size() - 14 - 20 - 4);
  EXPECT_EQ(class_of(longer_than_udp), TrafficClass::other);
  Bytes fragment = right;
  fragment.at(14 + 6) = std::byte{0x20};
  EXPECT_EQ(class_of(fragment), TrafficClass::other);
}

TEST(ParserOfTags, TheDomainsPortIsWhatItIsToldToBe) {
  const Bytes frame = tagged(rc(Frame().ipv4()), first_of_flow, {.udp_port = 700, .mtu = 9000});
  EXPECT_EQ(parse_exactly(frame).traffic_class, TrafficClass::other);
  EXPECT_EQ(dataplane::parse_frame(frame, frame.size(), OwnPorts{.int_md = 700}).traffic_class,
            TrafficClass::tagged);
  const Bytes usual = tagged(rc(Frame().ipv4()));
  EXPECT_EQ(dataplane::parse_frame(usual, usual.size(), OwnPorts{.int_md = 700}).traffic_class,
            TrafficClass::other);
}

TEST(ParserOfMessages, AMessageIsKnownByPortAndForm) {
  for (unsigned headers = 0; headers < 4; ++headers) {
    const Frame to_port = under(headers).udp(61792);
    const Bytes right = probe(to_port);
    EXPECT_EQ(parse_exactly(right).traffic_class, TrafficClass::message);
    EXPECT_EQ(parse_exactly(probe(under(headers).udp(61793))).traffic_class, TrafficClass::other);
    const std::size_t at = to_port.udp_offset() + 8;
    for (const auto& [offset, value] :
         {std::pair{0, 2}, std::pair{1, 3}, std::pair{2, 1}, std::pair{3, 51}}) {
      Bytes wrong = right;
      wrong.at(at + static_cast<std::size_t>(offset)) = static_cast<std::byte>(value);
      EXPECT_EQ(parse_exactly(wrong).traffic_class, TrafficClass::other) << offset;
    }
    EXPECT_EQ(parse_exactly(under(headers).udp(61792).payload(51, 1).bytes()).traffic_class,
              TrafficClass::other);
    EXPECT_EQ(parse_exactly(under(headers).udp(61792).payload(1201, 1).bytes()).traffic_class,
              TrafficClass::other);
    EXPECT_EQ(parse_exactly(under(headers).udp(61792).bytes()).traffic_class, TrafficClass::other);
  }
}

TEST(ParserOfMessages, TheLongestMessageIsReadFromTheFirstBytesAlone) {
  for (unsigned headers = 0; headers < 4; ++headers) {
    Frame frame = under(headers).udp(61792);
    const std::size_t at = frame.udp_offset() + 8;
    frame.payload(telemetry::most_message_bytes, 0);
    frame.byte(at, 1).byte(at + 1, 2).byte(at + 2, 1200 >> 8U).byte(at + 3, 1200 & 0xffU);
    const Bytes bytes = frame.pad_to(3000).bytes();
    const Bytes head(bytes.begin(),
                     bytes.begin() + static_cast<std::ptrdiff_t>(dataplane::parsed_header_bytes));
    EXPECT_EQ(parse_exactly(head, bytes.size()).traffic_class, TrafficClass::message);
  }
}

}  // namespace
}  // namespace braidway::tests
