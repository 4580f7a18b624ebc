// What a wire does to the bytes of a frame.
#include "bench/wire/frame_edit.hpp"

#include <algorithm>
#include <bit>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/unit/dataplane/frame_builder.hpp"

namespace braidway::bench::wire {
namespace {

using tests::Bytes;
using tests::Frame;

/// RFC 1071 over an IPv4 header with its checksum in place: 0 if that is right.
unsigned ipv4_residue(const Bytes& frame, std::size_t at) {
  unsigned sum = 0;
  for (std::size_t i = at; i < at + 20; i += 2) {
    sum += std::to_integer<unsigned>(frame[i]) << 8U | std::to_integer<unsigned>(frame[i + 1]);
  }
  while (sum > 0xffff) sum = (sum & 0xffffU) + (sum >> 16U);
  return sum ^ 0xffffU;
}

void set_checksum(Bytes& frame, std::size_t at) {
  frame[at + 10] = frame[at + 11] = std::byte{0};
  const unsigned checksum = ipv4_residue(frame, at);
  frame[at + 10] = static_cast<std::byte>(checksum >> 8U);
  frame[at + 11] = static_cast<std::byte>(checksum);
}

struct Marking {
  std::string name;
  Bytes frame;
  std::size_t at;  ///< of the byte that has the ECN field
  std::uint8_t before;
  std::uint8_t after;
};

std::vector<Marking> markings() {
  const Bytes v4 = Frame().ipv4().udp().payload(20).bytes();
  const Bytes v6 = Frame().ipv6().udp().payload(20).bytes();
  const Bytes tagged4 = Frame().vlan(7).ipv4().udp().payload(20).bytes();
  const Bytes tagged6 = Frame().vlan(7, 0x88a8).vlan(8).ipv6().udp().payload(20).bytes();
  return {
      {"IPv4, ECT(0)", v4, 15, 0x02, 0x03},
      {"IPv4, ECT(1)", v4, 15, 0x01, 0x03},
      {"IPv4, ECT(0), DSCP 26 stays", v4, 15, 0x6a, 0x6b},
      {"IPv4, not ECN-capable", v4, 15, 0x68, 0x68},
      {"IPv4, CE already", v4, 15, 0x03, 0x03},
      {"IPv4 behind a VLAN tag", tagged4, 19, 0x02, 0x03},
      {"IPv6, ECT(0), flow label stays", v6, 15, 0x2f, 0x3f},
      {"IPv6, ECT(1)", v6, 15, 0x10, 0x30},
      {"IPv6, not ECN-capable", v6, 15, 0x0f, 0x0f},
      {"IPv6, CE already", v6, 15, 0x30, 0x30},
      {"IPv6 behind two VLAN tags", tagged6, 23, 0xe5, 0xf5},
      {"no IP", Frame().payload(50).bytes(), 15, 0x02, 0x02},
      {"an IPv4 EtherType before something else", Frame().type(0x0800).payload(50, 0x62).bytes(), 15, 0x02,
       0x02},
  };
}

TEST(MarkCe, changes_the_ecn_field_of_ecn_capable_packets_and_no_other_bit) {
  for (const Marking& each : markings()) {
    SCOPED_TRACE(each.name);
    Bytes frame = each.frame;
    frame[each.at] = std::byte{each.before};
    Bytes expected = frame;
    expected[each.at] = std::byte{each.after};
    const bool is_v4 = each.name.starts_with("IPv4");
    if (is_v4) {
      set_checksum(frame, each.at - 1);
      set_checksum(expected, each.at - 1);
    }
    EXPECT_EQ(mark_ce(frame), each.before != each.after);
    EXPECT_EQ(frame, expected);
  }
}

RC_GTEST_PROP(MarkCe, keeps_every_right_ipv4_checksum_right, ()) {
  Bytes frame = Frame().ipv4().udp().payload(10).bytes();
  for (std::size_t i = 14; i < 34; ++i)
    frame[i] = static_cast<std::byte>(*rc::gen::arbitrary<std::uint8_t>());
  frame[14] = std::byte{0x45};
  set_checksum(frame, 14);
  mark_ce(frame);
  RC_ASSERT(ipv4_residue(frame, 14) == 0U);
}

RC_GTEST_PROP(MarkCe, reads_no_byte_beyond_any_beginning_of_a_frame, ()) {
  const Bytes whole = *rc::gen::element(Frame().vlan(1).vlan(2).ipv4().udp().payload(4).bytes(),
                                        Frame().vlan(1).ipv6().udp().payload(4).bytes(),
                                        Frame().vlan(1).vlan(2).vlan(3).vlan(4).vlan(5).ipv4().bytes());
  // In memory of its own, so that AddressSanitizer sees a step too far.
  Bytes part(whole.begin(), whole.begin() + *rc::gen::inRange<std::ptrdiff_t>(0, std::ssize(whole) + 1));
  part.shrink_to_fit();
  mark_ce(part);
  flip_payload_bit(part, *rc::gen::arbitrary<std::uint64_t>());
}

struct Payload {
  std::string name;
  Bytes frame;
  std::size_t begin;
  std::size_t end;
};

TEST(FlipPayloadBit, reaches_every_bit_of_the_payload_and_nothing_else) {
  const Payload table[] = {
      {"UDP over IPv4", Frame().ipv4().udp().payload(9).bytes(), 14 + 20 + 8, 14 + 20 + 8 + 9},
      {"UDP over IPv4 with options", Frame().ipv4(1, 2, 8).udp().payload(9).bytes(), 14 + 28 + 8,
       14 + 28 + 8 + 9},
      {"UDP over IPv6", Frame().ipv6().udp().payload(9).bytes(), 14 + 40 + 8, 14 + 40 + 8 + 9},
      {"TCP over IPv4", Frame().ipv4().tcp(1, 2).bytes(), 14 + 20, 14 + 20 + 20},
      {"padding is no payload", Frame().ipv4().udp().payload(3).pad_to(60).bytes(), 14 + 20 + 8,
       14 + 20 + 8 + 3},
      {"no IP", Frame().payload(46).bytes(), 14, 60},
      {"no IP behind a tag", Frame().vlan(5).payload(42).bytes(), 18, 60},
  };
  for (const Payload& each : table) {
    SCOPED_TRACE(each.name);
    std::set<std::size_t> reached;
    for (std::uint64_t draw = 0; draw < (each.end - each.begin) * 8; ++draw) {
      Bytes frame = each.frame;
      ASSERT_TRUE(flip_payload_bit(frame, draw));
      const auto at = static_cast<std::size_t>(std::ranges::mismatch(frame, each.frame).in1 - frame.begin());
      EXPECT_TRUE(at >= each.begin && at < each.end) << at;
      EXPECT_TRUE(std::has_single_bit(std::to_integer<unsigned>(frame[at] ^ each.frame[at])));
      EXPECT_TRUE(std::equal(frame.begin() + static_cast<std::ptrdiff_t>(at) + 1, frame.end(),
                             each.frame.begin() + static_cast<std::ptrdiff_t>(at) + 1));
      reached.insert(at * 8 + static_cast<std::size_t>(
                                  std::countr_zero(std::to_integer<unsigned>(frame[at] ^ each.frame[at]))));
    }
    EXPECT_EQ(reached.size(), (each.end - each.begin) * 8);
  }
}

TEST(FlipPayloadBit, leaves_a_frame_without_payload_alone) {
  for (const Bytes& each : {Frame().bytes(), Frame().ipv4().udp().bytes(), Frame().ipv6().bytes(),
                            Frame().ipv4().udp().pad_to(60).bytes(), Bytes(5), Bytes{}}) {
    Bytes frame = each;
    EXPECT_FALSE(flip_payload_bit(frame, 12345));
    EXPECT_EQ(frame, each);
  }
}

}  // namespace
}  // namespace braidway::bench::wire
