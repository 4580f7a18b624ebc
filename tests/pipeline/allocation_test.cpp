// The packet's way takes nothing from the heap, whatever happens on it. Counts every operator new of this
// thread.
#include <cstdlib>
#include <new>

#include <gtest/gtest.h>

#include "tests/pipeline/lab.hpp"
#include "tests/unit/dataplane/gateway_frames.hpp"

namespace {

thread_local bool counting = false;
thread_local std::size_t taken = 0;
thread_local std::size_t given_back = 0;

void* take(std::size_t bytes, std::size_t alignment) {
  taken += counting ? 1 : 0;
  const std::size_t whole = (bytes + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, whole);
  if (memory == nullptr) {
    std::abort();
  }
  return memory;
}

void give_back(void* memory) noexcept {
  given_back += counting ? 1 : 0;
  std::free(memory);
}

}  // namespace

void* operator new(std::size_t bytes) { return take(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return take(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { give_back(memory); }

namespace braidway::tests {
namespace {

constexpr std::size_t host = 0;

/// Runs turns until nothing moves; returns how often the heap was used.
std::size_t heap_uses(Lab& lab, std::uint64_t now) {
  taken = given_back = 0;
  counting = true;
  while (lab.turn(now)) {
  }
  counting = false;
  return taken + given_back;
}

TEST(Allocation, TheCounterCounts) {
  counting = true;
  taken = given_back = 0;
  delete new int(1);
  counting = false;
  EXPECT_EQ(taken, 1U);
  EXPECT_EQ(given_back, 1U);
}

TEST(Allocation, TurnsOfManyBurstsUseNoHeap) {
  Lab lab(wire_settings(4, 2, 2));
  for (std::uint32_t round = 0; round < 200; ++round) {
    for (std::uint32_t i = 0; i < 40; ++i) {
      const auto queue = static_cast<std::uint16_t>(i % 2);
      lab.send(host, rc_frame(round * 40 + i).bytes(), queue);
      lab.send(1 + i % 4, rc_frame(i).bytes(), queue);
      lab.send(host, Frame().ipv6().tcp(1, 2).bytes(), queue);
    }
    ASSERT_EQ(heap_uses(lab, round), 0U) << "round " << round;
    for (std::size_t port = 0; port < 5; ++port) lab.take_all(port);
  }
  EXPECT_EQ(lab.drops(), DropCounts{});
}

TEST(Allocation, StampingAndRestoringOrderUseNoHeap) {
  auto settings = wire_settings(4, 2, 2);
  settings.peers[0].policy = lb::Policy::spray;
  settings.peers[0].stamping = dataplane::Stamping::int_md;
  settings.memory.flows = 1024;
  for (std::size_t port = 1; port <= 4; ++port) settings.ports[port].mtu = 1528;
  Lab lab(settings);
  for (std::uint32_t round = 0; round < 200; ++round) {
    for (std::uint32_t i = 0; i < 40; ++i) {
      const auto queue = static_cast<std::uint16_t>(i % 2);
      lab.send(host, rc_frame(round * 40 + i).bytes(), queue);
      lab.send(1 + i % 4, tagged(rc_frame(i), numbered(round + (i + round) % 3)), queue);
    }
    ASSERT_EQ(heap_uses(lab, std::uint64_t{round} * 40), 0U) << "round " << round;
    for (std::size_t port = 0; port < 5; ++port) lab.take_all(port);
  }
  EXPECT_EQ(lab.drops(), DropCounts{});
}

TEST(Allocation, HeedingReturnTrafficUsesNoHeap) {
  auto settings = wire_settings(4, 2, 2);
  settings.peers[0].policy = lb::Policy::idle_move;
  settings.peers[0].heeds_returns = true;
  settings.peers[0].entropy = dataplane::EntropyField::source_port;
  settings.memory.flows = 1024;
  Lab lab(settings);
  for (std::uint32_t round = 0; round < 200; ++round) {
    for (std::uint32_t i = 0; i < 40; ++i) {
      const auto queue = static_cast<std::uint16_t>(i % 2);
      const std::uint32_t psn = round | 0x8000'0000U;
      lab.send(host, Frame().ipv4().udp().bth(telemetry::Opcode::rc_send_only, i, psn).icrc().bytes(), queue);
      const auto answer = i % 3 == 0 ? telemetry::Opcode::cnp : telemetry::Opcode::rc_acknowledge;
      lab.send(
          1 + i % 4,
          Frame().ipv4(Frame::host_b, Frame::host_a).udp().bth(answer, i, round).payload(16).icrc().bytes(),
          queue);
    }
    ASSERT_EQ(heap_uses(lab, std::uint64_t{round} * 40'000), 0U) << "round " << round;
    for (std::size_t port = 0; port < 5; ++port) lab.take_all(port);
  }
  EXPECT_EQ(lab.drops(), DropCounts{});
}

TEST(Allocation, DropsBackpressureStallsAndLinkChangesUseNoHeap) {
  Lab lab(wire_settings(2));
  std::uint64_t now = 0;
  for (std::uint32_t round = 0; round < 50; ++round) {
    for (std::uint32_t i = 0; i < 60; ++i) {
      lab.send(host, rc_frame(i).bytes());
      lab.send(host, Frame().type(0x8808).payload(46).bytes());
      lab.send(host, Frame().ipv4().protocol(17).payload(3).bytes());
    }
    lab.set_link(1, round % 7 != 0);
    ASSERT_EQ(heap_uses(lab, now += Lab::patience / 2), 0U) << "round " << round;
    if (round % 20 == 19) lab.take(1);
    ASSERT_EQ(heap_uses(lab, now += Lab::patience + 1), 0U) << "round " << round;
    if (lab.unreceived(host) > 60) break;
  }
  const DropCounts drops = lab.drops();
  for (const char* reason : {"pause_frame", "truncated_udp", "port_down", "tx_stalled"}) {
    EXPECT_TRUE(drops.contains(reason)) << reason;
  }
}

}  // namespace
}  // namespace braidway::tests
