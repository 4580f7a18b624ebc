#include "lb/flow_table.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <ostream>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "lb/flow_key.hpp"
#include "lb/flow_map.hpp"

namespace braidway::lb {
namespace {

constexpr std::uint64_t seed = 5;

FlowKey key_of(std::uint32_t flow) { return rocev2_key(ipv4(0x0a000001), ipv4(0x0a000002), Qpn{flow}); }

FlowState* find_or_insert(FlowTable& table, std::uint32_t flow, Nanoseconds now = {}) {
  const auto key = key_of(flow);
  const std::array hashes{hash(key, seed)};
  std::array<FlowState*, 1> out{};
  table.find_or_insert(hashes, {&key, 1}, now, out);
  return out[0];
}

TEST(FlowTable, AFlowKeepsItsState) {
  FlowTable table(1'000);
  for (std::uint32_t flow = 0; flow < 1'000; ++flow) {
    auto* state = find_or_insert(table, flow, Nanoseconds{7'168});
    ASSERT_NE(state, nullptr);
    EXPECT_EQ(state->next_sequence, 0U);
    EXPECT_EQ(state->last_seen, Tick{7});
    state->next_sequence = flow + 1;
  }
  for (std::uint32_t flow = 0; flow < 1'000; ++flow)
    EXPECT_EQ(find_or_insert(table, flow)->next_sequence, flow + 1);
  EXPECT_EQ(table.size(), 1'000U);
}

TEST(FlowTable, ABurstMayHoldAFlowTwiceAndAnyNumberOfPackets) {
  FlowTable table(1'000);
  std::vector<FlowKey> keys;
  keys.reserve(300);
  for (std::uint32_t i = 0; i < 300; ++i) keys.push_back(key_of(i % 200));
  std::vector<std::uint64_t> hashes(keys.size());
  FlowHasher{seed}.hash_burst(keys, hashes);
  std::vector<FlowState*> out(keys.size());
  table.find_or_insert(hashes, keys, {}, out);
  for (std::uint32_t i = 0; i < 300; ++i) EXPECT_EQ(out[i], find_or_insert(table, i % 200));
  EXPECT_EQ(table.size(), 200U);
}

TEST(FlowTable, EveryPowerOfTwoOfFlowsFindsRoomAndNoMore) {
  for (std::uint32_t capacity = 1; capacity <= 1U << 20; capacity *= 2) {
    FlowTable table(capacity);
    for (std::uint32_t flow = 0; flow < capacity; ++flow)
      ASSERT_NE(find_or_insert(table, flow), nullptr) << flow;
    EXPECT_EQ(table.size(), capacity);
    EXPECT_EQ(table.refused(), 0U);
    EXPECT_EQ(find_or_insert(table, capacity), nullptr);
    EXPECT_EQ(find_or_insert(table, capacity), nullptr);
    EXPECT_EQ(table.refused(), 2U) << "counted each time";
    EXPECT_NE(find_or_insert(table, 0), nullptr) << "nobody has been evicted";
  }
}

TEST(FlowTable, FlowsOfOneLaneFindRoomToo) {
  constexpr std::uint32_t capacity = 4'096;
  // A lane is given the flows of a part of all hashes: by its upper bits, or by its lower.
  for (const auto mask : {std::uint64_t{0xf} << 60, std::uint64_t{0xf}}) {
    FlowTable table(capacity);
    for (std::uint32_t flow = 0; table.size() < capacity; ++flow) {
      if ((hash(key_of(flow), seed) & mask) == 0) {
        ASSERT_NE(find_or_insert(table, flow), nullptr);
      }
    }
    EXPECT_EQ(table.refused(), 0U);
  }
}

TEST(FlowTable, ForgetsWhatWasSilentAndNothingElse) {
  constexpr std::int64_t expiry = 2'000'000'000;
  FlowTable table(10'000, Nanoseconds{expiry});
  for (std::uint32_t flow = 0; flow < 10'000; ++flow) find_or_insert(table, flow);
  std::size_t most_forgotten = 0;
  std::size_t forgotten = 0;
  for (std::int64_t now = 0; now < 2 * expiry + expiry / 10; now += 100'000) {
    if (now == expiry / 2) {
      for (std::uint32_t flow = 0; flow < 10'000; flow += 2) {
        find_or_insert(table, flow)->last_seen = tick(Nanoseconds{now});
      }
    }
    if (now == expiry + expiry / 4) {
      for (std::uint32_t flow = 0; flow < 10'000; flow += 2) {
        find_or_insert(table, flow)->last_seen = tick(Nanoseconds{now});
      }
    }
    const auto now_forgotten = table.sweep(Nanoseconds{now});
    if (now < expiry - 1'024) {
      ASSERT_EQ(now_forgotten, 0U) << now;
    }
    forgotten += now_forgotten;
    most_forgotten = std::max(most_forgotten, now_forgotten);
  }
  EXPECT_EQ(forgotten, 5'000U);
  EXPECT_EQ(table.size(), 5'000U);
  EXPECT_LE(most_forgotten, 120U) << "a sweep is a bounded piece of work";
  for (std::uint32_t flow = 0; flow < 10'000; flow += 2) EXPECT_NE(find_or_insert(table, flow), nullptr);
  EXPECT_EQ(table.size(), 5'000U) << "those seen are there still";
}

TEST(FlowTable, AnIdleWorkerCatchesUpWithoutAPause) {
  FlowTable table(100'000);
  for (std::uint32_t flow = 0; flow < 100'000; ++flow) find_or_insert(table, flow);
  std::int64_t now = 3'600'000'000'000;
  std::size_t sweeps = 0;
  for (; table.size() > 0; ++sweeps) {
    ASSERT_LE(table.sweep(Nanoseconds{now += 1'000'000}), 120U);
    ASSERT_LT(sweeps, 10'000U);
  }
}

TEST(FlowTable, DoesNotDegradeHoweverManyFlowsComeAndGo) {
  constexpr std::uint32_t capacity = 1'024;
  FlowTable table(capacity, Nanoseconds{1'000'000});
  std::int64_t now = 0;
  // 2,000 generations of flows, each of them all that fits.
  for (std::uint32_t generation = 0; generation < 2'000; ++generation) {
    for (std::uint32_t flow = 0; flow < capacity; ++flow) {
      ASSERT_NE(find_or_insert(table, generation * capacity + flow, Nanoseconds{now}), nullptr) << generation;
    }
    while (table.size() > 0) table.sweep(Nanoseconds{now += 100'000});
  }
  EXPECT_EQ(table.refused(), 0U);
}

// The map against a simple one, with hashes that collide.

struct Number {
  std::uint32_t value = 0;
};

struct Step {
  std::uint32_t flow = 0;
  bool sweeps = false;
  std::uint32_t removes = 0;  ///< those whose number it divides

  friend std::ostream& operator<<(std::ostream& out, const Step& step) {
    return step.sweeps ? out << "sweep " << step.removes : out << "flow " << step.flow;
  }
};

rc::Gen<Step> any_step() {
  return rc::gen::build<Step>(
      rc::gen::set(&Step::flow, rc::gen::inRange(0U, 300U)),
      rc::gen::set(&Step::sweeps, rc::gen::weightedElement<bool>({{20, false}, {1, true}})),
      rc::gen::set(&Step::removes, rc::gen::inRange(1U, 6U)));
}

RC_GTEST_PROP(FlowMapProperty, IsAMapThatMayRefuseButNeverForgets, ()) {
  const auto steps = *rc::gen::scale(8.0, rc::gen::container<std::vector<Step>>(any_step()));
  const auto capacity = *rc::gen::inRange<std::size_t>(1, 200);
  const auto distinct_hashes = *rc::gen::element<std::uint64_t>(1, 2, 7, 1'000'000);
  FlowMap<Number> map(capacity);
  std::map<std::uint32_t, std::uint32_t> reference;
  std::uint64_t refused = 0;
  std::uint32_t inserted = 0;
  std::int64_t now = 0;
  for (const auto& step : steps) {
    if (step.sweeps) {
      // All of a round: 200 flows are at most 21 groups, 8 of them a call.
      const auto removable = [&](const Number& number) { return number.value % step.removes == 0; };
      std::size_t removed = 0;
      for (int i = 0; i < 4; ++i)
        removed += map.sweep(Nanoseconds{now += 1'000'000}, Nanoseconds{1'000}, removable);
      const auto gone =
          std::erase_if(reference, [&](const auto& item) { return item.second % step.removes == 0; });
      RC_ASSERT(removed == gone);
    } else {
      const auto key = key_of(step.flow);
      const std::array hashes{detail::scramble(step.flow % distinct_hashes)};
      std::array<Number*, 1> out{};
      map.find_or_insert(hashes, {&key, 1}, Number{++inserted}, out);
      const auto known = reference.find(step.flow);
      if (known != reference.end()) {
        RC_ASSERT(out[0] != nullptr);
        RC_ASSERT(out[0]->value == known->second);
      } else if (out[0] != nullptr) {
        RC_ASSERT(out[0]->value == inserted);
        reference[step.flow] = inserted;
      } else {
        ++refused;
      }
    }
    RC_ASSERT(map.size() == reference.size());
    RC_ASSERT(map.size() <= capacity);
  }
  RC_ASSERT(map.refused() == refused);
  const auto displaced = map.displacement();
  for (const auto& [flow, number] : reference) {
    const auto* state = map.find(detail::scramble(flow % distinct_hashes), key_of(flow));
    RC_ASSERT(state != nullptr);
    RC_ASSERT(state->value == number);
  }
  // Nothing is left of what is gone.
  for (int i = 0; i < 4; ++i) {
    map.sweep(Nanoseconds{now += 1'000'000}, Nanoseconds{1'000}, [](const Number&) { return true; });
  }
  RC_ASSERT(map.size() == 0U);
  RC_ASSERT(map.displacement() == 0U);
  RC_CLASSIFY(refused > 0, "refused");
  RC_CLASSIFY(displaced > 0, "displaced");
}

}  // namespace
}  // namespace braidway::lb
