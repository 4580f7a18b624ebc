// What looking a flow up costs, and what aging adds to a worker's turn.
#include <array>
#include <cstdint>

#include <benchmark/benchmark.h>

#include "bench/micro/per_packet.hpp"
#include "bench/micro/traffic.hpp"
#include "lb/flow_table.hpp"

namespace braidway::bench {
namespace {

constexpr std::int64_t burst_ns = 6'400;  ///< between bursts: 10 million packets a second

void find(benchmark::State& state) {
  Traffic traffic(static_cast<std::size_t>(state.range(0)));
  lb::FlowTable table(traffic.flows());
  std::array<lb::FlowState*, burst> out{};
  const auto look_up = [&] {
    table.find_or_insert(traffic.hashes, traffic.keys, lb::Nanoseconds{}, out);
    benchmark::DoNotOptimize(out);
  };
  const auto prepare = [&](std::size_t i) { traffic.prepare(i); };
  for (std::size_t i = 0; i < traffic.bursts(); ++i) {
    prepare(i);
    look_up();
  }
  per_packet(state, traffic.bursts(), prepare, look_up);
}

/// Flows live, so that a sweep looks at all and removes none.
void find_and_sweep(benchmark::State& state) {
  Traffic traffic(static_cast<std::size_t>(state.range(0)));
  lb::FlowTable table(traffic.flows());
  std::array<lb::FlowState*, burst> out{};
  std::int64_t now = 0;
  per_packet(
      state, traffic.bursts(), [&](std::size_t i) { traffic.prepare(i); },
      [&] {
        const lb::Nanoseconds at{now += burst_ns};
        table.find_or_insert(traffic.hashes, traffic.keys, at, out);
        for (auto* flow : out) flow->last_seen = lb::tick(at);
        table.sweep(at);
      });
}

BENCHMARK(find)->Name("flow_table find")->Arg(10'000)->Arg(1'000'000);
BENCHMARK(find)->Name("flow_table find A/A")->Arg(10'000)->Arg(1'000'000);
BENCHMARK(find_and_sweep)->Name("flow_table find, touch and sweep")->Arg(10'000)->Arg(1'000'000);

}  // namespace
}  // namespace braidway::bench
