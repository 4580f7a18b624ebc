// Mixed plans: what makes every byte of a run one that can be foretold.
#include "tests/lab/mixed_plan.hpp"

#include <algorithm>
#include <cstring>

#include <gtest/gtest.h>

namespace braidway::lab {
namespace {

const Plan plan{7, 1000, 16384};

TEST(MixedPlan, HasAllKindsAndEndsWithASend) {
  std::size_t counts[4] = {};
  for (const Operation& it : plan.operations) ++counts[static_cast<std::size_t>(it.kind)];
  for (const std::size_t count : counts) EXPECT_GT(count, plan.operations.size() / 8);
  EXPECT_EQ(plan.operations.back().kind, Kind::send);
  EXPECT_EQ(Plan(7, 1, 1).operations.back().kind, Kind::send);
}

TEST(MixedPlan, IsTheSameForBothEndsAndAnotherForAnotherSeed) {
  const Plan again{7, 1000, 16384};
  const Plan other{6, 1000, 16384};
  EXPECT_EQ(payload(plan, 999), payload(again, 999));
  EXPECT_EQ(untouched(plan), untouched(again));
  EXPECT_NE(other.exposed_bytes, plan.exposed_bytes);
}

TEST(MixedPlan, NothingIsWrittenTwiceAndNothingReadThatALaterWriteChanges) {
  std::size_t written_to = 0;
  for (const Operation& it : plan.operations) {
    if (it.kind == Kind::write) {
      EXPECT_GT(it.place, written_to) << "a gap";
      written_to = it.place + it.bytes;
      EXPECT_LT(written_to, plan.exposed_bytes) << "a gap";
    } else if (it.kind == Kind::read && written_to > 0) {
      EXPECT_LE(it.place + it.bytes, written_to);
      EXPECT_GE(it.place, counter_place + sizeof(std::uint64_t));
    }
  }
}

TEST(MixedPlan, ApplyingAllWritesPayloadsToTheirPlacesAndSumsTheAddends) {
  auto exposed = untouched(plan);
  auto expected = exposed;
  std::uint64_t sum = 0;
  for (std::size_t number = 0; number < plan.operations.size(); ++number) {
    apply(plan, number, exposed);
    const Operation& it = plan.operations[number];
    if (it.kind == Kind::write) {
      const auto bytes = payload(plan, number);
      std::copy(bytes.begin(), bytes.end(), expected.begin() + static_cast<std::ptrdiff_t>(it.place));
    } else if (it.kind == Kind::fetch_add) {
      EXPECT_EQ(it.before, sum);
      sum += it.addend;
    }
  }
  std::memcpy(&expected[counter_place], &sum, sizeof(sum));
  EXPECT_EQ(exposed, expected);
}

}  // namespace
}  // namespace braidway::lab
