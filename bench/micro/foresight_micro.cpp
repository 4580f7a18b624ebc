// What it costs workers when the slow loop publishes what it expects of the paths to a peer, in cycles of the
// time stamp counter for each publication, the median of many: the lane that handles messages takes it over
// and tells all lanes, and each lane's steering takes over the new shares. At one publication a millisecond
// that is the share of a core which is shown, for a gateway of one lane, and for each further one.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>
#include <x86intrin.h>

#include <benchmark/benchmark.h>

#include "dataplane/flow_steering.hpp"
#include "dataplane/path_control.hpp"
#include "dataplane/peer_link.hpp"
#include "lb/path_table.hpp"

namespace braidway::bench {
namespace {

std::uint64_t median(std::vector<std::uint64_t>& of) {
  const auto middle = of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2);
  std::ranges::nth_element(of, middle);
  return *middle;
}

dataplane::GatewaySettings settings(std::size_t paths) {
  dataplane::GatewaySettings settings;
  settings.id = lb::GatewayId{1};
  settings.workers.emplace_back();
  settings.ports.emplace_back().role = dataplane::PortRole::host;
  dataplane::PeerSettings& to = settings.peers.emplace_back();
  to.id = lb::GatewayId{2};
  to.policy = lb::Policy::spray;
  to.stamping = dataplane::Stamping::int_md;
  to.messages.emplace();
  for (std::size_t i = 0; i < paths; ++i) {
    const auto port = static_cast<std::uint16_t>(settings.ports.size());
    dataplane::PortSettings& fabric = settings.ports.emplace_back();
    fabric.role = dataplane::PortRole::fabric;
    fabric.mtu = 1'528;
    to.paths.push_back({.name = "p", .port = port});
  }
  return settings;
}

/// `publishes`: else all is the same but that nothing is published.
void publish(benchmark::State& state, std::size_t paths, bool publishes) {
  const dataplane::GatewaySettings gateway = settings(paths);
  dataplane::PeerLink link(gateway.peers.front(), 1);
  dataplane::PathControl control(gateway.peers.front(), link);
  dataplane::FlowSteering steering(gateway, link);
  std::vector<std::vector<lb::PathRecord>> records(1);
  for (const auto& path : gateway.peers.front().paths) {
    records.front().push_back({.egress = path.port, .live = true, .weight = 1});
  }
  const auto table = lb::PathTable::initial(records, 1);
  std::int64_t now = 1'000'000'000;
  std::vector<std::uint64_t> controls;
  std::vector<std::uint64_t> lanes;
  const std::uint64_t tsc_from = __rdtsc();
  const auto began = std::chrono::steady_clock::now();
  float bias = 1;
  for (auto _ : state) {
    now += 1'000'000;
    bias = bias == 1 ? 0.3F : 1;
    link.foresight.ticks.fetch_add(1, std::memory_order_release);
    if (publishes) {
      link.foresight.biases[0].store(bias, std::memory_order_relaxed);
      link.foresight.version.fetch_add(1, std::memory_order_release);
    }
    const std::uint64_t then = __rdtsc();
    control.advance(lb::Nanoseconds{now});
    const std::uint64_t told = __rdtsc();
    steering.renew(table);
    const std::uint64_t taken = __rdtsc();
    controls.push_back(told - then);
    lanes.push_back(taken - told);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const double a_second = static_cast<double>(__rdtsc() - tsc_from) / took.count();
  const auto of_control = static_cast<double>(median(controls));
  const auto of_lane = static_cast<double>(median(lanes));
  state.counters["cycles/first lane"] = of_control + of_lane;
  state.counters["cycles/further lane"] = of_lane;
  constexpr double per_second = 1'000;
  state.counters["%core/first lane"] = 100 * (of_control + of_lane) * per_second / a_second;
  state.counters["%core/further lane"] = 100 * of_lane * per_second / a_second;
  const float share = link.paths[0].share.load(std::memory_order_relaxed);
  if (publishes && share != bias) state.SkipWithError("what was published is not in force");
}

BENCHMARK_CAPTURE(publish, with, 8, true)
    ->Name("a millisecond with a publication, 8 paths")
    ->Iterations(20'000);
BENCHMARK_CAPTURE(publish, without, 8, false)->Name("a millisecond without one, 8 paths")->Iterations(20'000);
BENCHMARK_CAPTURE(publish, with, 8, true)
    ->Name("a millisecond with a publication, 8 paths A/A")
    ->Iterations(20'000);
BENCHMARK_CAPTURE(publish, without, 8, false)
    ->Name("a millisecond without one, 8 paths A/A")
    ->Iterations(20'000);
BENCHMARK_CAPTURE(publish, with, 64, true)
    ->Name("a millisecond with a publication, 64 paths")
    ->Iterations(20'000);
BENCHMARK_CAPTURE(publish, without, 64, false)
    ->Name("a millisecond without one, 64 paths")
    ->Iterations(20'000);
BENCHMARK_CAPTURE(publish, with, 64, true)
    ->Name("a millisecond with a publication, 64 paths A/A")
    ->Iterations(20'000);
BENCHMARK_CAPTURE(publish, without, 64, false)
    ->Name("a millisecond without one, 64 paths A/A")
    ->Iterations(20'000);

}  // namespace
}  // namespace braidway::bench
