#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "telemetry/log_linear_histogram.hpp"

namespace braidway::telemetry {
namespace {

constexpr std::uint32_t most = std::numeric_limits<std::uint32_t>::max();

HistogramCounts of(const std::vector<std::uint32_t>& values) {
  const auto histogram = std::make_unique<LogLinearHistogram>();
  for (const std::uint32_t value : values) histogram->record(value);
  return HistogramCounts(*histogram);
}

/// Small ones, large ones, and those around powers of two.
rc::Gen<std::uint32_t> any_value() {
  return rc::gen::oneOf(
      rc::gen::inRange<std::uint32_t>(0, 100), rc::gen::arbitrary<std::uint32_t>(),
      rc::gen::map(rc::gen::pair(rc::gen::inRange(0, 32), rc::gen::inRange<std::uint32_t>(0, 5)),
                   [](const auto& at) { return (std::uint32_t{1} << at.first) + at.second - 2; }));
}

TEST(Histogram, BucketsFollowEachOtherWithoutGapUpToTheLargestValue) {
  EXPECT_EQ(HistogramScale::least_of(0), 0U);
  for (std::size_t i = 1; i < HistogramScale::buckets; ++i) {
    ASSERT_EQ(HistogramScale::least_of(i), HistogramScale::most_of(i - 1) + 1) << i;
    ASSERT_EQ(HistogramScale::bucket_of(HistogramScale::least_of(i)), i);
    ASSERT_EQ(HistogramScale::bucket_of(HistogramScale::most_of(i)), i);
  }
  EXPECT_EQ(HistogramScale::most_of(HistogramScale::buckets - 1), most);
}

RC_GTEST_PROP(HistogramProperty, AValueIsReadToAThirtySecondOfIt, ()) {
  const auto value = *any_value();
  const std::uint32_t read = HistogramScale::middle_of(HistogramScale::bucket_of(value));
  const std::int64_t error = std::int64_t{read} - std::int64_t{value};
  RC_ASSERT(32 * (error < 0 ? -error : error) <= std::int64_t{value});
  if (value < 32) RC_ASSERT(error == 0);
}

RC_GTEST_PROP(HistogramProperty, AQuantileIsTheValueOfThatRankToAThirtySecond, ()) {
  auto values = *rc::gen::nonEmpty(rc::gen::container<std::vector<std::uint32_t>>(any_value()));
  const auto permille = *rc::gen::inRange(0, 1'001);
  const auto read = of(values).quantile(permille / 1'000.0);
  std::ranges::sort(values);
  const auto rank = static_cast<std::size_t>(
      std::max(1.0, std::ceil(permille / 1'000.0 * static_cast<double>(values.size()))));
  const std::uint32_t value = values[rank - 1];
  RC_ASSERT(read == HistogramScale::middle_of(HistogramScale::bucket_of(value)));
}

RC_GTEST_PROP(HistogramProperty, WhatIsAddedAndTakenOffIsAsIfItHadBeenRecordedOnce, ()) {
  const auto values = rc::gen::container<std::vector<std::uint32_t>>(any_value());
  const auto first = *values;
  const auto second = *values;
  auto both = first;
  both.insert(both.end(), second.begin(), second.end());
  HistogramCounts sum = of(first);
  sum.add(of(second));
  RC_ASSERT(sum == of(both));
  RC_ASSERT(sum.total() == both.size());
  sum.remove(of(first));
  RC_ASSERT(sum == of(second));
}

TEST(Histogram, AQuantileBeyondAllSharesIsTheLeastOrTheMost) {
  EXPECT_EQ(HistogramCounts{}.quantile(0.5), std::nullopt) << "no value";
  const auto counts = of({3, 7, 7, most});
  const std::uint32_t last = HistogramScale::middle_of(HistogramScale::buckets - 1);
  EXPECT_EQ(counts.quantile(0), 3U);
  EXPECT_EQ(counts.quantile(-1), 3U);
  EXPECT_EQ(counts.quantile(std::numeric_limits<double>::quiet_NaN()), 3U);
  EXPECT_EQ(counts.quantile(0.25), 3U);
  EXPECT_EQ(counts.quantile(0.5), 7U);
  EXPECT_EQ(counts.quantile(0.76), last);
  EXPECT_EQ(counts.quantile(1), last);
  EXPECT_EQ(counts.quantile(std::numeric_limits<double>::infinity()), last);
}

TEST(Histogram, WhatIsTooLargeIsTheLargestAndWhatIsNegativeIsNothing) {
  EXPECT_EQ(saturated(-1), 0U);
  EXPECT_EQ(saturated(std::numeric_limits<std::int64_t>::min()), 0U);
  EXPECT_EQ(saturated(std::int64_t{most}), most);
  EXPECT_EQ(saturated(std::int64_t{most} + 1), most);
  EXPECT_EQ(saturated(std::numeric_limits<std::int64_t>::max()), most);
}

TEST(Histogram, AReaderInAnotherThreadSeesCountsThatOnlyGrow) {
  const auto histogram = std::make_unique<LogLinearHistogram>();
  constexpr std::uint32_t values = 300'000;
  std::thread writer([&] {
    for (std::uint32_t i = 0; i < values; ++i) histogram->record(i);
  });
  HistogramCounts before;
  std::uint64_t shrunk = 0;
  while (before.total() < values) {
    const HistogramCounts now(*histogram);
    for (std::size_t i = 0; i < HistogramScale::buckets; ++i) shrunk += now.count(i) < before.count(i);
    before = now;
  }
  writer.join();
  EXPECT_EQ(shrunk, 0U);
  EXPECT_EQ(before.total(), values);
}

}  // namespace
}  // namespace braidway::telemetry
