// What lb's hot functions cost in cycles of the time stamp counter a packet, and what making a slot table
// costs. Bursts of 64, drawn from a population of flows larger than the caches' first level, so that slots
// are looked up all over the table as in a gateway. Every figure stands beside an equal one ("A/A"): how far
// these two differ is noise.
//   braidway-micro --benchmark_repetitions=20 --benchmark_report_aggregates_only=true
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/micro/per_packet.hpp"
#include "lb/flow_key.hpp"
#include "lb/path_table.hpp"
#include "lb/pinned.hpp"
#include "lb/slot_table.hpp"

namespace braidway::bench {
namespace {

constexpr std::size_t bursts = 64;

/// `bursts` bursts of RoCEv2 flows of a few hosts: 160 KiB of keys, read in order as a receive queue is.
std::vector<lb::FlowKey> flows() {
  std::vector<lb::FlowKey> keys;
  keys.reserve(burst * bursts);
  for (std::uint32_t i = 0; i < burst * bursts; ++i) {
    keys.push_back(lb::rocev2_key(lb::ipv4(0x0a000001 + (i & 7)), lb::ipv4(0x0a000101), lb::Qpn{0x100 + i}));
  }
  return keys;
}

lb::PeerPaths paths_of(std::size_t count) {
  return {std::vector<lb::PathRecord>(count, {.egress = 1, .live = true, .weight = 1}), seed};
}

void hash_burst(benchmark::State& state) {
  const auto keys = flows();
  std::array<std::uint64_t, burst> hashes{};
  per_packet(state, bursts, [&](std::size_t i) {
    lb::FlowHasher{seed}.hash_burst(std::span{keys}.subspan(i * burst, burst), hashes);
    benchmark::DoNotOptimize(hashes);
  });
}

void decide(benchmark::State& state) {
  const auto keys = flows();
  const auto paths = paths_of(static_cast<std::size_t>(state.range(0)));
  std::vector<std::uint64_t> hashes(keys.size());
  lb::FlowHasher{seed}.hash_burst(keys, hashes);
  std::array<lb::PathId, burst> out{};
  per_packet(state, bursts, [&](std::size_t i) {
    lb::Pinned::decide(std::span{hashes}.subspan(i * burst, burst), paths, out);
    benchmark::DoNotOptimize(out);
  });
}

void hash_and_decide(benchmark::State& state) {
  const auto keys = flows();
  const auto paths = paths_of(static_cast<std::size_t>(state.range(0)));
  std::array<std::uint64_t, burst> hashes{};
  std::array<lb::PathId, burst> out{};
  per_packet(state, bursts, [&](std::size_t i) {
    lb::FlowHasher{seed}.hash_burst(std::span{keys}.subspan(i * burst, burst), hashes);
    lb::Pinned::decide(hashes, paths, out);
    benchmark::DoNotOptimize(out);
  });
}

std::vector<lb::PathShare> shares_of(std::size_t count) { return {count, {.weight = 100, .live = true}}; }

void build(benchmark::State& state) {
  const auto shares = shares_of(static_cast<std::size_t>(state.range(0)));
  while (state.KeepRunning()) benchmark::DoNotOptimize(lb::SlotTable::build(shares, seed));
}

/// One path goes down.
void next_without_a_path(benchmark::State& state) {
  auto shares = shares_of(static_cast<std::size_t>(state.range(0)));
  const auto table = lb::SlotTable::build(shares, seed);
  shares[1].live = false;
  while (state.KeepRunning()) benchmark::DoNotOptimize(table.next(shares));
}

/// It comes back.
void next_with_it_again(benchmark::State& state) {
  auto shares = shares_of(static_cast<std::size_t>(state.range(0)));
  const auto table = lb::SlotTable::build(shares, seed);
  shares[1].live = false;
  const auto without = table.next(shares);
  shares[1].live = true;
  while (state.KeepRunning()) benchmark::DoNotOptimize(without.next(shares));
}

/// Every weight changes by up to a fifth, as the slow loop does each millisecond.
void next_with_other_weights(benchmark::State& state) {
  auto shares = shares_of(static_cast<std::size_t>(state.range(0)));
  const auto table = lb::SlotTable::build(shares, seed);
  for (std::size_t i = 0; i < shares.size(); ++i) {
    shares[i].weight += static_cast<std::uint32_t>(lb::detail::scramble(i) % 41) - 20;
  }
  while (state.KeepRunning()) benchmark::DoNotOptimize(table.next(shares));
}

BENCHMARK(hash_burst);
BENCHMARK(hash_burst)->Name("hash_burst A/A");
BENCHMARK(decide)->Arg(4)->Arg(256);
BENCHMARK(decide)->Name("decide A/A")->Arg(4)->Arg(256);
BENCHMARK(hash_and_decide)->Arg(4)->Arg(256);
BENCHMARK(hash_and_decide)->Name("hash_and_decide A/A")->Arg(4)->Arg(256);
BENCHMARK(build)->Arg(4)->Arg(256)->Unit(benchmark::kMicrosecond);
BENCHMARK(build)->Name("build A/A")->Arg(4)->Arg(256)->Unit(benchmark::kMicrosecond);
BENCHMARK(next_without_a_path)->Arg(4)->Arg(256)->Unit(benchmark::kMicrosecond);
BENCHMARK(next_with_it_again)->Arg(4)->Arg(256)->Unit(benchmark::kMicrosecond);
BENCHMARK(next_with_other_weights)->Arg(4)->Arg(256)->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace braidway::bench

BENCHMARK_MAIN();
