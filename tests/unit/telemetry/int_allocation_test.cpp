// Stamping, writing a hop, examining and stripping take no memory. Counts every operator new of the program.
#include <array>
#include <cstddef>
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "tests/unit/telemetry/int_packets.hpp"

namespace {

std::size_t taken = 0;

}  // namespace

// Not inlined: seen through to free() they would be taken for a mismatch with new.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++taken;
  void* memory = std::malloc(bytes);
  if (memory == nullptr) std::abort();
  return memory;
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace braidway::telemetry {
namespace {

using namespace braidway::tests;

TEST(Allocation, TheCounterCounts) {
  const auto before = taken;
  // Through a volatile pointer, or the compiler leaves both out.
  int* volatile one = new int(1);
  delete one;
  EXPECT_EQ(taken, before + 1);
}

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
