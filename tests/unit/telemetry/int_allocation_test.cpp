// Stamping, writing a hop, examining and stripping take no memory.
#include <gtest/gtest.h>

#include "tests/unit/counting_new.hpp"
#include "tests/unit/telemetry/int_packets.hpp"

namespace braidway::telemetry {
namespace {

using namespace braidway::tests;

TEST(Allocation, APacketsWayThroughIntTakesNoMemory) {
  const Bytes frame = frame_of(uc_send);
  const HopMetadata hop{.node_id = 1};
  const IntSettings settings{.bitmap = 0xf000};
  const StrandStamp strand{settings};
  const LinkHeader link{ethernet()};
  const TunnelStamp tunnel{
      {.telemetry = settings, .link = link, .source = lb::ipv4(1), .destination = lb::ipv4(2)}};
  for (const bool in_tunnel : {false, true}) {
    Buffer buffer{frame};
    const auto before = taken;
    auto stamped = in_tunnel ? tunnel.stamp(buffer.view(), golden_words, &hop)
                             : strand.stamp(buffer.view(), golden_words, &hop);
    buffer.moved_forward(stamped);
    const auto pushed = push_hop(buffer.view(), {.udp_port = int_udp_port}, hop);
    buffer.moved_forward(pushed.frame);
    Tagged tagged;
    const IntFault fault = examine(buffer.view(), int_udp_port, tagged);
    const HopMetadata newest = tagged.stack.hop(0);
    buffer.moved_back(strip(buffer.view(), tagged, link));
    EXPECT_EQ(taken, before);
    EXPECT_EQ(pushed.outcome, TransitOutcome::pushed);
    EXPECT_EQ(fault, IntFault::none);
    EXPECT_EQ(newest, hop);
    EXPECT_EQ(buffer.bytes(), frame);
  }
}

}  // namespace
}  // namespace braidway::telemetry
