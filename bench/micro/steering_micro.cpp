// What a lane's decisions cost, look-up of the flow included: bursts of 64 packets to one peer with 8 paths,
// each packet of another flow. Hashes are made before, but where the name says so.
#include <array>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/micro/per_packet.hpp"
#include "bench/micro/traffic.hpp"
#include "lb/flow_key.hpp"
#include "lb/path_table.hpp"
#include "lb/steering.hpp"

namespace braidway::bench {
namespace {

constexpr std::int64_t burst_ns = 6'400;  ///< between bursts: 10 million packets a second
constexpr std::size_t path_count = 8;

class Source {
 public:
  Source(std::size_t flows, lb::Policy policy)
      : traffic(flows), steering_(std::array{path_count}, {.flows = traffic.flows()}), table_(table()) {
    steering_.set_policy(0, policy);
    steering_.set_restores_order(0, true);
    bytes_.fill(1'048);
    limits_.fill(lb::Policy::automatic);
    for (std::size_t i = 0; i < traffic.bursts(); ++i) {
      traffic.prepare(i);
      // Enough that `automatic` sprays.
      for (int packet = 0; packet < 20; ++packet) decide();
    }
  }

  void hash() noexcept { lb::FlowHasher{seed}.hash_burst(traffic.keys, traffic.hashes); }
  void decide() noexcept {
    now_ += burst_ns;
    steering_.decide(
        {.hashes = traffic.hashes, .keys = traffic.keys, .bytes = bytes_, .limits = limits_, .peers = peers_},
        table_, waits_, lb::Nanoseconds{now_}, out_);
    benchmark::DoNotOptimize(out_);
  }

  Traffic traffic;

 private:
  static lb::PathTable table() {
    std::vector<lb::PathRecord> records;
    records.reserve(path_count);
    for (std::uint16_t i = 0; i < path_count; ++i)
      records.push_back({.egress = i, .live = true, .weight = 1});
    return lb::PathTable::initial({&records, 1}, seed);
  }

  lb::Steering steering_;
  lb::PathTable table_;
  std::array<std::uint32_t, burst> bytes_{};
  std::array<lb::Policy, burst> limits_{};
  std::array<std::uint16_t, burst> peers_{};
  std::array<float, path_count> waits_{};
  std::array<lb::Decision, burst> out_{};
  std::int64_t now_ = 0;
};

template <lb::Policy policy>
void steer(benchmark::State& state) {
  Source source(static_cast<std::size_t>(state.range(0)), policy);
  per_packet(
      state, source.traffic.bursts(), [&](std::size_t i) { source.traffic.prepare(i); },
      [&] { source.decide(); });
}

void hash_and_steer_pinned(benchmark::State& state) {
  Source source(static_cast<std::size_t>(state.range(0)), lb::Policy::pinned);
  per_packet(
      state, source.traffic.bursts(), [&](std::size_t i) { source.traffic.prepare(i); },
      [&] {
        source.hash();
        source.decide();
      });
}

BENCHMARK(steer<lb::Policy::pinned>)->Name("steer pinned")->Arg(10'000)->Arg(1'000'000);
BENCHMARK(hash_and_steer_pinned)->Name("hash and steer pinned")->Arg(10'000)->Arg(1'000'000);
BENCHMARK(hash_and_steer_pinned)->Name("hash and steer pinned A/A")->Arg(10'000)->Arg(1'000'000);
BENCHMARK(steer<lb::Policy::idle_move>)->Name("steer idle_move")->Arg(10'000)->Arg(1'000'000);
BENCHMARK(steer<lb::Policy::spray>)->Name("steer spray")->Arg(10'000)->Arg(1'000'000);
BENCHMARK(steer<lb::Policy::spray>)->Name("steer spray A/A")->Arg(10'000)->Arg(1'000'000);
BENCHMARK(steer<lb::Policy::automatic>)->Name("steer automatic")->Arg(10'000)->Arg(1'000'000);

}  // namespace
}  // namespace braidway::bench
