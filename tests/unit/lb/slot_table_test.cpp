#include "lb/slot_table.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace braidway::lb {
namespace {

using Shares = std::vector<PathShare>;

bool usable(const PathShare& share) { return share.live && share.weight > 0; }

std::uint64_t usable_weight(const Shares& shares) {
  std::uint64_t sum = 0;
  for (const auto& share : shares) sum += usable(share) ? share.weight : 0;
  return sum;
}

double quota(const Shares& shares, std::size_t path) {
  if (!usable(shares[path])) return 0;
  return SlotTable::slots * static_cast<double>(shares[path].weight) /
         static_cast<double>(usable_weight(shares));
}

std::vector<std::uint32_t> counted(const SlotTable& table) {
  std::vector<std::uint32_t> counts(max_paths_per_peer);
  for (std::uint32_t slot = 0; slot < SlotTable::slots; ++slot) ++counts[value(table.owner(slot))];
  return counts;
}

PathId path_id(std::size_t path) { return PathId{static_cast<std::uint8_t>(path)}; }

/// What holds for every table that is not empty: only usable paths own slots, as many as they should.
void expect_fair(const SlotTable& table, const Shares& shares) {
  ASSERT_EQ(table.empty(), usable_weight(shares) == 0);
  if (table.empty()) return;
  const auto counts = counted(table);
  for (std::size_t path = 0; path < max_paths_per_peer; ++path) {
    ASSERT_EQ(counts[path], table.count(path_id(path)));
    if (path >= shares.size() || !usable(shares[path])) {
      ASSERT_EQ(counts[path], 0U) << "path " << path << " is not usable";
      continue;
    }
    const double exact = quota(shares, path);
    // apportion.hpp: 1/2 + 1/2 * paths * share.
    const double bound = 0.5 + 0.5 * static_cast<double>(shares.size()) * exact / SlotTable::slots;
    ASSERT_LE(std::abs(counts[path] - exact), bound + 1e-6) << "path " << path;
    if (exact >= 1) {
      ASSERT_GE(counts[path], 1U) << "path " << path;
    }
    if (exact >= 165) {
      ASSERT_LE(std::abs(counts[path] / exact - 1), 0.005) << "path " << path;
    }
  }
}

struct Moves {
  std::uint32_t all = 0;
  std::vector<std::uint32_t> from = std::vector<std::uint32_t>(max_paths_per_peer);
  std::vector<std::uint32_t> to = std::vector<std::uint32_t>(max_paths_per_peer);
};

Moves moves(const SlotTable& before, const SlotTable& after) {
  Moves result;
  for (std::uint32_t slot = 0; slot < SlotTable::slots; ++slot) {
    if (before.owner(slot) == after.owner(slot)) continue;
    ++result.all;
    ++result.from[value(before.owner(slot))];
    ++result.to[value(after.owner(slot))];
  }
  return result;
}

/// No path both gives and takes, and nothing moves beyond the differences of the counts.
void expect_least_moves(const SlotTable& before, const SlotTable& after) {
  const auto moved = moves(before, after);
  std::uint32_t grown = 0;
  for (std::size_t path = 0; path < max_paths_per_peer; ++path) {
    ASSERT_TRUE(moved.from[path] == 0 || moved.to[path] == 0) << "path " << path << " gave and took";
    if (after.count(path_id(path)) > before.count(path_id(path))) {
      grown += after.count(path_id(path)) - before.count(path_id(path));
    }
  }
  ASSERT_EQ(moved.all, grown);
}

void expect_same_owners(const SlotTable& a, const SlotTable& b) { EXPECT_EQ(moves(a, b).all, 0U); }

Shares random_shares(std::mt19937& random, std::size_t count) {
  const auto widest = std::array{1U, 4U, 100U, 10'000U}[random() % 4];
  Shares shares(count);
  for (auto& share : shares)
    share = {.weight = 1 + static_cast<std::uint32_t>(random() % widest), .live = true};
  return shares;
}

std::size_t random_count(std::mt19937& random) {
  return random() % 3 == 0 ? max_paths_per_peer - random() % 4 : 1 + random() % max_paths_per_peer;
}

TEST(SlotTable, HashesReachEverySlotEvenly) {
  EXPECT_EQ(SlotTable::slot_of(0), 0U);
  EXPECT_EQ(SlotTable::slot_of(~0ULL), SlotTable::slots - 1);
  // Steps of 2^32 / (16 slots): 16 or, by rounding, one hash more or less fall in each.
  std::vector<int> hits(SlotTable::slots);
  for (std::uint64_t i = 0; i < 16ULL * SlotTable::slots; ++i) {
    ++hits[SlotTable::slot_of(i * ((1ULL << 32) / (16ULL * SlotTable::slots)) << 32)];
  }
  for (std::uint32_t slot = 0; slot + 20 < SlotTable::slots; ++slot) EXPECT_NEAR(hits[slot], 16, 1) << slot;
}

TEST(SlotTable, EverySlotBelongsToAUsablePathInItsShareForEveryNumberOfPaths) {
  std::mt19937 random(11);
  for (std::size_t count = 1; count <= max_paths_per_peer; ++count) {
    auto shares = random_shares(random, count);
    for (auto& share : shares) share.live = random() % 8 != 0;
    expect_fair(SlotTable::build(shares, random()), shares);
    if (HasFatalFailure()) FAIL() << count << " paths";
  }
}

TEST(SlotTable, TwoHundredAndFiftySixEqualPathsAreWithinHalfAPercent) {
  const Shares shares(256, {.weight = 1, .live = true});
  const auto table = SlotTable::build(shares, 1);
  for (std::size_t path = 0; path < 256; ++path) {
    EXPECT_NEAR(table.count(path_id(path)) / quota(shares, path), 1, 0.005);
  }
}

TEST(SlotTable, APathThatLeavesGivesItsSlotsAndNoOtherSlotMoves) {
  std::mt19937 random(12);
  for (int round = 0; round < 150; ++round) {
    auto shares = random_shares(random, random_count(random));
    auto table = SlotTable::build(shares, random());
    // One after another, by death or by weight 0, until none is left.
    for (int step = 0; step < 8 && usable_weight(shares) > 0; ++step) {
      const auto leaver = random() % shares.size();
      if (!usable(shares[leaver])) continue;
      if (random() % 2 == 0) {
        shares[leaver].live = false;
      } else {
        shares[leaver].weight = 0;
      }
      const auto next = table.next(shares);
      expect_fair(next, shares);
      if (HasFatalFailure()) return;
      if (!next.empty()) {
        const auto moved = moves(table, next);
        ASSERT_EQ(moved.all, table.count(path_id(leaver)));
        ASSERT_EQ(moved.from[leaver], moved.all);
      }
      table = next;
    }
  }
}

TEST(SlotTable, APathThatComesTakesItsShareAndNoSlotMovesBetweenOthers) {
  std::mt19937 random(13);
  for (int round = 0; round < 150; ++round) {
    auto shares = random_shares(random, 1 + random() % 255);
    for (auto& share : shares) share.live = random() % 4 != 0;
    shares[0].live = true;
    auto table = SlotTable::build(shares, random());
    for (int step = 0; step < 8; ++step) {
      // A path that was dead, or one that was not there.
      std::size_t comer = random() % shares.size();
      if (usable(shares[comer])) {
        if (shares.size() == max_paths_per_peer) continue;
        comer = shares.size();
        shares.push_back({.weight = 1 + static_cast<std::uint32_t>(random() % 100), .live = true});
      }
      shares[comer].live = true;
      const auto next = table.next(shares);
      expect_fair(next, shares);
      if (HasFatalFailure()) return;
      const auto moved = moves(table, next);
      ASSERT_EQ(moved.all, next.count(path_id(comer)));
      ASSERT_EQ(moved.to[comer], moved.all);
      table = next;
    }
  }
}

TEST(SlotTable, APathThatReturnsGetsExactlyTheSlotsItLeft) {
  std::mt19937 random(14);
  for (int round = 0; round < 30; ++round) {
    auto shares = random_shares(random, random_count(random));
    auto table = SlotTable::build(shares, random());
    for (int step = 0; step < 10; ++step) {
      auto& share = shares[random() % shares.size()];
      share.live = false;
      const auto without = table.next(shares);
      share.live = true;
      expect_same_owners(without.next(shares), table);
      // And so it is after any history: weights that change, outages that overlap.
      for (auto& other : shares) other.live = random() % 8 != 0;
      shares[random() % shares.size()].weight += 1;
      table = table.next(shares);
      for (auto& other : shares) other.live = true;
      table = table.next(shares);
    }
  }
}

TEST(SlotTable, AfterOutagesThatOverlapAllButAFewPercentOfTheSlotsAreBackWhereTheyWere) {
  std::mt19937 random(19);
  for (int round = 0; round < 30; ++round) {
    auto shares = random_shares(random, random_count(random));
    const auto original = SlotTable::build(shares, random());
    auto table = original;
    for (int step = 0; step < 30; ++step) {
      auto& share = shares[random() % shares.size()];
      share.live = !share.live;
      table = table.next(shares);
    }
    for (auto& share : shares) {
      share.live = true;
      table = table.next(shares);
    }
    EXPECT_LT(moves(table, original).all, SlotTable::slots / 20) << shares.size() << " paths";
  }
}

TEST(SlotTable, APathDeadFromTheStartTakesItsPlaceAsIfItHadBeenThere) {
  Shares shares(8, {.weight = 3, .live = true});
  const auto complete = SlotTable::build(shares, 5);
  shares[2].live = false;
  const auto without = SlotTable::build(shares, 5);
  shares[2].live = true;
  expect_same_owners(without.next(shares), complete);
}

TEST(SlotTable, AChangeOfWeightsMovesOnlyTheDifferences) {
  std::mt19937 random(15);
  for (int round = 0; round < 60; ++round) {
    auto shares = random_shares(random, random_count(random));
    auto table = SlotTable::build(shares, random());
    for (int step = 0; step < 10; ++step) {
      // Weights drift, some jump, paths come and go at the same time.
      for (auto& share : shares) {
        if (random() % 2 == 0) share.weight += static_cast<std::uint32_t>(random() % (1 + share.weight / 4));
        if (random() % 32 == 0) share.weight = static_cast<std::uint32_t>(random() % 1000);
        if (random() % 32 == 0) share.live = !share.live;
      }
      const auto next = table.next(shares);
      expect_fair(next, shares);
      if (!table.empty() && !next.empty()) expect_least_moves(table, next);
      if (HasFatalFailure()) return;
      table = next;
    }
  }
}

TEST(SlotTable, WithNothingChangedNothingMoves) {
  std::mt19937 random(16);
  const auto shares = random_shares(random, 100);
  const auto table = SlotTable::build(shares, 3);
  expect_same_owners(table.next(shares), table);
}

TEST(SlotTable, IsEmptyWithoutAUsablePathAndLookupsThenNameThePathsOwningTheSlotsWereAllLive) {
  Shares shares(4, {.weight = 1, .live = true});
  const auto original = SlotTable::build(shares, 9);
  EXPECT_FALSE(original.empty());
  for (auto& share : shares) share.live = false;
  const auto empty = original.next(shares);
  EXPECT_TRUE(empty.empty());
  for (std::size_t path = 0; path < 4; ++path) EXPECT_EQ(empty.count(path_id(path)), 0U);
  expect_same_owners(empty, original);
  EXPECT_TRUE(SlotTable::build(shares, 9).empty());
  EXPECT_TRUE(SlotTable::build({}, 9).empty());
  EXPECT_EQ(SlotTable::build({}, 9).owner(SlotTable::slots - 1), PathId{0});
}

TEST(SlotTable, RecoversFromEmptyWithThePathThatReturnsFirst) {
  Shares shares(4, {.weight = 1, .live = false});
  auto table = SlotTable::build(shares, 9);
  shares[3].live = true;
  table = table.next(shares);
  EXPECT_EQ(table.count(PathId{3}), SlotTable::slots);
  for (auto& share : shares) share.live = true;
  expect_same_owners(table.next(shares), SlotTable::build(shares, 9));
}

TEST(SlotTable, WeightZeroForAllIsEmptyAndEndsWithTheFirstWeight) {
  Shares shares(3, {.weight = 1, .live = true});
  auto table = SlotTable::build(shares, 9);
  for (auto& share : shares) share.weight = 0;
  table = table.next(shares);
  EXPECT_TRUE(table.empty());
  shares[1].weight = 5;
  table = table.next(shares);
  EXPECT_EQ(table.count(PathId{1}), SlotTable::slots);
}

TEST(SlotTable, IsAFunctionOfSharesAndSeed) {
  std::mt19937 random(17);
  const auto shares = random_shares(random, 16);
  expect_same_owners(SlotTable::build(shares, 1), SlotTable::build(shares, 1));
  EXPECT_GT(moves(SlotTable::build(shares, 1), SlotTable::build(shares, 2)).all, SlotTable::slots / 2);
}

TEST(SlotTable, ARestartedGatewayPutsMostFlowsWhereTheyWere) {
  // One that has lived through changes of weight, against one that starts with the last of them.
  Shares shares(16, {.weight = 100, .live = true});
  auto lived = SlotTable::build(shares, 4);
  std::mt19937 random(18);
  for (int step = 0; step < 20; ++step) {
    for (auto& share : shares) share.weight = 80 + static_cast<std::uint32_t>(random() % 41);
    lived = lived.next(shares);
  }
  EXPECT_LT(moves(lived, SlotTable::build(shares, 4)).all, SlotTable::slots / 2);
}

TEST(SlotTable, NeighbouringSlotsBelongToDifferentPaths) {
  // The slots of a path are scattered: runs of one owner are as long as chance makes them.
  const Shares shares(4, {.weight = 1, .live = true});
  const auto table = SlotTable::build(shares, 6);
  std::uint32_t equal = 0;
  for (std::uint32_t slot = 1; slot < SlotTable::slots; ++slot)
    equal += table.owner(slot) == table.owner(slot - 1);
  EXPECT_LT(equal, SlotTable::slots / 2);
}

}  // namespace
}  // namespace braidway::lb
