// The tables of lb take all their memory when they are made. Counts every operator new of the program.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <vector>

#include <gtest/gtest.h>

#include "lb/flow_key.hpp"
#include "lb/flow_table.hpp"
#include "lb/order_window.hpp"

namespace {

std::size_t taken = 0;

void* take(std::size_t bytes, std::size_t alignment) {
  ++taken;
  void* memory = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

void* operator new(std::size_t bytes) { return take(bytes, alignof(std::max_align_t)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return take(bytes, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace braidway::lb {
namespace {

constexpr std::size_t burst = 64;

struct Burst {
  /// Of 1,000 flows at random.
  explicit Burst(std::uint64_t number) {
    for (std::size_t i = 0; i < burst; ++i) {
      random[i] = detail::scramble(number * burst + i);
      keys[i] = rocev2_key(ipv4(1), ipv4(2), Qpn{static_cast<std::uint32_t>(random[i] % 1'000)});
      hashes[i] = hash(keys[i], 3);
    }
  }

  std::array<std::uint64_t, burst> random{};
  std::array<FlowKey, burst> keys{};
  std::array<std::uint64_t, burst> hashes{};
};

TEST(Allocation, TheCounterCounts) {
  const auto before = taken;
  delete new int(1);
  EXPECT_EQ(taken, before + 1);
}

TEST(Allocation, AFlowTableTakesNoMemoryOnceMade) {
  FlowTable table(512, Nanoseconds{1'000'000});
  std::array<FlowState*, burst> out{};
  const auto before = taken;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const Nanoseconds now{static_cast<std::int64_t>(i) * 10'000};
    const Burst packets(i);
    table.find_or_insert(packets.hashes, packets.keys, now, out);
    table.sweep(now);
  }
  EXPECT_EQ(taken, before);
  EXPECT_GT(table.refused(), 0U);
}

TEST(Allocation, AnOrderWindowTakesNoMemoryOnceMade) {
  OrderWindow window({.flows = 512, .packets = 256, .bytes = 200'000, .forget = Nanoseconds{1'000'000}});
  std::vector<Handle> out(window.most_out(burst));
  const SpraySet set{.paths = {PathId{0}, PathId{1}, PathId{2}}, .count = 3};
  std::array<Arrival, burst> arrivals{};
  const auto before = taken;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const Nanoseconds now{static_cast<std::int64_t>(i) * 10'000};
    const Burst packets(i);
    for (std::size_t k = 0; k < burst; ++k) {
      const auto random = packets.random[k] >> 16;
      arrivals[k] = {.handle = &arrivals[k],
                     .spray_set = random % 8 == 0 ? nullptr : &set,
                     .sequence = static_cast<std::uint32_t>(random >> 8 & 7U),
                     .bytes = 1'000,
                     .source = GatewayId{static_cast<std::uint16_t>(random >> 32 & 1U)},
                     .path = PathId{static_cast<std::uint8_t>(random >> 12 & 3U)},
                     .epoch = static_cast<std::uint8_t>(i / 1'000)};
    }
    window.push(packets.hashes, packets.keys, arrivals, now, out);
    window.poll(now, out);
    if (i % 100 == 0) window.flush_source(GatewayId{1});
    if (i % 50 == 0) window.path_down(GatewayId{0}, PathId{0});
    if (i % 50 == 25) window.path_up(GatewayId{0}, PathId{0});
  }
  EXPECT_EQ(taken, before);
  const auto& counters = window.counters();
  EXPECT_GT(counters.held, 0U);
  EXPECT_GT(counters.no_window, 0U);
  EXPECT_GT(counters.gaps_by_watermark, 0U);
  EXPECT_GT(counters.gaps_by_timer, 0U);
  EXPECT_GT(counters.fifo_violations, 0U);
}

}  // namespace
}  // namespace braidway::lb
