// The tables of lb take all their memory when they are made.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "lb/flow_key.hpp"
#include "lb/flow_table.hpp"
#include "lb/order_window.hpp"
#include "lb/path_health.hpp"
#include "lb/path_table.hpp"
#include "lb/path_weights.hpp"
#include "lb/policy_governor.hpp"
#include "lb/steering.hpp"
#include "tests/unit/counting_new.hpp"

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
  // Through a volatile pointer, or the compiler leaves both out.
  int* volatile one = new int(1);
  delete one;
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

TEST(Allocation, ALanesDecisionsTakeNoMemoryOnceItIsMade) {
  constexpr std::array<std::size_t, 3> paths{8, 40, 2};
  std::vector<std::vector<PathRecord>> records;
  records.reserve(paths.size());
  for (const std::size_t count : paths) records.emplace_back(count, PathRecord{.live = true, .weight = 1});
  const auto table = PathTable::initial(records, 3);
  const auto other = table.with_liveness(1, PathId{0}, false);
  Steering steering(paths, {.flows = 500});
  std::array<std::uint32_t, burst> bytes{};
  std::array<Policy, burst> limits{};
  std::array<std::uint16_t, burst> peers{};
  std::array<Decision, burst> out{};
  const std::array waits{0.0F};
  std::vector<float> shares(40, 1.0F);
  const std::vector<float> delays(40, 50'000.0F);
  const auto before = taken;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const Nanoseconds now{static_cast<std::int64_t>(i) * 100'000};
    const Burst packets(i);
    for (std::size_t k = 0; k < burst; ++k) {
      const auto random = packets.random[k];
      bytes[k] = static_cast<std::uint32_t>(64 + (random >> 8) % 1'500);
      limits[k] = static_cast<Policy>((random >> 24) % 5);
      peers[k] = static_cast<std::uint16_t>(random % 3);
    }
    const auto peer = static_cast<std::uint16_t>(i % 3);
    steering.set_policy(peer, static_cast<Policy>(i / 7 % 5));
    steering.set_restores_order(peer, i % 11 > 0);
    steering.set_shadow(peer, i % 13 == 0);
    shares[i % 40] = static_cast<float>(i % 4);
    steering.set_paths(peer, std::span{shares}.first(paths[peer]), std::span{delays}.first(paths[peer]));
    steering.decide(
        {.hashes = packets.hashes, .keys = packets.keys, .bytes = bytes, .limits = limits, .peers = peers},
        i % 2 == 0 ? table : other, waits, now, out);
    steering.sweep(now);
  }
  EXPECT_EQ(taken, before);
  EXPECT_GT(steering.counters().moved, 0U);
  EXPECT_GT(steering.counters().unnumbered, 0U);
  EXPECT_GT(steering.counters().elsewhere, 0U);
}

TEST(Allocation, AMessageTakesNoMemory) {
  PathHealth health(8);
  const std::vector<float> configured(8, 1.0F);
  PathWeights weights(configured);
  PolicyGovernor governor(Policy::automatic);
  std::array<PathReceipt, 8> receipts{};
  std::array<PathDelay, 8> delays{};
  const auto before = taken;
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    const Nanoseconds now{static_cast<std::int64_t>(i) * 100'000};
    std::size_t out = 0;
    for (std::size_t k = 0; k < 8; ++k) {
      const auto path = static_cast<PathId>(k);
      const auto random = detail::scramble(i * 8 + k);
      health.sent(path, now, now);
      receipts[k] = {.path = path, .heard = random % 9 > k, .period = marking_period(now) - 2};
      delays[k] = {.path = path, .mean_ns = static_cast<float>(random % 100'000), .max_ns = 2e5F};
      out += health.usable(path) ? 0 : 1;
    }
    health.received(receipts, now);
    health.advance(now);
    weights.update(delays);
    weights.set_biases(configured);
    governor.count(8, i % 2, now);
    governor.advance(out, 8, now);
  }
  EXPECT_EQ(taken, before);
}

}  // namespace
}  // namespace braidway::lb
