// IOAM traces byte by byte, as RFC 9197 and RFC 9486 have them.
#include "telemetry/ioam.hpp"

#include <array>
#include <functional>
#include <vector>

#include <gtest/gtest.h>

#include "telemetry/ioam_sink.hpp"
#include "telemetry/ioam_source.hpp"
#include "telemetry/ioam_transit.hpp"
#include "tests/unit/telemetry/ioam_example.hpp"

namespace braidway::telemetry {
namespace {

using tests::Bytes;
using tests::FrameInMemory;
using tests::from_hex;
using tests::joined;
using namespace tests::ioam_example;

TEST(IoamSource, WritesWhatTheStandardsShow) {
  const IoamSource source(settings());
  EXPECT_EQ(source.added_bytes(), 72U);
  auto frame = in_memory(plain_frame, 72);
  const auto result = source.add(frame.view(), 0xabcde, &own);
  ASSERT_EQ(result.fault, IoamFault::none);
  EXPECT_EQ(result.front_moved, 72U);
  EXPECT_EQ(result.frame_bytes, traced_frame.size());
  frame.added(result);
  EXPECT_EQ(frame.frame(), traced_frame);
}

TEST(IoamSource, WithoutItsOwnDataLeavesAllTheRoom) {
  auto frame = in_memory(plain_frame, 72);
  frame.added(IoamSource(settings()).add(frame.view(), 0xabcde, nullptr));
  auto expected = traced_frame;
  store_be16(&expected[trace_header + 2], 0x1004);
  std::fill_n(expected.begin() + data_space + 8, 8, std::byte{0});
  EXPECT_EQ(frame.frame(), expected);
}

TEST(IoamSource, PadsTheHeaderToAMultipleOfEight) {
  auto one_word = settings();
  one_word.trace_type = ioam_queue_depth;
  one_word.nodes = 1;
  auto frame = in_memory(plain_frame, 64);
  frame.added(IoamSource(one_word).add(frame.view(), 0, nullptr));
  const auto header = from_hex("29020100 310e0000 007b0801 02000000 00000000 01020000");
  const auto bytes = frame.frame();
  EXPECT_TRUE(std::equal(header.begin(), header.end(), bytes.begin() + hop_by_hop));
}

TEST(IoamSource, CarriesIpv4AndTheSinkGivesItBack) {
  const auto before = joined(macs, from_hex("0800"), inner_ipv4);
  auto frame = in_memory(before, 72);
  frame.added(IoamSource(settings()).add(frame.view(), 1, nullptr));
  const auto bytes = frame.frame();
  EXPECT_EQ(load_be16(&bytes[12]), 0x86ddU);
  EXPECT_EQ(load_be32(&bytes[outer]), 0x66800001U) << "DSCP 26, as the IPv4 packet";
  EXPECT_EQ(bytes[hop_by_hop], std::byte{4});
  Traced traced;
  ASSERT_EQ(examine_ioam(frame.view(), our_namespace, traced), IoamFault::none);
  frame.stripped(strip_ioam(frame.view(), traced));
  EXPECT_EQ(frame.frame(), before);
}

TEST(IoamSource, KeepsVlanTags) {
  const auto before = joined(macs, from_hex("88a80064 81006065 86dd"), inner_packet);
  FrameInMemory frame(before, 72, 22);
  frame.added(IoamSource(settings()).add(frame.view(), 0xabcde, &own));
  EXPECT_EQ(frame.frame(), joined(macs, from_hex("88a80064 81006065"),
                                  Bytes(traced_frame.begin() + 12, traced_frame.end())));
}

TEST(IoamSource, SetsOverflowWhenItsOwnDataFindNoRoom) {
  auto opaque = settings();
  opaque.trace_type = ioam_opaque;
  opaque.nodes = 1;
  opaque.opaque_words = 1;
  const Bytes two_words(8);
  auto frame = in_memory(plain_frame, 72);
  const IoamNode big{.opaque = two_words};
  frame.added(IoamSource(opaque).add(frame.view(), 0, &big));
  EXPECT_EQ(load_be16(&frame[trace_header + 2]), 0x0402U) << "O, RemLen 2";
}

TEST(IoamSource, RefusesSettingsByName) {
  struct Case {
    IoamFault fault;
    std::function<void(IoamSettings&)> change;
  };
  const std::vector<Case> cases{
      {IoamFault::none, [](auto&) {}},
      {IoamFault::empty_trace_type, [](auto& with) { with.trace_type = 0; }},
      {IoamFault::undefined_trace_bits, [](auto& with) { with.trace_type |= 0x800; }},
      {IoamFault::undefined_trace_bits, [](auto& with) { with.trace_type |= 0x4; }},
      {IoamFault::undefined_trace_bits, [](auto& with) { with.trace_type |= 1; }},
      {IoamFault::undefined_trace_bits, [](auto& with) { with.trace_type |= 0x1000000; }},
      {IoamFault::no_nodes, [](auto& with) { with.nodes = 0; }},
      {IoamFault::none, [](auto& with) { with.nodes = 30; }},
      {IoamFault::trace_too_long, [](auto& with) { with.nodes = 31; }},
      {IoamFault::none,
       [](auto& with) {
         with.trace_type = ioam_opaque;
         with.nodes = 1;
         with.opaque_words = 60;
       }},
      {IoamFault::trace_too_long,
       [](auto& with) {
         with.trace_type = ioam_opaque;
         with.nodes = 1;
         with.opaque_words = 61;
       }},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    auto changed = settings();
    cases[i].change(changed);
    EXPECT_EQ(IoamSource::check(changed), cases[i].fault) << i;
  }
}

TEST(IoamSource, RefusesFramesByNameAndLeavesThemAlone) {
  struct Case {
    IoamFault fault;
    Bytes frame;
    std::size_t headroom;
    std::uint16_t l3_offset;
    std::uint16_t mtu;
  };
  const Bytes& plain = plain_frame;
  auto version5 = plain;
  version5[outer] = std::byte{0x56};
  auto too_long = plain;
  too_long[outer + 5] = std::byte{9};
  const std::vector<Case> cases{
      {IoamFault::none, plain, 72, outer, 120},
      {IoamFault::no_headroom, plain, 71, outer, 120},
      {IoamFault::exceeds_mtu, plain, 72, outer, 119},
      {IoamFault::not_ip, plain, 72, 0, 1500},
      {IoamFault::not_ip, plain, 72, 23, 1500},
      {IoamFault::not_ip, Bytes(plain.begin(), plain.begin() + 53), 72, outer, 1500},
      {IoamFault::not_ip, Bytes(plain.begin(), plain.begin() + 13), 72, outer, 1500},
      {IoamFault::not_ip, version5, 72, outer, 1500},
      {IoamFault::ip_length_mismatch, too_long, 72, outer, 1500},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const auto& [fault, bytes, headroom, l3_offset, mtu] = cases[i];
    auto with = settings();
    with.mtu = mtu;
    FrameInMemory frame(bytes, headroom, l3_offset);
    EXPECT_EQ(IoamSource(with).add(frame.view(), 0, &own).fault, fault) << i;
    if (fault == IoamFault::none) continue;
    EXPECT_EQ(frame.frame(), bytes) << i;
  }
}

TEST(IoamTransit, WritesFromTheEndOfTheRoomTowardsItsBeginning) {
  auto frame = in_memory(traced_frame);
  frame[outer + 7] = std::byte{63};
  EXPECT_EQ(add_own_ioam_node(frame.view(), our_namespace,
                              {.node_id = 0xabcdef, .ingress = 0x1111, .egress = 0x2222}),
            IoamFault::none);
  auto expected = traced_frame;
  expected[outer + 7] = std::byte{63};
  store_be16(&expected[trace_header + 2], 0x1000);
  std::ranges::copy(from_hex("3fabcdef 11112222"), expected.begin() + data_space);
  EXPECT_EQ(frame.frame(), expected);
  EXPECT_EQ(add_own_ioam_node(frame.view(), our_namespace, own), IoamFault::overflow);
  store_be16(&expected[trace_header + 2], 0x1400);
  EXPECT_EQ(frame.frame(), expected) << "nothing but O";
  EXPECT_EQ(add_own_ioam_node(frame.view(), our_namespace, own), IoamFault::overflow);
  EXPECT_EQ(frame.frame(), expected);
}

TEST(IoamTransit, WritesNothingBehindAnotherNodesOverflow) {
  auto frame = in_memory(traced_frame);
  store_be16(&frame[trace_header + 2], 0x1402);
  const auto before = frame.frame();
  EXPECT_EQ(add_own_ioam_node(frame.view(), our_namespace, own), IoamFault::overflow);
  EXPECT_EQ(frame.frame(), before);
}

TEST(IoamTransit, WritesEveryFieldInItsPlace) {
  const Bytes opaque = from_hex("0a0b0c0d 1a1b1c1d");
  const IoamNode node{.node_id = 0xff'010203,
                      .ingress = 0x1011,
                      .egress = 0x1213,
                      .seconds = 0x20212223,
                      .fraction = 0x30313233,
                      .transit_delay = 0x40414243,
                      .namespace_data = 0x50515253,
                      .queue_depth = 0x60616263,
                      .checksum_complement = 0x70717273,
                      .node_id_wide = 0xff'81828384858687,
                      .ingress_wide = 0x90919293,
                      .egress_wide = 0x94959697,
                      .namespace_data_wide = 0xa0a1a2a3a4a5a6a7,
                      .buffer_occupancy = 0xb0b1b2b3,
                      .schema_id = 0xff'c1c2c3,
                      .opaque = opaque};
  // All bits, 28 words: 25 and the opaque ones.
  auto frame = in_memory(
      joined(ethernet,
             from_hex("60000000 00b4 0040 fd000000000000000000000000000001 fd000000000000000000000000000002"
                      "29100100 317a0000 007bc81c ffffff00"),
             Bytes(112), from_hex("01020000 0000000000000000"), inner_packet));
  ASSERT_EQ(add_own_ioam_node(frame.view(), our_namespace, node), IoamFault::none);
  const auto written = frame.frame();
  EXPECT_EQ(load_be16(&written[trace_header + 2]), 0xc800U);
  EXPECT_EQ(Bytes(written.begin() + data_space, written.begin() + data_space + 112),
            joined(from_hex("40010203 10111213 20212223 30313233 40414243 50515253 60616263 70717273"
                            "4081828384858687 9091929394959697 a0a1a2a3a4a5a6a7 b0b1b2b3"),
                   Bytes(40, std::byte{0xff}), from_hex("02c1c2c3 0a0b0c0d 1a1b1c1d")));
  IoamTrace trace;
  ASSERT_EQ(find_ioam_trace(frame.view(), trace), IoamFault::none);
  IoamNodes nodes({&frame[data_space], 112}, trace.trace_type);
  IoamNode read;
  ASSERT_TRUE(nodes.next(read));
  EXPECT_TRUE(tests::same(read, tests::as_read(node, 0xffffff, 64)));
  EXPECT_FALSE(nodes.next(read));
}

TEST(IoamTransit, WritesOnesForWhatItDoesNotKnow) {
  auto all = settings();
  all.trace_type = 0xfff002;
  all.nodes = 1;
  auto frame = in_memory(plain_frame, 132);
  frame.added(IoamSource(all).add(frame.view(), 0, nullptr));
  ASSERT_EQ(add_own_ioam_node(frame.view(), our_namespace, {}), IoamFault::none);
  const auto written = frame.frame();
  EXPECT_EQ(Bytes(written.begin() + data_space, written.begin() + data_space + 64),
            from_hex("40ffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff ffffffff"
                     "40ffffffffffffff ffffffffffffffff ffffffffffffffff ffffffff 00ffffff"));
}

TEST(IoamSink, ReadsTheNodesAndRestoresThePacket) {
  auto frame = in_memory(traced_frame);
  frame[outer + 7] = std::byte{63};
  ASSERT_EQ(add_own_ioam_node(frame.view(), our_namespace, {.node_id = 9, .ingress = 3, .egress = 4}),
            IoamFault::none);
  Traced traced;
  ASSERT_EQ(examine_ioam(frame.view(), our_namespace, traced), IoamFault::none);
  EXPECT_EQ(traced.trace.namespace_id, our_namespace);
  EXPECT_EQ(traced.trace.trace_type, ioam_node_id | ioam_interfaces);
  EXPECT_EQ(traced.trace.space_words, 4U);
  EXPECT_EQ(traced.trace.remaining_words, 0U);
  EXPECT_FALSE(traced.trace.overflowed());
  EXPECT_EQ(traced.node_count, 2U);
  IoamNode node;
  ASSERT_TRUE(traced.nodes.next(node));
  EXPECT_TRUE(tests::same(node, {.hop_limit = 63, .node_id = 9, .ingress = 3, .egress = 4}))
      << "the newest first";
  ASSERT_TRUE(traced.nodes.next(node));
  EXPECT_TRUE(tests::same(node, {.hop_limit = 64, .node_id = 7, .ingress = 1, .egress = 2}));
  EXPECT_FALSE(traced.nodes.next(node));
  const auto result = strip_ioam(frame.view(), traced);
  EXPECT_EQ(result.fault, IoamFault::none);
  EXPECT_EQ(result.front_moved, 72U);
  frame.stripped(result);
  EXPECT_EQ(frame.frame(), plain_frame);
}

TEST(IoamSink, MergesCongestionMarksAsRfc6040Says) {
  constexpr unsigned drop = 4;
  // Figure 4, by code point: 00 Not-ECT, 01 ECT(1), 10 ECT(0), 11 CE. [inner][outer]
  constexpr std::array<std::array<unsigned, 4>, 4> expected{
      {{0, 0, 0, drop}, {1, 1, 1, 3}, {2, 1, 2, 3}, {3, 3, 3, 3}}};
  for (const bool ipv4 : {false, true}) {
    for (unsigned arriving_inner = 0; arriving_inner < 4; ++arriving_inner) {
      for (unsigned arriving_outer = 0; arriving_outer < 4; ++arriving_outer) {
        const auto packet_with = [&](unsigned ecn) {
          Bytes packet = plain_frame;
          packet[outer + 1] = static_cast<std::byte>(0x80U | ecn << 4U);
          if (!ipv4) return packet;
          packet = joined(macs, from_hex("0800"), inner_ipv4);
          packet[outer + 1] = static_cast<std::byte>(0x68U | ecn);
          store_be16(&packet[outer + 10], static_cast<std::uint16_t>(0x2667 - ecn));  // TOS is a low byte
          return packet;
        };
        auto frame = in_memory(packet_with(arriving_inner), 72);
        frame.added(IoamSource(settings()).add(frame.view(), 0, nullptr));
        ASSERT_EQ(std::to_integer<unsigned>(frame[outer + 1]) >> 4U & 3U, arriving_inner)
            << "normal mode: a copy";
        frame[outer + 1] =
            (frame[outer + 1] & std::byte{0xcf}) | static_cast<std::byte>(arriving_outer << 4U);
        const auto before = frame.frame();
        const unsigned result = expected[arriving_inner][arriving_outer];
        Traced traced;
        const auto fault = examine_ioam(frame.view(), our_namespace, traced);
        if (result == drop) {
          EXPECT_EQ(fault, IoamFault::ce_on_not_ect);
          EXPECT_EQ(frame.frame(), before);
          continue;
        }
        ASSERT_EQ(fault, IoamFault::none);
        frame.stripped(strip_ioam(frame.view(), traced));
        EXPECT_EQ(frame.frame(), packet_with(result)) << ipv4 << arriving_inner << arriving_outer;
      }
    }
  }
}

}  // namespace
}  // namespace braidway::telemetry
