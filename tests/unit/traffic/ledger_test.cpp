#include "bench/traffic/ledger.hpp"

#include <gtest/gtest.h>

namespace braidway::bench::traffic {
namespace {

using Verdict = Ledger::Verdict;

TEST(Ledger, TellsOrderPerFlow) {
  Ledger ledger{2, 8};
  ledger.sent(0, 0x10);
  ledger.sent(1, 0x20);
  ledger.sent(0, 0x30);
  EXPECT_EQ(ledger.arrived(0, 0x10), Verdict::in_order);
  EXPECT_EQ(ledger.arrived(0, 0x30), Verdict::in_order);
  EXPECT_EQ(ledger.arrived(1, 0x20), Verdict::in_order);
  EXPECT_EQ(ledger.delivered(), 3U);
}

TEST(Ledger, CallsTheOvertakenFrameReordered) {
  Ledger ledger{1, 8};
  for (const std::uint32_t icrc : {0x10U, 0x20U, 0x30U}) ledger.sent(0, icrc);
  EXPECT_EQ(ledger.arrived(0, 0x30), Verdict::in_order);
  EXPECT_EQ(ledger.arrived(0, 0x10), Verdict::reordered);
  EXPECT_EQ(ledger.arrived(0, 0x20), Verdict::reordered);
  EXPECT_EQ(ledger.reordered(), 2U);
  EXPECT_EQ(ledger.delivered(), ledger.sent());
}

TEST(Ledger, TellsACopyFromARetransmission) {
  Ledger ledger{1, 8};
  ledger.sent(0, 0x10);
  EXPECT_EQ(ledger.arrived(0, 0x10), Verdict::in_order);
  EXPECT_EQ(ledger.arrived(0, 0x10), Verdict::duplicate);
  ledger.sent(0, 0x10);
  EXPECT_EQ(ledger.arrived(0, 0x10), Verdict::in_order);
  EXPECT_EQ(ledger.duplicates(), 1U);
}

TEST(Ledger, DoesNotKnowWhatWasNeverSent) {
  Ledger ledger{1, 8};
  ledger.sent(0, 0x10);
  EXPECT_EQ(ledger.arrived(0, 0x40), Verdict::unknown);
  EXPECT_EQ(ledger.delivered(), 0U);
}

TEST(Ledger, KeepsCountWhenAWholeRingIsLost) {
  Ledger ledger{1, 8};
  for (std::uint32_t icrc = 0; icrc < 40; ++icrc) ledger.sent(0, icrc << 8);
  EXPECT_EQ(ledger.arrived(0, 39U << 8), Verdict::in_order);
  EXPECT_EQ(ledger.arrived(0, 38U << 8), Verdict::reordered);
  EXPECT_EQ(ledger.arrived(0, 1U << 8), Verdict::unknown);
  EXPECT_EQ(ledger.sent() - ledger.delivered(), 38U);
}

}  // namespace
}  // namespace braidway::bench::traffic
