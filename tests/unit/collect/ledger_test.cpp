#include "ctrl/collect/ledger.hpp"

#include <vector>

#include <gtest/gtest.h>

namespace braidway::ctrl::collect {
namespace {

constexpr std::uint32_t last_sequence = 0x3f'ffff;

Counters after(const std::vector<std::uint32_t>& sequences) {
  Ledger ledger;
  for (const auto sequence : sequences) {
    EXPECT_TRUE(ledger.enter({.hardware = 1, .sequence = sequence, .node = 7}, "10.0.0.1"));
  }
  return ledger.counters;
}

TEST(Ledger, TellsWhatANumberingLacks) {
  struct Case {
    const char* description;
    std::vector<std::uint32_t> sequences;
    std::uint64_t missing;
    std::uint64_t late;
    std::uint64_t restarted;
  };
  const std::vector<Case> cases{
      {"begins anywhere", {1'000, 1'001, 1'002}, 0, 0, 0},
      {"goes round", {last_sequence - 1, last_sequence, 0, 1}, 0, 0, 0},
      {"one left out", {5, 7}, 1, 0, 0},
      {"left out where it goes round", {last_sequence, 2}, 2, 0, 0},
      {"two change places", {5, 7, 6, 8}, 1, 1, 0},
      {"one twice", {5, 5, 6}, 0, 1, 0},
      {"64 back is late", {100, 37, 101}, 0, 1, 0},
      {"more is a new beginning", {100, 36, 37}, 0, 0, 1},
      {"from the middle back to 0", {0x10'0000, 0, 1}, 0, 0, 1},
      {"the longest gap", {0, 0x20'0000}, 0x1f'ffff, 0, 0},
  };
  for (const auto& each : cases) {
    SCOPED_TRACE(each.description);
    const auto counters = after(each.sequences);
    EXPECT_EQ(counters.missing, each.missing);
    EXPECT_EQ(counters.late, each.late);
    EXPECT_EQ(counters.restarted, each.restarted);
  }
}

TEST(Ledger, NodesAndTheirHardwareAreNumberedByThemselves) {
  Ledger ledger;
  for (const std::uint32_t node : {1U, 2U, 0xffff'ffffU}) {
    for (const std::uint8_t hardware : {std::uint8_t{0}, std::uint8_t{63}}) {
      ledger.enter({.hardware = hardware, .sequence = 100 * node, .node = node}, "10.0.0.1");
      ledger.enter({.hardware = hardware, .sequence = 100 * node + 1, .node = node}, "10.0.0.1");
    }
  }
  EXPECT_EQ(ledger.counters.missing, 0U);
  EXPECT_EQ(ledger.counters.late, 0U);
}

TEST(Ledger, AnotherSenderOfANodeIsToldAndChangesNothing) {
  Ledger ledger;
  EXPECT_TRUE(ledger.enter({.sequence = 5, .node = 7}, "10.0.0.1"));
  EXPECT_FALSE(ledger.enter({.sequence = 900, .node = 7}, "10.0.0.66"));
  EXPECT_TRUE(ledger.enter({.sequence = 6, .node = 7}, "10.0.0.1"));
  EXPECT_EQ(ledger.counters.other_sender, 1U);
  EXPECT_EQ(ledger.counters.missing, 0U);
  EXPECT_EQ(ledger.counters.late, 0U);
}

TEST(Ledger, AFloodOfNodesTakesNoMoreThanItsRoomAndDisturbsNobody) {
  Ledger ledger;
  ledger.enter({.sequence = 0, .node = 0}, "10.0.0.1");
  for (std::uint32_t node = 1; node < 2 * most_streams; ++node) {
    EXPECT_TRUE(ledger.enter({.sequence = node, .node = node}, "10.0.0.66"));
  }
  EXPECT_EQ(ledger.counters.not_followed, most_streams);
  ledger.enter({.sequence = 2, .node = 0}, "10.0.0.1");
  EXPECT_EQ(ledger.counters.missing, 1U);
}

}  // namespace
}  // namespace braidway::ctrl::collect
