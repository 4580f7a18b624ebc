// What a sink takes for a tagged packet, and by which name it refuses what is none.
#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/telemetry/int_packets.hpp"

namespace braidway::telemetry {
namespace {

using namespace braidway::tests;

// Offsets in the golden vectors behind 14 bytes of Ethernet.
constexpr std::size_t ip = 14;
constexpr std::size_t udp = 34;
constexpr std::size_t shim = 42;
constexpr std::size_t md = 46;
constexpr std::size_t inner = 70;

/// The strand with three hops of two words (node id, queue), stamped by hand.
Bytes strand_with_hops() {
  Bytes frame = frame_of(uc_send_as_strand);
  const Bytes stack = from_hex("000000030300000300000002020000020000000101000001");
  frame.insert(frame.begin() + md + 12, stack.begin(), stack.end());
  set_number16(frame, ip + 2, number16(frame, ip + 2) + stack.size());
  set_number16(frame, udp + 4, number16(frame, udp + 4) + stack.size());
  frame[shim + 1] = std::byte{12};
  frame[md + 2] = std::byte{2};
  set_number16(frame, md + 4, 0x9000);
  fill_checksums(frame, ip);
  return frame;
}

struct Case {
  const char* description;
  IntFault expected;
  std::function<void(Bytes&)> mutate;
};

auto set(std::size_t offset, unsigned value) {
  return [=](Bytes& frame) { frame.at(offset) = static_cast<std::byte>(value); };
}
auto set16(std::size_t offset, std::size_t value) {
  return [=](Bytes& frame) { set_number16(frame, offset, value); };
}
/// UDP and IP end `bytes` behind the UDP header; the frame goes on.
auto udp_payload(std::size_t bytes) {
  return [=](Bytes& frame) {
    set_number16(frame, ip + 2, 28 + bytes);
    set_number16(frame, udp + 4, 8 + bytes);
  };
}
auto cut(std::size_t bytes) {
  return [=](Bytes& frame) { frame.resize(bytes); };
}

IntFault examined(const Bytes& frame, Tagged& tagged) {
  Buffer buffer{frame, 0};
  const IntFault fault = examine(buffer.view(), int_udp_port, tagged);
  tagged.stack = {};  // of a buffer that is gone
  return fault;
}

void expect_all(const Bytes& right, const std::vector<Case>& cases) {
  for (const auto& [description, expected, mutate] : cases) {
    Bytes frame = right;
    mutate(frame);
    Tagged tagged;
    const IntFault fault = examined(frame, tagged);
    EXPECT_EQ(fault, expected) << description << ": "
                               << int_fault_names.at(static_cast<std::size_t>(fault) % 20);
  }
}

TEST(Examine, NamesWhatIsWrongAroundInt) {
  expect_all(frame_of(uc_send_as_strand),
             {{"nothing", IntFault::none, [](Bytes&) {}},
              {"IPv4 with options", IntFault::not_plain_ip, set(ip, 0x46)},
              {"IPv5", IntFault::not_plain_ip, set(ip, 0x55)},
              {"more fragments", IntFault::not_plain_ip, set(ip + 6, 0x20)},
              {"a fragment's offset", IntFault::not_plain_ip, set(ip + 7, 0x01)},
              {"TCP", IntFault::not_plain_udp, set(ip + 9, 6)},
              {"IP longer than the frame", IntFault::ip_length_mismatch, set16(ip + 2, 0x5d)},
              {"IP shorter than UDP", IntFault::ip_length_mismatch, set16(ip + 2, 0x5b)},
              {"UDP shorter than IP", IntFault::ip_length_mismatch, set16(udp + 4, 0x47)},
              {"UDP shorter than its header", IntFault::ip_length_mismatch,
               [](Bytes& frame) {
                 set_number16(frame, ip + 2, 27);
                 set_number16(frame, udp + 4, 7);
               }},
              {"frame cut in the IP header", IntFault::headers_scattered, cut(30)},
              {"frame cut in the UDP header", IntFault::headers_scattered, cut(41)},
              {"frame cut by a byte", IntFault::ip_length_mismatch, cut(105)},
              {"another port", IntFault::not_int_port, set16(udp + 2, 4791)}});
}

TEST(Examine, NamesWhatIsWrongWithShimAndHeader) {
  expect_all(frame_of(uc_send_as_strand),
             {{"UDP ends in the INT header", IntFault::int_truncated, udp_payload(15)},
              {"UDP ends with the INT header", IntFault::int_shim_length, udp_payload(16)},
              {"UDP ends in the order words", IntFault::int_shim_length, udp_payload(27)},
              {"UDP ends with the order words", IntFault::none, udp_payload(28)},
              {"type 2, destination", IntFault::int_unknown_type, set(shim, 0x24)},
              {"type 3, INT-MX", IntFault::int_unknown_type, set(shim, 0x34)},
              {"NPT 0, by DSCP", IntFault::int_unknown_npt, set(shim, 0x10)},
              {"NPT 3", IntFault::int_unknown_npt, set(shim, 0x1c)},
              {"version 1", IntFault::int_wrong_version, set(md, 0x10)},
              {"version 3", IntFault::int_wrong_version, set(md, 0x30)},
              {"Length below the INT header's", IntFault::int_shim_length, set(shim + 1, 2)},
              {"Length without order words", IntFault::int_shim_length, set(shim + 1, 3)},
              {"Length without departure time", IntFault::int_shim_length, set(shim + 1, 5)},
              {"Length one word more, and no metadata", IntFault::int_uneven_stack, set(shim + 1, 7)},
              {"Length to UDP's end, and no metadata", IntFault::int_uneven_stack, set(shim + 1, 15)},
              {"Length beyond UDP's end", IntFault::int_shim_length, set(shim + 1, 16)},
              {"the greatest Length", IntFault::int_shim_length, set(shim + 1, 255)},
              {"another domain", IntFault::int_foreign_domain, set16(md + 6, 0x4258)},
              {"no domain", IntFault::int_foreign_domain, set16(md + 6, 0)},
              {"no order tag", IntFault::int_no_order_words, set16(md + 8, 0x4000)},
              {"no departure time", IntFault::int_no_order_words, set16(md + 8, 0x8000)},
              {"no words at all", IntFault::int_no_order_words, set16(md + 8, 0)},
              {"more words than we know", IntFault::int_unknown_words, set16(md + 8, 0xc001)},
              {"HopML without a bitmap", IntFault::int_hop_length, set(md + 2, 1)},
              {"a bitmap without HopML", IntFault::int_hop_length, set(md + 4, 0x80)},
              {"discard", IntFault::int_discard, set(md, 0x28)}});
}

TEST(Examine, ComparesTheStackWithTheBitmap) {
  expect_all(
      strand_with_hops(),
      {{"three hops of two words", IntFault::none, [](Bytes&) {}},
       {"HopML one less", IntFault::int_hop_length, set(md + 2, 1)},
       {"HopML one more", IntFault::int_hop_length, set(md + 2, 3)},
       {"HopML 31", IntFault::int_hop_length, set(md + 2, 31)},
       {"a bit more", IntFault::int_hop_length, set(md + 4, 0xd0)},
       {"a bit of two words instead", IntFault::none, set16(md + 4, 0x0800)},
       {"reserved bits instead, a word each", IntFault::none, set16(md + 4, 0x0060)},
       {"half a hop less", IntFault::int_uneven_stack, set(shim + 1, 11)},
       {"a hop less: payload instead", IntFault::none, set(shim + 1, 10)},
       {"a Length below the order words', which no number of hops makes right", IntFault::int_shim_length,
        [](Bytes& frame) {
          // -1 words, modulo 2^32, is a multiple of three.
          frame.at(shim + 1) = std::byte{5};
          frame.at(md + 2) = std::byte{3};
          set_number16(frame, md + 4, 0xd000);
        }},
       {"half a hop more", IntFault::int_uneven_stack, set(shim + 1, 13)}});
}

TEST(Examine, TakesReservedBitsFlagsAndHopCountsAsTheyCome) {
  expect_all(frame_of(uc_send_as_strand),
             {{"shim's reserved bits", IntFault::none, set(shim, 0x17)},
              {"reserved bit beside M", IntFault::none, set(md, 0x21)},
              {"second byte of the INT header", IntFault::none, set(md + 1, 0xff)},
              {"reserved bits beside HopML", IntFault::none, set(md + 2, 0xe0)},
              {"DS flags", IntFault::none, set16(md + 10, 0xffff)},
              {"E", IntFault::none, set(md, 0x24)},
              {"M", IntFault::none, set(md, 0x22)},
              {"no hop remains", IntFault::none, set(md + 3, 0)}});
  Tagged tagged;
  Bytes frame = frame_of(uc_send_as_strand);
  EXPECT_EQ(examined(frame, tagged), IntFault::none);
  EXPECT_FALSE(tagged.header.hops_exceeded() || tagged.header.mtu_exceeded());
  frame[md] = std::byte{0x24};
  EXPECT_EQ(examined(frame, tagged), IntFault::none);
  EXPECT_TRUE(tagged.header.hops_exceeded() && !tagged.header.mtu_exceeded());
  frame[md] = std::byte{0x22};
  EXPECT_EQ(examined(frame, tagged), IntFault::none);
  EXPECT_TRUE(!tagged.header.hops_exceeded() && tagged.header.mtu_exceeded());
}

TEST(Examine, NamesWhatIsWrongInATunnel) {
  expect_all(frame_of(uc_send_as_tunnel),
             {{"nothing", IntFault::none, [](Bytes&) {}},
              {"neither IPv4 nor IPv6 announced", IntFault::inner_malformed, set(shim + 3, 17)},
              {"IPv6 announced", IntFault::inner_malformed, set(shim + 3, 41)},
              {"reserved byte of the shim", IntFault::none, set(shim + 2, 0xff)},
              {"the inner version is not the one announced", IntFault::inner_malformed, set(inner, 0x65)},
              {"inner IHL below 5", IntFault::inner_malformed, set(inner, 0x44)},
              {"inner options are as good as any", IntFault::none, set(inner, 0x46)},
              {"inner length a byte less", IntFault::inner_malformed, set16(inner + 2, 0x3f)},
              {"inner length a byte more", IntFault::inner_malformed, set16(inner + 2, 0x41)},
              {"the inner packet ends in its header", IntFault::inner_malformed, udp_payload(28 + 19)},
              {"there is no inner packet", IntFault::inner_malformed, udp_payload(28)},
              {"inner not ECN-capable, outer CE", IntFault::ce_on_not_ect,
               [](Bytes& frame) {
                 frame[ip + 1] = std::byte{0x03};
                 frame[inner + 1] = std::byte{0x00};
               }},
              {"discard", IntFault::int_discard, set(md, 0x28)}});
}

TEST(Examine, ReadsThePerHopMetadataNewestFirst) {
  Buffer buffer{strand_with_hops(), 0};
  Tagged tagged;
  ASSERT_EQ(examine(buffer.view(), int_udp_port, tagged), IntFault::none);
  ASSERT_EQ(tagged.stack.hops(), 3U);
  EXPECT_EQ(tagged.stack.bitmap(), 0x9000);
  for (std::uint32_t hop = 0; hop < 3; ++hop) {
    const std::uint32_t number = 3 - hop;
    const HopMetadata expected{.node_id = number, .queue = number << 24U | number};
    EXPECT_EQ(tagged.stack.hop(hop), expected) << hop;
  }
  buffer.moved_back(strip(buffer.view(), tagged, {}));
  EXPECT_EQ(buffer.bytes(), frame_of(uc_send));
}

TEST(Examine, ReadsHeadersInOnePieceOnly) {
  for (const auto& [whole, needed] : {std::pair{frame_of(uc_send_as_strand), inner},
                                      {frame_of(uc_send_as_tunnel), inner + 20},
                                      {strand_with_hops(), inner + 24}}) {
    for (std::size_t piece = 0; piece < whole.size(); ++piece) {
      Bytes first = whole;
      first.resize(piece);
      Buffer buffer{first, 0};
      auto view = buffer.view();
      view.frame_bytes = whole.size();
      view.l3_offset = ip;
      view.l4_offset = udp;
      Tagged tagged;
      EXPECT_EQ(examine(view, int_udp_port, tagged),
                piece < needed ? IntFault::headers_scattered : IntFault::none)
          << piece;
    }
  }
}

TEST(Examine, IsSafeWithOffsetsThatAreNone) {
  const Bytes frame = frame_of(uc_send_as_strand);
  for (const std::uint16_t l3 : std::to_array<std::uint16_t>({0, 13, 15, 23, 60, 106, 65535})) {
    for (const std::uint16_t l4 : std::to_array<std::uint16_t>({0, 14, 34, 35, 54, 98, 99, 106, 65535})) {
      Buffer buffer{frame, 0};
      auto view = buffer.view();
      view.l3_offset = l3;
      view.l4_offset = l4;
      Tagged tagged;
      EXPECT_NE(examine(view, int_udp_port, tagged), IntFault::none) << l3 << " " << l4;
    }
  }
}

TEST(IsTagged, NeedsPortAndHeader) {
  const auto from_udp = [](Bytes frame) {
    frame.erase(frame.begin(), frame.begin() + udp);
    return frame;
  };
  const auto tagged = [&](Bytes frame, std::size_t bytes = SIZE_MAX) {
    Bytes head = from_udp(std::move(frame));
    head.resize(std::min(bytes, head.size()));
    head.shrink_to_fit();
    return is_tagged(head, int_udp_port);
  };
  const Bytes strand = frame_of(uc_send_as_strand);
  EXPECT_TRUE(tagged(strand));
  EXPECT_TRUE(tagged(strand, 24));
  EXPECT_FALSE(tagged(strand, 23));
  EXPECT_FALSE(tagged(strand, 0));
  EXPECT_TRUE(tagged(frame_of(uc_send_as_tunnel)));
  EXPECT_TRUE(tagged(strand_with_hops()));
  EXPECT_FALSE(tagged(frame_of(uc_send)));
  EXPECT_FALSE(is_tagged(from_udp(strand), 5005));
  EXPECT_FALSE(is_tagged(from_udp(frame_of(cnp_with_two_hops)), 5005)) << "not our domain";
  Bytes short_udp = strand;
  set_number16(short_udp, udp + 4, 8 + 15);
  EXPECT_FALSE(tagged(short_udp));
  Bytes wrong_version = strand;
  wrong_version[md] = std::byte{0x10};
  EXPECT_FALSE(tagged(wrong_version));
  Bytes discard = strand;
  discard[md] = std::byte{0x28};
  EXPECT_TRUE(tagged(discard)) << "the sink discards it by its name";
}

TEST(IntFaults, HaveNamesOfTheirOwn) {
  const std::set<std::string_view> names(int_fault_names.begin(), int_fault_names.end());
  EXPECT_EQ(names.size(), int_fault_names.size());
  EXPECT_EQ(names.count(""), 0U);
  EXPECT_EQ(int_fault_names.at(static_cast<std::size_t>(IntFault::int_uneven_stack)), "int_uneven_stack");
  EXPECT_EQ(int_fault_names.at(static_cast<std::size_t>(IntFault::ce_on_not_ect)), "ce_on_not_ect");
}

}  // namespace
}  // namespace braidway::telemetry
