// What a feedback of 8 paths costs its writer and its reader, in cycles of the time stamp counter a message
// ("packet"). One each 100 us in both directions is 10,000 of each a second.
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/micro/per_packet.hpp"
#include "telemetry/message.hpp"
#include "telemetry/session.hpp"

namespace braidway::bench {
namespace {

constexpr std::size_t bursts = 4;
constexpr lb::GatewayId here{1};
constexpr lb::GatewayId there{2};
constexpr telemetry::BootId our_boot{0x1122334455667788};
constexpr telemetry::BootId their_boot{0xa1a2a3a4a5a6a7a8};
constexpr telemetry::MessageKey key{{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}};
constexpr std::size_t path_count = 8;

using Buffer = std::array<std::byte, telemetry::most_message_bytes>;

std::vector<telemetry::PathRecord> records() {
  std::vector<telemetry::PathRecord> paths(path_count);
  for (std::uint32_t i = 0; i < path_count; ++i) {
    paths[i] = {.heard = true,
                .counted = true,
                .packets = 1'000 * i,
                .bytes = std::uint64_t{4'000'000} * i,
                .mean_delay = i};
  }
  return paths;
}

void write(benchmark::State& state) {
  auto paths = records();
  telemetry::Session session(here, there, our_boot);
  Buffer out{};
  per_packet(state, bursts, [&](std::size_t) {
    for (std::size_t i = 0; i < burst; ++i) {
      ++paths[0].packets;
      benchmark::DoNotOptimize(
          telemetry::write_feedback(session.next({.path = lb::PathId{3}}), 1, paths, 0, key, out));
      benchmark::DoNotOptimize(out);
    }
  });
}

/// Authenticated, read, and taken by the session as new.
void read(benchmark::State& state) {
  telemetry::Session session(here, there, our_boot);
  const telemetry::MessageHeader header{
      .sender = there, .receiver = here, .sender_boot = their_boot, .receiver_boot = our_boot, .sequence = 1};
  std::array<Buffer, burst> buffers{};
  std::size_t bytes = 0;
  for (auto& buffer : buffers) {
    bytes = telemetry::write_feedback(header, 1, records(), 0, key, buffer).bytes;
  }
  std::uint64_t sequence = 0;
  telemetry::Message message;
  std::uint64_t refused = 0;
  per_packet(state, bursts, [&](std::size_t) {
    for (const auto& buffer : buffers) {
      const auto defect = telemetry::read_message(std::span{buffer}.first(bytes), key, here, message);
      message.header.sequence = ++sequence;
      const auto got = session.receive(message, lb::Nanoseconds{1});
      refused +=
          defect == telemetry::MessageDefect::none && got.verdict == telemetry::Verdict::counts ? 0 : 1;
      benchmark::DoNotOptimize(message);
    }
  });
  if (refused > 0) state.SkipWithError("a message was refused");
}

BENCHMARK(write)->Name("feedback of 8 paths, written");
BENCHMARK(write)->Name("feedback of 8 paths, written A/A");
BENCHMARK(read)->Name("feedback of 8 paths, read");
BENCHMARK(read)->Name("feedback of 8 paths, read A/A");

}  // namespace
}  // namespace braidway::bench
