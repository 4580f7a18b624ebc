#include "lb/pinned.hpp"

#include <array>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "lb/explain.hpp"
#include "lb/flow_key.hpp"

namespace braidway::lb {
namespace {

constexpr std::uint64_t seed = 77;

std::vector<PathRecord> records(const std::vector<std::uint32_t>& weights) {
  std::vector<PathRecord> result;
  result.reserve(weights.size());
  for (const auto weight : weights) {
    result.push_back({.egress = static_cast<std::uint16_t>(result.size()), .live = true, .weight = weight});
  }
  return result;
}

std::vector<FlowKey> flows(std::uint32_t count) {
  std::vector<FlowKey> keys;
  keys.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i)
    keys.push_back(rocev2_key(ipv4(0x0a000001), ipv4(0x0a000002), Qpn{i}));
  return keys;
}

std::vector<PathId> decided(const std::vector<FlowKey>& keys, const PeerPaths& paths) {
  std::vector<std::uint64_t> hashes(keys.size());
  std::vector<PathId> out(keys.size());
  FlowHasher{seed}.hash_burst(keys, hashes);
  Pinned::decide(hashes, paths, out);
  return out;
}

TEST(Pinned, AFlowTakesThePathThatOwnsItsSlot) {
  const PeerPaths paths(records({1, 2, 3}), seed);
  const auto keys = flows(1000);
  const auto out = decided(keys, paths);
  for (std::size_t i = 0; i < keys.size(); ++i) ASSERT_EQ(out[i], paths.path_of(hash(keys[i], seed)));
}

TEST(Pinned, FlowsFollowTheWeights) {
  const PeerPaths paths(records({1, 2, 3, 4}), seed);
  std::array<double, 4> hits{};
  for (const auto path : decided(flows(100'000), paths)) ++hits[value(path)];
  // Binomial: standard deviation at most sqrt(100,000 * 0.24) = 155.
  for (std::size_t path = 0; path < 4; ++path) {
    EXPECT_NEAR(hits[path], 10'000.0 * static_cast<double>(path + 1), 5 * 155) << path;
  }
}

TEST(Pinned, WhenAPathDiesOnlyItsFlowsMoveAndTheyReturnWithIt) {
  const std::vector<std::vector<PathRecord>> peers = {records({1, 1, 1, 1})};
  const auto table = PathTable::initial(peers, seed);
  const auto without = table.with_liveness(0, PathId{3}, false);
  const auto again = without.with_liveness(0, PathId{3}, true);
  const auto keys = flows(10'000);
  const auto before = decided(keys, table.peer(0));
  const auto during = decided(keys, without.peer(0));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    ASSERT_NE(during[i], PathId{3});
    if (before[i] != PathId{3}) {
      ASSERT_EQ(during[i], before[i]);
    }
  }
  EXPECT_EQ(decided(keys, again.peer(0)), before);
}

TEST(Explain, SaysWhatPinnedDecides) {
  const PeerPaths paths(records({5, 1, 7}), seed);
  const auto keys = flows(500);
  const auto out = decided(keys, paths);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto explanation = explain(keys[i], seed, paths);
    if (!explanation) FAIL() << "flow " << i << " is not explained";
    EXPECT_EQ(explanation->path, out[i]);
    EXPECT_EQ(explanation->hash, hash(keys[i], seed));
    EXPECT_EQ(explanation->slot, SlotTable::slot_of(explanation->hash));
    EXPECT_EQ(explanation->record.egress, value(out[i]));
    EXPECT_EQ(explanation->slot_count, paths.slot_count(out[i]));
    EXPECT_EQ(explanation->live_count, 3U);
  }
}

TEST(Explain, HasNothingToSayWithoutAUsablePath) {
  auto none = records({1, 1});
  for (auto& record : none) record.live = false;
  EXPECT_EQ(explain(flows(1)[0], seed, PeerPaths(none, seed)), std::nullopt);
}

}  // namespace
}  // namespace braidway::lb
