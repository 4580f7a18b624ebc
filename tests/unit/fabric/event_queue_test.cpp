// The order of simulated events.
#include "bench/fabric/event_queue.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

#include "bench/fabric/random.hpp"

namespace braidway::bench::fabric {
namespace {

struct Told {
  Nanoseconds at;
  std::uint32_t order;
  friend bool operator==(const Told&, const Told&) = default;
};

TEST(EventQueue, KeepsEventsOfOneTimeInTheOrderOfScheduling) {
  EventQueue queue{0};
  for (std::uint32_t i = 0; i < 5; ++i) queue.schedule(100, {EventKind::scheme_timer, i, 0});
  for (std::uint32_t i = 0; i < 5; ++i) EXPECT_EQ(queue.pop().a, i);
  EXPECT_TRUE(queue.empty());
}

TEST(EventQueue, KeepsThatOrderBetweenTheHeapAndTheWheel) {
  EventQueue queue{0};
  const Nanoseconds far = EventQueue::span + 500;
  queue.schedule(far, {EventKind::scheme_timer, 0, 0});
  queue.schedule(1'000, {EventKind::scheme_timer, 9, 0});
  EXPECT_EQ(queue.pop().a, 9U);
  queue.schedule(far, {EventKind::scheme_timer, 1, 0});
  EXPECT_EQ(queue.pop().a, 0U);
  EXPECT_EQ(queue.pop().a, 1U);
  EXPECT_EQ(queue.now(), far);
}

TEST(EventQueue, TakesThePastForNow) {
  EventQueue queue{50};
  queue.schedule(10, {EventKind::scheme_timer, 0, 0});
  queue.pop();
  EXPECT_EQ(queue.now(), 50);
}

TEST(EventQueue, OrdersAnyMixtureOfDelaysAsASortWould) {
  Random random{7};
  EventQueue queue{1'000};
  std::vector<Told> expected;
  std::vector<Told> seen;
  std::uint32_t order = 0;
  const auto schedule = [&] {
    constexpr std::uint32_t delays[] = {1, 100, 5'000, 40'000, 4'000'000};
    const Nanoseconds at = queue.now() + random.below(delays[random.below(5)]);
    expected.push_back({at, order});
    queue.schedule(at, {EventKind::scheme_timer, order++, 0});
  };
  for (int i = 0; i < 100; ++i) schedule();
  while (!queue.empty()) {
    const Event event = queue.pop();
    seen.push_back({queue.now(), event.a});
    if (order < 20'000) schedule();
    if (order < 20'000 && random.below(3) == 0) schedule();
  }
  std::stable_sort(expected.begin(), expected.end(),
                   [](const Told& a, const Told& b) { return a.at < b.at; });
  EXPECT_EQ(seen, expected);
}

}  // namespace
}  // namespace braidway::bench::fabric
