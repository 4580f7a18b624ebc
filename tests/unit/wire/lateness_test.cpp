// The histogram of how late frames leave.
#include "bench/wire/lateness.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace braidway::bench::wire {
namespace {

TEST(Lateness, of_nothing_is_nothing) {
  const Lateness lateness;
  EXPECT_EQ(lateness.count(), 0U);
  EXPECT_EQ(lateness.quantile_ns(0.5), 0U);
  EXPECT_EQ(lateness.worst_ns(), 0U);
}

TEST(Lateness, gives_the_quantiles_of_what_was_recorded) {
  Lateness one;
  Lateness other;
  for (int i = 0; i < 98; ++i) one.record(7);
  other.record(-3);  // early is not late
  other.record(1'000'000);
  one.add(other);
  EXPECT_EQ(one.count(), 100U);
  EXPECT_EQ(one.quantile_ns(0), 0U);
  EXPECT_EQ(one.quantile_ns(0.5), 7U);
  EXPECT_EQ(one.quantile_ns(0.98), 7U);
  EXPECT_EQ(one.quantile_ns(0.99), 1'000'000U);
  EXPECT_EQ(one.worst_ns(), 1'000'000U);
}

RC_GTEST_PROP(Lateness, is_never_told_too_low_and_at_most_a_sixteenth_too_high, ()) {
  const auto late = *rc::gen::inRange<std::int64_t>(0, std::int64_t{1} << 35U);
  Lateness lateness;
  lateness.record(late);
  lateness.record(std::int64_t{1} << 36U);  // else the worst one's exact value would bound it
  const auto told = static_cast<std::int64_t>(lateness.quantile_ns(0.25));
  RC_ASSERT(told >= late);
  RC_ASSERT(told <= late + late / 16);
}

}  // namespace
}  // namespace braidway::bench::wire
