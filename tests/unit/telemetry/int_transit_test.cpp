// What a hop on the way writes and what it leaves alone (INT 2.1), and what a source refuses.
#include <cstdint>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/telemetry/int_packets.hpp"

namespace braidway::telemetry {
namespace {

using namespace braidway::tests;

constexpr std::size_t ip = 14;
constexpr std::size_t udp = 34;
constexpr std::size_t shim = 42;
constexpr std::size_t md = 46;
constexpr HopMetadata hop{.node_id = 0x01020304, .queue = 0x05060708};
constexpr std::uint16_t queues = 0x9000;  // node id and queue: two words

/// The golden packet, stamped for that bitmap.
Bytes stamped(std::uint16_t bitmap, const HopMetadata* own = nullptr) {
  Buffer buffer{frame_of(uc_send)};
  buffer.moved_forward(StrandStamp{{.bitmap = bitmap}}.stamp(buffer.view(), golden_words, own));
  return buffer.bytes();
}

struct Result {
  TransitOutcome outcome;
  IntFault fault;
  Bytes frame;
};
Result transit(const Bytes& frame, std::uint16_t mtu = 1500, std::size_t headroom = Buffer::headroom,
               const HopMetadata& metadata = hop) {
  Buffer buffer{frame, headroom};
  const auto result = push_hop(buffer.view(), {.udp_port = int_udp_port, .mtu = mtu}, metadata);
  if (result.frame.fault == IntFault::none) buffer.moved_forward(result.frame);
  return {result.outcome, result.frame.fault, buffer.bytes()};
}

bool checksums_right(const Bytes& frame) {
  return plain_sum(frame, ip, 20) == 0xffff && plain_udp_sum(frame, ip) == 0xffff;
}

TEST(Transit, InsertsItsWordsRightBehindTheHeader) {
  const Bytes before = stamped(queues);
  const auto [outcome, fault, after] = transit(before);
  EXPECT_EQ(outcome, TransitOutcome::pushed);
  Bytes expected = before;
  const Bytes words = from_hex("0102030405060708");
  expected.insert(expected.begin() + md + 12, words.begin(), words.end());
  set_number16(expected, ip + 2, number16(before, ip + 2) + 8);
  set_number16(expected, udp + 4, number16(before, udp + 4) + 8);
  expected[shim + 1] = std::byte{8};
  expected[md + 3] = std::byte{7};
  fill_checksums(expected, ip);
  EXPECT_EQ(after, expected);
}

TEST(Transit, WritesAllFieldsInTheStandardsOrderAndOnesForReservedOnes) {
  const HopMetadata all{.node_id = 0x11111111,
                        .level1_ingress = 0x2222,
                        .level1_egress = 0x2323,
                        .hop_latency = 0x33333333,
                        .queue = 0x44444444,
                        .ingress_time = 0x5555555555555555,
                        .egress_time = 0x6666666666666666,
                        .level2_ingress = 0x77777777,
                        .level2_egress = 0x78787878,
                        .egress_utilisation = 0x88888888,
                        .buffer = 0x99999999};
  const Bytes words = from_hex(
      "111111112222232333333333444444445555555555555555666666666666666677777777787878788888888899999999"
      "ffffffffffffffffffffffffffffffffffffffffffffffffffffffff");
  // Another source's packet: ours asks for no reserved bits.
  Bytes frame = stamped(0);
  set_number16(frame, md + 4, 0xffff);
  frame[md + 2] = std::byte{19};
  fill_checksums(frame, ip);
  const auto [outcome, fault, after] = transit(frame, 1500, Buffer::headroom, all);
  ASSERT_EQ(outcome, TransitOutcome::pushed);
  EXPECT_EQ(Bytes(after.begin() + md + 12, after.begin() + md + 12 + 76), words);
  EXPECT_TRUE(checksums_right(after));
  Buffer buffer{after, 0};
  Tagged tagged;
  ASSERT_EQ(examine(buffer.view(), int_udp_port, tagged), IntFault::none);
  ASSERT_EQ(tagged.stack.hops(), 1U);
  EXPECT_EQ(tagged.stack.hop(0), all);
}

TEST(Transit, WritesOnesForWhatItDoesNotKnow) {
  const auto [outcome, fault, after] = transit(stamped(0xff80), 1500, Buffer::headroom, HopMetadata{});
  ASSERT_EQ(outcome, TransitOutcome::pushed);
  EXPECT_EQ(Bytes(after.begin() + md + 12, after.begin() + md + 12 + 48), Bytes(48, std::byte{0xff}));
}

TEST(Transit, WithNoHopRemainingSetsEAndNothingElse) {
  Bytes frame = stamped(queues);
  frame[md + 3] = std::byte{0};
  fill_checksums(frame, ip);
  const auto [outcome, fault, after] = transit(frame);
  EXPECT_EQ(outcome, TransitOutcome::hops_exceeded);
  Bytes expected = frame;
  expected[md] = std::byte{0x24};
  fill_checksums(expected, ip);
  EXPECT_EQ(after, expected);
  EXPECT_EQ(transit(after).frame, after) << "once is enough";
}

TEST(Transit, WithoutRoomInTheMtuSetsMAndNothingElse) {
  const Bytes frame = stamped(queues);
  const auto ip_bytes = static_cast<std::uint16_t>(number16(frame, ip + 2));
  EXPECT_EQ(transit(frame, ip_bytes + 8).outcome, TransitOutcome::pushed);
  const auto [outcome, fault, after] = transit(frame, ip_bytes + 7);
  EXPECT_EQ(outcome, TransitOutcome::mtu_exceeded);
  Bytes expected = frame;
  expected[md] = std::byte{0x22};
  fill_checksums(expected, ip);
  EXPECT_EQ(after, expected);
}

TEST(Transit, LetsAnExhaustedPacketBeExhaustedWhateverTheMtu) {
  Bytes frame = stamped(queues);
  frame[md + 3] = std::byte{0};
  EXPECT_EQ(transit(frame, 100).outcome, TransitOutcome::hops_exceeded);
}

TEST(Transit, FillsTheStackToTheLastWordOfLengthAndNoFurther) {
  Bytes frame = stamped(0xd000);
  frame[md + 3] = std::byte{255};
  fill_checksums(frame, ip);
  // 255 words of Length: 3 of header, 3 of order words, 83 hops of three words.
  for (int pushed = 0; pushed < 83; ++pushed) {
    const auto [outcome, fault, after] = transit(frame);
    ASSERT_EQ(outcome, TransitOutcome::pushed) << pushed;
    frame = after;
  }
  EXPECT_EQ(frame[shim + 1], std::byte{255});
  EXPECT_TRUE(checksums_right(frame));
  const auto [outcome, fault, after] = transit(frame);
  EXPECT_EQ(outcome, TransitOutcome::stack_full);
  EXPECT_EQ(after, frame);
  Buffer buffer{frame, 0};
  Tagged tagged;
  ASSERT_EQ(examine(buffer.view(), int_udp_port, tagged), IntFault::none);
  EXPECT_EQ(tagged.stack.hops(), 83U);
}

TEST(Transit, HasNothingToSayWhereNothingIsAsked) {
  Bytes frame = stamped(0);
  EXPECT_EQ(transit(frame).outcome, TransitOutcome::nothing_asked);
  EXPECT_EQ(transit(frame).frame, frame);
  frame[md + 3] = std::byte{0};
  EXPECT_EQ(transit(frame).outcome, TransitOutcome::nothing_asked) << "nothing is missing, so no E";
}

TEST(Transit, WritesForForeignDomainsWhatTheBitmapAsksAndLeavesTheirPartAlone) {
  Bytes frame = stamped(queues);
  set_number16(frame, md + 6, 0x1234);
  set_number16(frame, md + 8, 0xffff);
  set_number16(frame, md + 10, 0xabcd);
  fill_checksums(frame, ip);
  const auto [outcome, fault, after] = transit(frame);
  EXPECT_EQ(outcome, TransitOutcome::pushed);
  EXPECT_EQ(Bytes(after.begin() + md + 6, after.begin() + md + 12), from_hex("1234ffffabcd"));
  EXPECT_TRUE(checksums_right(after));
  frame[md + 2] = std::byte{3};
  EXPECT_EQ(transit(frame).outcome, TransitOutcome::passed) << "a word more a hop than the bitmap asks for";
  EXPECT_EQ(transit(frame).fault, IntFault::int_hop_length);
}

TEST(Transit, LeavesReservedBitsAndDiscardAsTheyCome) {
  Bytes frame = stamped(queues);
  frame[shim] = std::byte{0x17};
  frame[md] = std::byte{0x29};
  frame[md + 1] = std::byte{0xff};
  frame[md + 2] = std::byte{0xe2};
  const auto [outcome, fault, after] = transit(frame);
  EXPECT_EQ(outcome, TransitOutcome::pushed);
  EXPECT_EQ(Bytes(after.begin() + md, after.begin() + md + 3), from_hex("29ffe2"));
  EXPECT_EQ(after[shim], std::byte{0x17});
}

TEST(Transit, PassesUntouchedWhatIsNoIntMdOfItsDomain) {
  struct Case {
    const char* description;
    IntFault expected;
    std::size_t offset;
    unsigned value;
  };
  const std::vector<Case> cases{{"another port", IntFault::not_int_port, udp + 3, 0},
                                {"TCP", IntFault::not_plain_udp, ip + 9, 6},
                                {"a fragment", IntFault::not_plain_ip, ip + 7, 1},
                                {"UDP length", IntFault::ip_length_mismatch, udp + 5, 1},
                                {"INT-MX", IntFault::int_unknown_type, shim, 0x34},
                                {"version 1", IntFault::int_wrong_version, md, 0x10},
                                {"Length below the header's", IntFault::int_shim_length, shim + 1, 2},
                                {"Length beyond UDP", IntFault::int_shim_length, shim + 1, 16},
                                {"HopML", IntFault::int_hop_length, md + 2, 4}};
  for (const auto& [description, expected, offset, value] : cases) {
    Bytes frame = stamped(queues);
    frame[offset] = static_cast<std::byte>(value);
    const auto [outcome, fault, after] = transit(frame);
    EXPECT_EQ(outcome, TransitOutcome::passed) << description;
    EXPECT_EQ(fault, expected) << description;
    EXPECT_EQ(after, frame) << description;
  }
  EXPECT_EQ(transit(stamped(queues), 1500, 8).fault, IntFault::none);
  EXPECT_EQ(transit(stamped(queues), 1500, 7).fault, IntFault::no_headroom);
}

TEST(Transit, WritesOnTunnelsToo) {
  Bytes frame = frame_of(uc_send_as_tunnel);
  set_number16(frame, md + 4, queues);
  frame[md + 2] = std::byte{2};
  const auto [outcome, fault, after] = transit(frame);
  ASSERT_EQ(outcome, TransitOutcome::pushed);
  EXPECT_EQ(number16(after, udp + 6), 0U) << "no checksum stays none";
  Buffer buffer{after, 0};
  Tagged tagged;
  ASSERT_EQ(examine(buffer.view(), int_udp_port, tagged), IntFault::none);
  EXPECT_EQ(tagged.stack.hop(0), hop);
  buffer.moved_back(strip(buffer.view(), tagged, LinkHeader{ethernet()}));
  EXPECT_EQ(buffer.bytes(), frame_of(uc_send));
}

TEST(Source, PutsItsOwnHopFirstOfAll) {
  const Bytes expected = transit(stamped(queues)).frame;
  EXPECT_EQ(stamped(queues, &hop), expected) << "as if it were the first hop on the way";
}

TEST(Source, LeavesItsOwnHopOutAndSetsMWhereOnlyTheOrderWordsFit) {
  const Bytes plain = stamped(queues);
  for (const auto& [mtu, with_hop, fits] :
       {std::tuple{100, true, true}, {99, false, true}, {92, false, true}, {91, false, false}}) {
    Buffer buffer{frame_of(uc_send)};
    const IntSettings settings{.bitmap = queues, .mtu = static_cast<std::uint16_t>(mtu)};
    const auto result = StrandStamp{settings}.stamp(buffer.view(), golden_words, &hop);
    ASSERT_EQ(result.fault, fits ? IntFault::none : IntFault::exceeds_mtu) << mtu;
    if (!fits) {
      EXPECT_EQ(buffer.bytes(), frame_of(uc_send));
      continue;
    }
    buffer.moved_forward(result);
    Bytes expected = with_hop ? stamped(queues, &hop) : plain;
    if (!with_hop) expected[md] = std::byte{0x22};
    fill_checksums(expected, ip);
    EXPECT_EQ(buffer.bytes(), expected) << mtu;
  }
}

TEST(Source, DoesNotMindTheMtuForAHopItDoesNotHave) {
  Buffer buffer{frame_of(uc_send)};
  const auto result = StrandStamp{{.bitmap = queues, .mtu = 92}}.stamp(buffer.view(), golden_words, nullptr);
  ASSERT_EQ(result.fault, IntFault::none);
  buffer.moved_forward(result);
  EXPECT_EQ(buffer.bytes()[md], std::byte{0x20});
}

TEST(Source, TrimsPaddingAndTrailers) {
  Bytes zero_send = Frame().ipv4().udp().bth(Opcode::rc_send_only, 1).icrc().bytes();
  ASSERT_EQ(zero_send.size(), 58U);
  Bytes padded = zero_send;
  padded.resize(60);
  Buffer buffer{padded};
  const auto result = StrandStamp{IntSettings{}}.stamp(buffer.view(), golden_words, nullptr);
  EXPECT_EQ(result.frame_bytes, 58U + 28U);
  buffer.moved_forward(result);
  Tagged tagged;
  ASSERT_EQ(examine(buffer.view(), int_udp_port, tagged), IntFault::none);
  buffer.moved_back(strip(buffer.view(), tagged, {}));
  EXPECT_EQ(buffer.bytes(), zero_send);
}

TEST(Source, AndSinkKeepEveryChecksumThereIs) {
  const Bytes right = frame_of(uc_send);
  const StrandStamp source{IntSettings{}};
  for (std::size_t checksum = 0; checksum <= 0xffff; ++checksum) {
    Bytes frame = right;
    set_number16(frame, udp + 6, checksum);
    set_number16(frame, ip + 10, checksum == 0xffff ? 0 : checksum);  // FFFF is no IPv4 checksum
    Buffer buffer{frame};
    buffer.moved_forward(source.stamp(buffer.view(), golden_words, nullptr));
    ASSERT_EQ(number16(buffer.bytes(), udp + 6) == 0, checksum == 0) << "0 is none, and none is 0";
    Tagged tagged;
    ASSERT_EQ(examine(buffer.view(), int_udp_port, tagged), IntFault::none);
    buffer.moved_back(strip(buffer.view(), tagged, {}));
    ASSERT_EQ(buffer.bytes(), frame);
  }
}

TEST(Source, NamesWhatItCannotStamp) {
  const auto fault_of = [](const Bytes& frame, std::size_t headroom = Buffer::headroom) {
    Buffer buffer{frame, headroom};
    const auto result = StrandStamp{IntSettings{}}.stamp(buffer.view(), golden_words, nullptr);
    EXPECT_TRUE(result.fault == IntFault::none || buffer.bytes() == frame) << "nothing is changed";
    return result.fault;
  };
  EXPECT_EQ(fault_of(frame_of(uc_send), 28), IntFault::none);
  EXPECT_EQ(fault_of(frame_of(uc_send), 27), IntFault::no_headroom);
  EXPECT_EQ(fault_of(Frame().ipv4(1, 2, 4).udp().payload(20).bytes()), IntFault::not_plain_ip);
  EXPECT_EQ(fault_of(Frame().ipv4().fragment(0, true).udp().payload(20).bytes()), IntFault::not_plain_ip);
  EXPECT_EQ(fault_of(Frame().ipv4().tcp(1, 2).payload(20).bytes()), IntFault::not_plain_udp);
  EXPECT_EQ(fault_of(Frame().ipv6().ipv6_extension(0, 17).udp_header().payload(20).bytes()),
            IntFault::not_plain_udp);
  EXPECT_EQ(fault_of(Frame().ipv4().udp().payload(20).udp_length(27).bytes()), IntFault::ip_length_mismatch);
  EXPECT_EQ(fault_of(Frame().ipv4().udp().payload(20).ip_length(49).bytes()), IntFault::ip_length_mismatch);
}

}  // namespace
}  // namespace braidway::telemetry
