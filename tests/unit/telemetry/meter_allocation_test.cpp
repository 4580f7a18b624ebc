// Meters, and what is read of them for a feedback and by `show`, take no memory once they are made.
#include <array>
#include <cstddef>
#include <cstdint>

#include <gtest/gtest.h>

#include "telemetry/feedback_records.hpp"
#include "telemetry/path_meter.hpp"
#include "telemetry/return_traffic.hpp"
#include "tests/unit/counting_new.hpp"

namespace braidway::telemetry {
namespace {

TEST(Allocation, MetersTakeNoMemory) {
  SourceClock clock;
  PathMeters meters(std::array{PathMeters::Peer{.paths = 8, .source = &clock}}, max_metered_hops);
  FeedbackRecords records(std::array{&meters}, 0, clock);
  constexpr std::uint16_t bitmap = 0xf100;
  std::array<std::byte, std::size_t{20} * 9> stack{};  // a hop more than is metered
  store_hop(stack.data(), bitmap, {.node_id = 1, .hop_latency = 2, .queue = 3, .egress_utilisation = 4});
  const std::array<std::byte, std::size_t{4} * 9> nodes{};
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
    meters.measure_trace(1, {nodes, ioam_queue_depth}, nodes.size() / 4);
    meters.at(1).held(lb::Nanoseconds{i});
    told += records.next(lb::PathId{1}, {}, now).counted ? 1 : 0;
    const HistogramCounts counts(meters.at(1).delay());
    told += counts.quantile(0.99) == 0U ? 0 : 1;
  }
  EXPECT_EQ(taken, before);
  EXPECT_EQ(told, 10'000U);
}

TEST(Allocation, ReturnTrafficTakesNoMemory) {
  ReturnTraffic traffic(4, {.flows = 100, .forget = lb::Nanoseconds{10'000'000}});
  std::array<lb::FlowKey, 2> there;
  std::array<lb::FlowKey, 2> here;
  const std::array<std::uint64_t, 2> hashes{};
  std::array<SentPacket, 2> sent;
  std::array<ReturnedPacket, 2> returned;
  const auto before = taken;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    const lb::Nanoseconds now{i * std::int64_t{10'000}};
    const lb::Qpn pair{i % 400 == 0 ? i : i % 150};
    there.fill(lb::rocev2_key(lb::ipv4(1), lb::ipv4(2), pair));
    here.fill(lb::rocev2_key(lb::ipv4(2), lb::ipv4(1), pair));
    sent.fill({.psn = i & 0xffff,
               .path = static_cast<std::uint16_t>(i % 4),
               .opcode = static_cast<std::uint8_t>(Opcode::rc_send_only),
               .ack_requested = true});
    returned.fill({.psn = i & 0xffff, .opcode = static_cast<std::uint8_t>(Opcode::rc_acknowledge)});
    sent[1].opcode = i % 3 == 0 ? static_cast<std::uint8_t>(Opcode::cnp) : sent[0].opcode;
    returned[1].syndrome = aeth_nak_sequence;
    traffic.sent(hashes, there, sent, now);
    traffic.returned(hashes, here, returned, now);
    traffic.sweep(now);
  }
  EXPECT_EQ(taken, before);
  EXPECT_GT(traffic.path(0).rtts(), 0U);
  EXPECT_GT(traffic.path(0).naks(), 0U);
  EXPECT_GT(traffic.path(0).repeats(), 0U);
  EXPECT_GT(traffic.counters().no_room.get(), 0U);
}

}  // namespace
}  // namespace braidway::telemetry
