// Values that one thread writes and another reads.
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include "telemetry/extremes.hpp"
#include "telemetry/newest.hpp"
#include "telemetry/published.hpp"

namespace braidway::telemetry {
namespace {

/// Whole only if all of it is of the same number.
struct Wide {
  std::array<std::uint32_t, 11> numbers{};
};

TEST(Published, AReaderSeesOneValueWholeAndNoneThatIsOlderThanTheLast) {
  Published<Wide> published;
  constexpr std::uint32_t last = 300'000;
  std::thread writer([&] {
    Wide wide;
    for (std::uint32_t i = 1; i <= last; ++i) {
      wide.numbers.fill(i);
      published.publish(wide);
    }
  });
  std::uint32_t seen = 0;
  std::uint64_t torn = 0;
  std::uint64_t older = 0;
  while (seen < last) {
    const std::optional<Wide> wide = published.read();
    if (!wide) continue;
    for (const std::uint32_t number : wide->numbers) torn += number != wide->numbers[0];
    older += wide->numbers[0] < seen;
    seen = wide->numbers[0];
  }
  writer.join();
  EXPECT_EQ(torn, 0U);
  EXPECT_EQ(older, 0U);
}

TEST(Published, BeforeAnythingIsPublishedItIsTheDefault) {
  const Published<std::uint32_t> published;
  EXPECT_EQ(published.read(), 0U);
}

TEST(Extremes, WhatWasTakenIsForgotten) {
  Extremes extremes;
  EXPECT_EQ(extremes.take(), std::nullopt);
  extremes.begin();
  extremes.note(7);
  extremes.begin();
  extremes.note(3);
  EXPECT_EQ(extremes.take(), (Extremes::Range{3, 7}));
  EXPECT_EQ(extremes.take(), std::nullopt) << "nothing since";
  extremes.begin();
  EXPECT_EQ(extremes.take(), std::nullopt) << "a burst without a value";
  extremes.note(0xffff'ffff);
  EXPECT_EQ(extremes.take(), (Extremes::Range{0xffff'ffff, 0xffff'ffff}));
  extremes.begin();
  extremes.note(0);
  EXPECT_EQ(extremes.take(), (Extremes::Range{0, 0}));
}

TEST(Extremes, WhoTakesFromAnotherThreadSeesNothingThatWasTakenBefore) {
  Extremes extremes;
  std::atomic<bool> enough{false};
  // Ever larger: whatever is taken after a range lies above it.
  std::thread writer([&] {
    for (std::uint32_t i = 0; !enough; ++i) {
      extremes.begin();
      extremes.note(i);
    }
  });
  std::uint64_t wrong = 0;
  std::uint32_t most = 0;
  // On a shared core each taking costs a turn of the other thread: few enough that its numbers do not wrap.
  for (int taken = 0; taken < 200;) {
    const auto range = extremes.take();
    if (!range) {
      std::this_thread::yield();
      continue;
    }
    wrong += taken > 0 && range->least <= most ? 1 : 0;
    wrong += range->least > range->most ? 1 : 0;
    most = range->most;
    ++taken;
  }
  enough = true;
  writer.join();
  EXPECT_EQ(wrong, 0U);
}

TEST(Newest, EachIsTakenOnceAndTheLastBeforeAllOthers) {
  Newest newest;
  EXPECT_EQ(newest.take(), std::nullopt);
  newest.note(7, lb::Nanoseconds{1'024});
  newest.note(3, lb::Nanoseconds{2'048});
  EXPECT_EQ(newest.take(), (Newest::Told{.value = 3, .at = 2}));
  EXPECT_EQ(newest.take(), std::nullopt);
  newest.note(3, lb::Nanoseconds{3'072});
  EXPECT_EQ(newest.take(), (Newest::Told{.value = 3, .at = 3})) << "the same again is news";
  newest.note(0, lb::Nanoseconds{0});
  EXPECT_EQ(newest.take(), (Newest::Told{.value = 0, .at = 0})) << "a clock may go back";
}

TEST(Newest, WhoTakesFromAnotherThreadSeesValueAndTimeOfOneNote) {
  Newest newest;
  constexpr std::uint32_t last = 1'000'000;
  std::thread writer([&] {
    for (std::uint32_t i = 1; i <= last; ++i) newest.note(i, lb::Nanoseconds{std::int64_t{i} * 1'024});
  });
  std::uint64_t torn = 0;
  std::uint64_t not_later = 0;
  Newest::Told seen;
  while (seen.value < last) {
    const auto told = newest.take();
    if (!told) continue;
    torn += told->value != told->at;
    not_later += !told->later_than(seen);
    seen = *told;
  }
  writer.join();
  EXPECT_EQ(torn, 0U);
  EXPECT_EQ(not_later, 0U);
}

}  // namespace
}  // namespace braidway::telemetry
