// How the micro benchmarks count: cycles of the time stamp counter a packet, in bursts of 64 like a receive
// queue's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <vector>
#include <x86intrin.h>

#include <benchmark/benchmark.h>

namespace braidway::bench {

constexpr std::uint64_t seed = 0x627261696477617aULL;
constexpr std::size_t burst = 64;

/// Runs `body(burst number)` over `bursts` bursts an iteration, and reports the median iteration: one during
/// which the core was taken away says nothing about the code.
template <typename Body>
void per_packet(benchmark::State& state, std::size_t bursts, Body body) {
  std::vector<std::uint64_t> cycles;
  cycles.reserve(std::size_t{1} << 20);
  while (state.KeepRunning()) {
    const auto begin = __rdtsc();
    for (std::size_t i = 0; i < bursts; ++i) body(i);
    cycles.push_back(__rdtsc() - begin);
  }
  const auto median = cycles.begin() + static_cast<std::ptrdiff_t>(cycles.size() / 2);
  std::ranges::nth_element(cycles, median);
  state.counters["cycles/packet"] = static_cast<double>(*median) / static_cast<double>(bursts * burst);
}

/// The same for a body whose input is made burst by burst, as the stages before it would: `prepare(burst
/// number)` is not counted, and what it writes is in the cache. Reading the counter is: half a cycle a
/// packet. Reports the mean of all bursts but the slowest hundredth, among which are those during which the
/// core was taken away: with a million flows an iteration is longer than a time slice.
template <typename Prepare, typename Body>
void per_packet(benchmark::State& state, std::size_t bursts, Prepare prepare, Body body) {
  std::vector<std::uint64_t> cycles;
  cycles.reserve(std::size_t{1} << 22);
  while (state.KeepRunning()) {
    for (std::size_t i = 0; i < bursts; ++i) {
      prepare(i);
      const auto begin = __rdtsc();
      body();
      cycles.push_back(__rdtsc() - begin);
    }
  }
  const auto kept = cycles.begin() + static_cast<std::ptrdiff_t>(cycles.size() - cycles.size() / 100);
  std::ranges::nth_element(cycles, kept - 1);
  const auto sum = std::accumulate(cycles.begin(), kept, std::uint64_t{0});
  state.counters["cycles/packet"] =
      static_cast<double>(sum) / static_cast<double>((kept - cycles.begin()) * std::int64_t{burst});
}

}  // namespace braidway::bench
