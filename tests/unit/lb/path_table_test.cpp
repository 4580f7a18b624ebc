#include "lb/path_table.hpp"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

namespace braidway::lb {
namespace {

constexpr std::uint64_t seed = 0x627261696477617aULL;

std::vector<PathRecord> records(std::size_t count) {
  std::vector<PathRecord> result(count);
  for (std::size_t i = 0; i < count; ++i) {
    result[i] = {.egress = static_cast<std::uint16_t>(10 + i), .live = true, .weight = 1};
  }
  return result;
}

PathTable table_of(const std::vector<std::vector<PathRecord>>& peers) {
  return PathTable::initial(peers, seed);
}

TEST(PathTable, StartsWithWhatItIsGiven) {
  const auto table = table_of({records(4), records(2)});
  EXPECT_EQ(table.generation(), 1U);
  EXPECT_EQ(table.hash_seed(), seed);
  ASSERT_EQ(table.peers().size(), 2U);
  EXPECT_EQ(table.peer(0).live_count(), 4U);
  EXPECT_EQ(table.peer(1).records().size(), 2U);
  EXPECT_EQ(table.peer(1).record(PathId{1}).egress, 11);
}

TEST(PathTable, EveryDerivedTableIsTheNextGeneration) {
  const auto first = table_of({records(4)});
  const auto second = first.with_liveness(0, PathId{1}, false);
  EXPECT_EQ(second.generation(), 2U);
  EXPECT_EQ(second.with_weights(0, std::vector<std::uint32_t>{1, 2, 3, 4}).generation(), 3U);
  EXPECT_EQ(second.hash_seed(), seed);
}

TEST(PathTable, DerivingLeavesTheOldTableAsItWas) {
  const auto first = table_of({records(4)});
  std::vector<PathId> before(1000);
  for (std::uint64_t hash = 0; hash < 1000; ++hash) before[hash] = first.peer(0).path_of(hash << 54);
  const auto second =
      first.with_liveness(0, PathId{1}, false).with_weights(0, std::vector<std::uint32_t>{9, 9, 1, 1});
  for (std::uint64_t hash = 0; hash < 1000; ++hash)
    ASSERT_EQ(first.peer(0).path_of(hash << 54), before[hash]);
  EXPECT_TRUE(first.peer(0).record(PathId{1}).live);
  EXPECT_EQ(first.peer(0).live_count(), 4U);
}

TEST(PathTable, ADerivedTableOutlivesItsAncestor) {
  auto table = table_of({records(4), records(4)});
  for (unsigned step = 0; step < 20; ++step) table = table.with_liveness(0, PathId{1}, step % 2 == 1);
  std::uint32_t hits = 0;
  for (std::uint64_t hash = 0; hash < 1000; ++hash) {
    hits += table.peer(0).path_of(hash << 54) == PathId{1};
    EXPECT_LT(value(table.peer(1).path_of(hash << 54)), 4);
  }
  EXPECT_GT(hits, 150U);
}

TEST(PathTable, ADeadPathOwnsNoSlotAndTakesNoFlow) {
  const auto table = table_of({records(4)}).with_liveness(0, PathId{2}, false);
  const auto& paths = table.peer(0);
  EXPECT_EQ(paths.slot_count(PathId{2}), 0U);
  EXPECT_EQ(paths.live_count(), 3U);
  EXPECT_FALSE(paths.record(PathId{2}).live);
  for (std::uint64_t hash = 0; hash < 4096; ++hash) ASSERT_NE(paths.path_of(hash << 52), PathId{2});
}

TEST(PathTable, WeightsAreShares) {
  const auto table = table_of({records(4)}).with_weights(0, std::vector<std::uint32_t>{1, 2, 3, 4});
  for (std::uint8_t path = 0; path < 4; ++path) {
    EXPECT_NEAR(table.peer(0).slot_count(PathId{path}), SlotTable::slots * (path + 1) / 10.0, 1);
    EXPECT_EQ(table.peer(0).record(PathId{path}).weight, path + 1U);
  }
}

TEST(PathTable, ChangesOfOnePeerDoNotTouchAnother) {
  const auto first = table_of({records(4), records(4)});
  const auto second = first.with_liveness(1, PathId{0}, false);
  EXPECT_EQ(second.peer(0).live_count(), 4U);
  EXPECT_EQ(second.peer(1).live_count(), 3U);
  for (std::uint64_t hash = 0; hash < 4096; ++hash) {
    ASSERT_EQ(second.peer(0).path_of(hash << 52), first.peer(0).path_of(hash << 52));
  }
}

TEST(PathTable, FirstLiveIsTheLowestUsablePath) {
  auto table = table_of({records(3)});
  EXPECT_EQ(table.peer(0).first_live(), PathId{0});
  table = table.with_liveness(0, PathId{0}, false);
  EXPECT_EQ(table.peer(0).first_live(), PathId{1});
  table = table.with_weights(0, std::vector<std::uint32_t>{1, 0, 1});
  EXPECT_EQ(table.peer(0).first_live(), PathId{2});
  EXPECT_EQ(table.peer(0).live_count(), 1U);
  table = table.with_liveness(0, PathId{2}, false);
  EXPECT_EQ(table.peer(0).first_live(), std::nullopt);
  EXPECT_EQ(table.peer(0).live_count(), 0U);
}

TEST(PathTable, CarriesThe256thPath) {
  const auto table = table_of({records(256)});
  EXPECT_EQ(table.peer(0).live_count(), 256U);
  EXPECT_GE(table.peer(0).slot_count(PathId{255}), 256U);
  EXPECT_EQ(table.peer(0).record(PathId{255}).egress, 265);
}

TEST(PathTable, APeerWithoutPathsHasNoLivePath) {
  const auto table = table_of({{}});
  EXPECT_EQ(table.peer(0).live_count(), 0U);
  EXPECT_EQ(table.peer(0).first_live(), std::nullopt);
}

}  // namespace
}  // namespace braidway::lb
