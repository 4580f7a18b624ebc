// What one direction of a path does to frames: known answers.
#include <cmath>
#include <string>
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

TEST(Delay, of_a_wire_without_any_is_none) {
  WireUnderTest wire{{}};
  EXPECT_EQ(wire.push(5), std::nullopt);
  EXPECT_EQ(wire.poll(5), (Outs{{.number = 0, .at = 5}}));
}

TEST(Delay, is_exact_and_nothing_comes_a_nanosecond_early) {
  WireUnderTest wire{{.delay = lb::Nanoseconds{50 * us}}};
  wire.push(1'000);
  EXPECT_EQ(wire.wire.next_event(), lb::Nanoseconds{51 * us});
  EXPECT_EQ(wire.poll(51 * us - 1), Outs{});
  EXPECT_EQ(wire.poll(51 * us), (Outs{{.number = 0, .at = 51 * us}}));
  EXPECT_EQ(wire.wire.next_event(), std::nullopt);
}

TEST(Delay, counts_from_the_end_of_the_transmission) {
  WireUnderTest wire{{.rate_bps = 1'000'000'000, .delay = lb::Nanoseconds{50 * us}}};
  wire.push(0, 1000);  // 8 us
  wire.push(0, 500);   // 4 us
  EXPECT_EQ(wire.poll(ms), (Outs{{.number = 0, .at = 58 * us}, {.number = 1, .at = 62 * us}}));
}

struct Train {
  std::string name;
  std::uint64_t rate_bps;
  std::uint32_t bytes;
  std::uint64_t frames;
  std::int64_t last_at;  ///< floor(frames * bytes * 8e9 / rate)
};

TEST(Rate, is_exact_over_long_trains) {
  const Train trains[] = {
      {"1 Gbit/s, whole nanoseconds", 1'000'000'000, 1000, 50'000, 400'000'000},
      {"3 Gbit/s, thirds", 3'000'000'000, 1000, 50'000, 133'333'333},
      {"7 Mbit/s", 7'000'000, 60, 10'000, 685'714'285},
      {"400 Gbit/s, below a nanosecond and a half", 400'000'000'000, 64, 60'000, 76'800},
      {"a prime", 999'999'937, 1514, 40'000, 484480030},
  };
  for (const Train& train : trains) {
    SCOPED_TRACE(train.name);
    WireUnderTest wire{{.rate_bps = train.rate_bps, .queue_bytes = 1ULL << 40U}};
    for (std::uint64_t i = 0; i < train.frames; ++i) ASSERT_EQ(wire.push(0, train.bytes), std::nullopt);
    const Outs outs = wire.poll(3'600'000 * ms);
    ASSERT_EQ(outs.size(), train.frames);
    EXPECT_EQ(outs.back().at, train.last_at);
  }
}

TEST(Rate, is_as_exact_when_frames_are_polled_late_and_in_lumps) {
  WireUnderTest wire{{.rate_bps = 3'000'000'000}};
  Outs outs;
  for (std::int64_t now = 0; now < ms; now += 37 * us) {
    for (int i = 0; i < 14; ++i) wire.push(now, 1000);  // 37.33 us of work in each 37 us: never idle
    for (const Out& out : wire.poll(now)) outs.push_back(out);
  }
  ASSERT_GT(outs.size(), 300U);
  for (std::size_t i = 0; i < outs.size(); ++i) {
    EXPECT_EQ(outs[i].at, static_cast<std::int64_t>((i + 1) * 8'000'000'000'000 / 3'000'000'000));
  }
}

TEST(Queue, takes_what_fits_beside_the_frame_in_transmission_and_names_what_does_not) {
  WireUnderTest wire{{.rate_bps = 1'000'000'000, .queue_bytes = 2000}};
  EXPECT_EQ(wire.push(0), std::nullopt);  // transmitted until 8 us
  EXPECT_EQ(wire.push(0), std::nullopt);
  EXPECT_EQ(wire.push(0), std::nullopt);
  EXPECT_EQ(wire.push(0), Drop::queue_full);
  EXPECT_EQ(wire.wire.queued_bytes(), 2000U);
  EXPECT_EQ(wire.push(8 * us - 1), Drop::queue_full);
  EXPECT_EQ(wire.push(8 * us, 1001), Drop::queue_full);
  EXPECT_EQ(wire.push(8 * us), std::nullopt);
  EXPECT_EQ(wire.wire.counters().dropped(Drop::queue_full), 3U);
  EXPECT_EQ(wire.poll(ms).size(), 4U);
}

TEST(Queue, of_no_bytes_still_lets_an_idle_transmitter_have_a_frame) {
  WireUnderTest wire{{.rate_bps = 1'000'000'000, .queue_bytes = 0}};
  EXPECT_EQ(wire.push(0), std::nullopt);
  EXPECT_EQ(wire.push(7'999), Drop::queue_full);
  EXPECT_EQ(wire.push(8'000), std::nullopt);
}

TEST(Capacity, bounds_what_is_held_in_queue_and_line_together) {
  WireUnderTest wire{{.rate_bps = 8'000'000'000, .delay = lb::Nanoseconds{ms}}, 3};
  EXPECT_EQ(wire.push(0), std::nullopt);  // on the line soon
  EXPECT_EQ(wire.push(0), std::nullopt);
  EXPECT_EQ(wire.push(1 * us), std::nullopt);
  EXPECT_EQ(wire.push(2 * us), Drop::line_full);
  EXPECT_EQ(wire.poll(ms + us).size(), 1U);
  EXPECT_EQ(wire.push(ms + us), std::nullopt);
  EXPECT_EQ(wire.push(ms + us), Drop::line_full);
}

TEST(Ce, marks_what_finds_the_threshold_waiting) {
  WireUnderTest wire{{.rate_bps = 1'000'000'000, .ce_bytes = 1500}};
  std::vector<bool> marked;
  for (const std::uint32_t bytes : {1000U, 1000U, 499U, 1U, 1000U}) {
    wire.push(0, bytes);
    marked.push_back(wire.marked());
  }
  // Waiting before each: nothing, nothing (the first is being transmitted), 1000, 1499, 1500 bytes.
  EXPECT_EQ(marked, (std::vector<bool>{false, false, false, false, true}));
  EXPECT_EQ(wire.wire.counters().marked, 1U);
}

TEST(Cut, drops_what_comes_and_what_would_come_out_until_it_is_mended) {
  const Parameters whole{.delay = lb::Nanoseconds{50 * us}};
  Parameters cut = whole;
  cut.cut = true;
  WireUnderTest wire{whole};
  wire.push(0);        // out before the cut
  wire.push(20 * us);  // would come out at 70, during it
  wire.push(40 * us);  // comes out at 90, after it
  EXPECT_EQ(wire.poll(55 * us).size(), 1U);
  wire.set(cut, 60 * us);
  EXPECT_EQ(wire.push(65 * us), Drop::cut);
  EXPECT_EQ(wire.poll(75 * us), (Outs{{.number = 1, .at = 70 * us, .drop = Drop::cut}}));
  wire.set(whole, 80 * us);
  wire.push(81 * us);
  EXPECT_EQ(wire.poll(ms), (Outs{{.number = 2, .at = 90 * us}, {.number = 4, .at = 131 * us}}));
  EXPECT_EQ(wire.wire.counters().dropped(Drop::cut), 2U);
  EXPECT_EQ(wire.wire.counters().sent, 3U);
}

TEST(Reorder, lets_its_share_skip_the_delay) {
  WireUnderTest wire{{.delay = lb::Nanoseconds{50 * us}}};
  Parameters all{.delay = lb::Nanoseconds{50 * us}, .reorder = 1};
  wire.push(0);
  wire.set(all, 1);
  wire.push(10);
  EXPECT_EQ(wire.poll(10), (Outs{{.number = 1, .at = 10}}));
  EXPECT_EQ(wire.poll(50 * us), (Outs{{.number = 0, .at = 50 * us}}));
  EXPECT_EQ(wire.wire.counters().reordered, 1U);
}

TEST(Loss, takes_its_time_on_the_transmitter) {
  WireUnderTest wire{{.rate_bps = 1'000'000'000, .loss = 1}};
  wire.push(0);
  wire.set({.rate_bps = 1'000'000'000}, 0);
  wire.push(0);
  EXPECT_EQ(wire.poll(ms),
            (Outs{{.number = 0, .at = 8 * us, .drop = Drop::lost}, {.number = 1, .at = 16 * us}}));
}

constexpr std::uint64_t many = 100'000;

/// Five standard deviations of a binomial count: a right share fails one seed in two million.
void expect_share(std::uint64_t count, double share) {
  const double mean = static_cast<double>(many) * share;
  EXPECT_NEAR(static_cast<double>(count), mean, 5 * std::sqrt(mean * (1 - share)));
}

TEST(Shares, are_kept_for_loss_duplication_reordering_corruption_and_ce) {
  const double share = 0.03;
  for (double Parameters::* const which : {&Parameters::loss, &Parameters::duplication, &Parameters::reorder,
                                           &Parameters::corruption, &Parameters::ce}) {
    Parameters parameters;
    parameters.*which = share;
    WireUnderTest wire{parameters};
    std::uint64_t damaged = 0;
    std::uint64_t marked = 0;
    for (std::uint64_t i = 0; i < many; ++i) {
      wire.push(static_cast<std::int64_t>(i));
      marked += wire.marked() ? 1 : 0;
      for (std::size_t at = 34; at < 1000; ++at) damaged += wire.buffer[at] != std::byte{0} ? 1 : 0;
      wire.poll(static_cast<std::int64_t>(i));
    }
    const ImpairmentCounters& counted = wire.wire.counters();
    const auto expect = [&](double Parameters::* of, std::uint64_t count) {
      if (of == which) {
        expect_share(count, share);
      } else {
        EXPECT_EQ(count, 0U);
      }
    };
    expect(&Parameters::loss, counted.dropped(Drop::lost));
    expect(&Parameters::duplication, counted.duplicated);
    expect(&Parameters::reorder, counted.reordered);
    expect(&Parameters::corruption, counted.corrupted);
    expect(&Parameters::ce, counted.marked);
    EXPECT_EQ(counted.corrupted, damaged);
    EXPECT_EQ(counted.marked, marked);
  }
}

TEST(Jitter, spreads_as_its_distribution_says) {
  struct {
    Jitter distribution;
    double deviation;  ///< standard, us
    double most;       ///< us off the delay
  } const table[] = {{Jitter::uniform, 10 / std::sqrt(3.0), 10}, {Jitter::normal, 10, 60}};
  for (const auto& each : table) {
    SCOPED_TRACE(jitter_names[static_cast<std::size_t>(each.distribution)]);
    WireUnderTest wire{{.delay = lb::Nanoseconds{100 * us},
                        .jitter = lb::Nanoseconds{10 * us},
                        .distribution = each.distribution}};
    double sum = 0;
    double squares = 0;
    for (std::uint64_t i = 0; i < many; ++i) {
      const std::int64_t now =
          static_cast<std::int64_t>(i) * ms;  // far apart: none is held for the one before
      wire.push(now);
      const Outs outs = wire.poll(now + ms - 1);
      ASSERT_EQ(outs.size(), 1U);
      const double off = static_cast<double>(outs[0].at - now) / us - 100;
      ASSERT_LE(std::abs(off), each.most);
      sum += off;
      squares += off * off;
    }
    const double count = static_cast<double>(many);
    EXPECT_NEAR(sum / count, 0, 5 * each.deviation / std::sqrt(count));
    EXPECT_NEAR(std::sqrt(squares / count), each.deviation, 0.02 * each.deviation);
  }
}

TEST(Jitter, never_makes_a_delay_negative) {
  WireUnderTest wire{{.jitter = lb::Nanoseconds{10 * us}}};
  for (std::int64_t now = 0; now < 1000 * ms; now += ms) {
    wire.push(now);
    const Outs outs = wire.poll(now + ms - 1);
    ASSERT_EQ(outs.size(), 1U);
    ASSERT_GE(outs[0].at, now);
  }
}

}  // namespace
}  // namespace braidway::bench::wire
