// How the micro benchmarks count: cycles of the time stamp counter a packet, the median of the iterations,
// since one during which the core was taken away says nothing about the code. Bursts of 64, like a receive
// queue's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>
#include <x86intrin.h>

#include <benchmark/benchmark.h>

namespace braidway::bench {

constexpr std::uint64_t seed = 0x627261696477617aULL;
constexpr std::size_t burst = 64;

/// The median of `cycles` by the `packets` that each was taken over.
inline void report_cycles(benchmark::State& state, std::vector<std::uint64_t>& cycles, std::size_t packets) {
  const auto median = cycles.begin() + static_cast<std::ptrdiff_t>(cycles.size() / 2);
  std::ranges::nth_element(cycles, median);
  state.counters["cycles/packet"] = static_cast<double>(*median) / static_cast<double>(packets);
}

/// Runs `body(burst number)` over `bursts` bursts an iteration.
template <typename Body>
void per_packet(benchmark::State& state, std::size_t bursts, Body body) {
  std::vector<std::uint64_t> cycles;
  cycles.reserve(std::size_t{1} << 20);
  while (state.KeepRunning()) {
    const auto begin = __rdtsc();
    for (std::size_t i = 0; i < bursts; ++i) body(i);
    cycles.push_back(__rdtsc() - begin);
  }
  report_cycles(state, cycles, bursts * burst);
}

/// The same for a body whose input is made burst by burst, as the stages before it would: `prepare(burst
/// number)` is not counted, and what it writes is in the cache. Reading the counter is: half a cycle a
/// packet.
template <typename Prepare, typename Body>
void per_packet(benchmark::State& state, std::size_t bursts, Prepare prepare, Body body) {
  std::vector<std::uint64_t> cycles;
  cycles.reserve(std::size_t{1} << 20);
  while (state.KeepRunning()) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < bursts; ++i) {
      prepare(i);
      const auto begin = __rdtsc();
      body();
      sum += __rdtsc() - begin;
    }
    cycles.push_back(sum);
  }
  report_cycles(state, cycles, bursts * burst);
}

}  // namespace braidway::bench
