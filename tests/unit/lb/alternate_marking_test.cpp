#include "lb/alternate_marking.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace braidway::lb {
namespace {

constexpr std::int64_t period_ns = std::int64_t{1} << 17;

Nanoseconds in_period(std::int64_t period) { return Nanoseconds{period * period_ns + 5}; }

TEST(AlternateMarking, APeriodIsCompleteTwoPeriodsLater) {
  ReceivedByPeriod received;
  for (int i = 0; i < 3; ++i) received.count(in_period(10));
  for (int i = 0; i < 5; ++i) received.count(in_period(11));
  EXPECT_EQ(received.complete(), 9U);
  EXPECT_EQ(received.through(), 0U);
  received.count(in_period(12));
  EXPECT_EQ(received.complete(), 10U);
  EXPECT_EQ(received.through(), 3U);
  received.count(in_period(11));
  EXPECT_EQ(received.through(), 3U);
  received.count(in_period(10));
  EXPECT_EQ(received.through(), 4U) << "late, but counted";
  received.count(in_period(20));
  EXPECT_EQ(received.complete(), 18U);
  EXPECT_EQ(received.through(), 11U) << "empty periods between";
}

TEST(AlternateMarking, TheSourceRemembersThirtyTwoPeriods) {
  SentByPeriod sent;
  EXPECT_EQ(sent.through(0), std::nullopt) << "nothing has been sent";
  sent.count(in_period(100));
  sent.count(in_period(100));
  sent.count(in_period(102));
  EXPECT_EQ(sent.through(99), 0U);
  EXPECT_EQ(sent.through(100), 2U);
  EXPECT_EQ(sent.through(101), 2U);
  EXPECT_EQ(sent.through(102), std::nullopt) << "not over";
  EXPECT_EQ(sent.through(103), std::nullopt) << "not begun";
  EXPECT_EQ(sent.through(71), 0U);
  EXPECT_EQ(sent.through(70), std::nullopt) << "forgotten";
  sent.count(in_period(1'000));
  EXPECT_EQ(sent.through(999), 3U);
  EXPECT_EQ(sent.through(969), 3U);
  EXPECT_EQ(sent.through(968), std::nullopt);
}

TEST(AlternateMarking, APacketStampedEarlierCountsInItsPeriod) {
  SentByPeriod sent;
  sent.count(in_period(5));
  sent.count(in_period(6));
  sent.count(in_period(5));
  sent.count(in_period(7));
  EXPECT_EQ(sent.through(4), 0U);
  EXPECT_EQ(sent.through(5), 2U);
  EXPECT_EQ(sent.through(6), 3U);
}

struct Sending {
  std::int64_t pause = 0;
  std::int64_t behind = 0;  ///< how far its lane's clock reading is behind
  bool lost = false;

  friend std::ostream& operator<<(std::ostream& out, const Sending& s) {
    return out << "{+" << s.pause << " behind " << s.behind << (s.lost ? " lost" : "") << "}";
  }
};

rc::Gen<std::vector<Sending>> sendings() {
  return rc::gen::scale(
      8.0, rc::gen::container<std::vector<Sending>>(rc::gen::build<Sending>(
               rc::gen::set(&Sending::pause, rc::gen::weightedOneOf<std::int64_t>(
                                                 {{50, rc::gen::inRange<std::int64_t>(0, 30'000)},
                                                  {1, rc::gen::inRange<std::int64_t>(0, 9'000'000)}})),
               rc::gen::set(&Sending::behind, rc::gen::inRange<std::int64_t>(0, period_ns)),
               rc::gen::set(&Sending::lost, rc::gen::weightedElement<bool>({{9, false}, {1, true}})))));
}

RC_GTEST_PROP(AlternateMarkingProperty, TheDifferenceIsTheLossHoweverManyAreUnderWay, ()) {
  // Just before the numbers of periods wrap, or anywhere.
  const auto first =
      *rc::gen::element<std::int64_t>(1, (std::int64_t{1} << 32) - 3, (std::int64_t{1} << 31) - 3);
  const auto under_way = *rc::gen::inRange<std::size_t>(0, 30);
  SentByPeriod sent;
  ReceivedByPeriod received;
  std::map<std::int64_t, std::uint32_t> lost_in;  // by period
  std::vector<Nanoseconds> arriving;
  std::int64_t now = first * period_ns;
  std::size_t arrived = 0;
  for (const auto& sending : *sendings()) {
    now += sending.pause;
    const Nanoseconds departure{now - sending.behind};
    sent.count(departure);
    if (sending.lost) {
      ++lost_in[value(departure) / period_ns];
    } else {
      arriving.push_back(departure);
    }
    if (arriving.size() > arrived + under_way) received.count(arriving[arrived++]);
    if (arrived == 0) continue;
    const auto counted = sent.through(received.complete());
    if (!counted) continue;
    // Of the last periods before now the one that the receiver speaks of.
    std::uint32_t lost = 0;
    for (const auto& [period, count] : lost_in) {
      if (!before(received.complete(), static_cast<std::uint32_t>(period))) lost += count;
    }
    RC_ASSERT(*counted - received.through() == lost);
  }
}

}  // namespace
}  // namespace braidway::lb
