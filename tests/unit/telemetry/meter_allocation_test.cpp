// Meters, and what is read of them for a feedback and by `show`, take no memory once they are made.
#include <array>
#include <cstddef>
#include <cstdint>

#include <gtest/gtest.h>

#include "telemetry/feedback_records.hpp"
#include "telemetry/path_meter.hpp"
#include "tests/unit/counting_new.hpp"

namespace braidway::telemetry {
namespace {

TEST(Allocation, MetersTakeNoMemory) {
  SourceClock clock;
  PathMeters meters(std::array{PathMeters::Peer{.paths = 8, .source = &clock}}, max_metered_hops);
  FeedbackRecords records(std::array{&meters}, 0, clock);
  constexpr std::uint16_t bitmap = 0xf000;
  std::array<std::byte, std::size_t{16} * 9> stack{};  // a hop more than is metered
  store_hop(stack.data(), bitmap, {.node_id = 1, .hop_latency = 2, .queue = 3});
  std::array<PathSample, 100> burst{};
  std::uint64_t told = 0;
  const auto before = taken;
  for (std::int64_t i = 0; i < 10'000; ++i) {
    const lb::Nanoseconds now{i * 300'000};
    clock.heard(now, now, i % 1'000 == 0);
    for (std::size_t k = 0; k < burst.size(); ++k) {
      burst[k] = {.meter = static_cast<std::uint32_t>(k % 8),
                  .departure = static_cast<std::uint32_t>(value(now) - 9'000),
                  .stack = {stack.data(), bitmap, k % 10}};
    }
    meters.measure(burst, now);
    meters.at(1).held(lb::Nanoseconds{i});
    told += records.next(lb::PathId{1}, {}, now).counted ? 1 : 0;
    const HistogramCounts counts(meters.at(1).delay());
    told += counts.quantile(0.99) == 0U ? 0 : 1;
  }
  EXPECT_EQ(taken, before);
  EXPECT_EQ(told, 10'000U);
}

}  // namespace
}  // namespace braidway::telemetry
