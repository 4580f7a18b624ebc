// What becomes of frames that wait when the parameters of their path change.
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/wire/wire_under_test.hpp"

namespace braidway::bench::wire {
namespace {

using test::ms;
using test::Out;
using test::us;
using test::WireUnderTest;
using Outs = std::vector<Out>;

TEST(ChangedRate, is_that_of_every_transmission_that_begins_afterwards) {
  WireUnderTest wire{{.rate_bps = 1'000'000'000}};
  for (int i = 0; i < 4; ++i) wire.push(0);  // 8 us each
  wire.set({.rate_bps = 8'000'000'000}, 12 * us);
  EXPECT_EQ(wire.poll(ms), (Outs{{.number = 0, .at = 8 * us},
                                 {.number = 1, .at = 16 * us},  // had begun
                                 {.number = 2, .at = 17 * us},
                                 {.number = 3, .at = 18 * us}}));
}

TEST(ChangedRate, holds_from_the_change_on_even_if_nobody_has_polled_since_long_before) {
  WireUnderTest wire{{.rate_bps = 1'000'000'000}};
  for (int i = 0; i < 4; ++i) wire.push(0);
  wire.set({}, ms);
  EXPECT_EQ(wire.poll(ms).back(), (Out{.number = 3, .at = 32 * us}));
}

TEST(ChangedDelay, that_is_shorter_lets_nothing_overtake) {
  WireUnderTest wire{{.delay = lb::Nanoseconds{100 * us}}};
  wire.push(0);
  wire.set({.delay = lb::Nanoseconds{10 * us}}, 1 * us);
  wire.push(2 * us);
  wire.push(95 * us);
  EXPECT_EQ(
      wire.poll(ms),
      (Outs{{.number = 0, .at = 100 * us}, {.number = 1, .at = 100 * us}, {.number = 2, .at = 105 * us}}));
}

TEST(ChangedDelay, that_is_longer_is_for_what_comes_afterwards) {
  WireUnderTest wire{{.delay = lb::Nanoseconds{10 * us}}};
  wire.push(0);
  wire.set({.delay = lb::Nanoseconds{100 * us}}, 1 * us);
  wire.push(2 * us);
  EXPECT_EQ(wire.poll(ms), (Outs{{.number = 0, .at = 10 * us}, {.number = 1, .at = 102 * us}}));
}

TEST(ChangedQueue, that_is_smaller_keeps_what_waits) {
  WireUnderTest wire{{.rate_bps = 1'000'000'000}};
  for (int i = 0; i < 4; ++i) wire.push(0);
  wire.set({.rate_bps = 1'000'000'000, .queue_bytes = 1000}, 0);
  EXPECT_EQ(wire.push(0), Drop::queue_full);
  EXPECT_EQ(wire.poll(ms).size(), 4U);
}

TEST(ChangedLoss, is_for_transmissions_that_begin_afterwards) {
  WireUnderTest wire{{.rate_bps = 1'000'000'000}};
  for (int i = 0; i < 3; ++i) wire.push(0);
  wire.set({.rate_bps = 1'000'000'000, .loss = 1}, 10 * us);
  EXPECT_EQ(wire.poll(ms), (Outs{{.number = 0, .at = 8 * us},
                                 {.number = 1, .at = 16 * us},
                                 {.number = 2, .at = 24 * us, .drop = Drop::lost}}));
}

}  // namespace
}  // namespace braidway::bench::wire
