// INT on the wire, byte for byte: the vectors of the wire formats' reference, section 7.
#include <cstdint>
#include <cstring>
#include <span>

#include <gtest/gtest.h>

#include "telemetry/icrc.hpp"
#include "tests/unit/telemetry/int_packets.hpp"

namespace braidway::telemetry {
namespace {

using namespace braidway::tests;

TunnelSettings golden_tunnel() {
  return {.telemetry = {},
          .link = LinkHeader{ethernet()},
          .source = lb::ipv4(0x0a000007),
          .destination = lb::ipv4(0x0a000009),
          .source_port = 0xc0de};
}

/// The ICRC is right: computed over the IP packet, and as its last four bytes say.
bool icrc_is_right(const Bytes& frame) {
  const auto ip = std::span{frame}.subspan(ethernet_header_bytes);
  std::uint32_t last = 0;
  std::memcpy(&last, ip.last(icrc_bytes).data(), sizeof(last));
  return icrc(ip.first(ip.size() - icrc_bytes)) == last;
}

TEST(GoldenVectors, AStrandIsStampedByteForByte) {
  Buffer buffer{frame_of(uc_send)};
  const auto result = StrandStamp{IntSettings{}}.stamp(buffer.view(), golden_words, nullptr);
  ASSERT_EQ(result.fault, IntFault::none);
  EXPECT_EQ(result.front_moved, 28);
  buffer.moved_forward(result);
  EXPECT_EQ(buffer.bytes(), frame_of(uc_send_as_strand));
}

TEST(GoldenVectors, AStrandIsStrippedByteForByte) {
  Buffer buffer{frame_of(uc_send_as_strand), 0};
  Tagged tagged;
  ASSERT_EQ(examine(buffer.view(), int_udp_port, tagged), IntFault::none);
  EXPECT_EQ(tagged.words, golden_words);
  EXPECT_EQ(tagged.header.original_port(), rocev2_udp_port);
  EXPECT_EQ(tagged.header.remaining_hops(), 8U);
  EXPECT_EQ(tagged.stack.hops(), 0U);
  const auto result = strip(buffer.view(), tagged, {});
  EXPECT_EQ(result.front_moved, 28);
  buffer.moved_back(result);
  EXPECT_EQ(buffer.bytes(), frame_of(uc_send));
}

TEST(GoldenVectors, ATunnelIsStampedByteForByte) {
  Buffer buffer{frame_of(uc_send)};
  const TunnelStamp tunnel{golden_tunnel()};
  const auto result = tunnel.stamp(buffer.view(), golden_words, nullptr);
  ASSERT_EQ(result.fault, IntFault::none);
  EXPECT_EQ(result.front_moved, 56);
  EXPECT_EQ(tunnel.l3_offset(), 14);
  EXPECT_EQ(tunnel.l4_offset(), 34);
  buffer.moved_forward(result);
  EXPECT_EQ(buffer.bytes(), frame_of(uc_send_as_tunnel));
}

TEST(GoldenVectors, ATunnelIsStrippedByteForByte) {
  Buffer buffer{frame_of(uc_send_as_tunnel), 0};
  Tagged tagged;
  ASSERT_EQ(examine(buffer.view(), int_udp_port, tagged), IntFault::none);
  EXPECT_EQ(tagged.words, golden_words);
  const auto result = strip(buffer.view(), tagged, LinkHeader{ethernet(0)});
  EXPECT_EQ(result.front_moved, 56);
  buffer.moved_back(result);
  EXPECT_EQ(buffer.bytes(), frame_of(uc_send));
}

TEST(GoldenVectors, TwoHopsWriteOnACongestionNotification) {
  constexpr std::uint16_t port = 5005;
  // The source's part, from the standard: 16 bytes between UDP header and BTH, domain 0, no words of its own.
  Bytes frame = frame_of(connectx_cnp);
  const Bytes fixed = from_hex("140312b720000408f000000000000000");
  frame.insert(frame.begin() + 42, fixed.begin(), fixed.end());
  set_number16(frame, 14 + 2, 76);
  set_number16(frame, 34 + 2, port);
  set_number16(frame, 34 + 4, 56);
  fill_checksums(frame, 14, false);

  Buffer buffer{frame, 32};
  const TransitHop at{.udp_port = port};
  const auto push = [&](const HopMetadata& hop) {
    const auto result = push_hop(buffer.view(), at, hop);
    ASSERT_EQ(result.outcome, TransitOutcome::pushed);
    EXPECT_EQ(result.frame.front_moved, 16);
    buffer.moved_forward(result.frame);
  };
  push({.node_id = 1, .level1_ingress = 3, .level1_egress = 4, .hop_latency = 900, .queue = 7});
  push({.node_id = 2, .level1_ingress = 5, .level1_egress = 6, .hop_latency = 1500, .queue = 0x01000064});
  EXPECT_EQ(buffer.bytes(), frame_of(cnp_with_two_hops));
}

TEST(GoldenVectors, TheInvariantCrcIsRightAgainAfterStripAndStaleBefore) {
  for (const auto& tagged_vector : {uc_send_as_strand, uc_send_as_tunnel}) {
    Buffer buffer{frame_of(tagged_vector), 0};
    Tagged tagged;
    ASSERT_EQ(examine(buffer.view(), int_udp_port, tagged), IntFault::none);
    EXPECT_FALSE(icrc_is_right(buffer.bytes()));
    buffer.moved_back(strip(buffer.view(), tagged, LinkHeader{ethernet()}));
    EXPECT_TRUE(icrc_is_right(buffer.bytes()));
  }
}

TEST(GoldenVectors, ThoseOfADomainThatIsNotOursAreNotTagged) {
  Buffer buffer{frame_of(cnp_with_two_hops), 0};
  Tagged tagged;
  EXPECT_EQ(examine(buffer.view(), 5005, tagged), IntFault::int_foreign_domain);
}

}  // namespace
}  // namespace braidway::telemetry
