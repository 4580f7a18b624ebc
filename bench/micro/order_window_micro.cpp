// What restoring the order of flows costs at the sink, look-up of the flow included.
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/micro/per_packet.hpp"
#include "bench/micro/traffic.hpp"
#include "lb/order_window.hpp"

namespace braidway::bench {
namespace {

constexpr std::int64_t burst_ns = 6'400;  ///< between bursts: 10 million packets a second
constexpr lb::SpraySet paths{.paths = {lb::PathId{0}, lb::PathId{1}, lb::PathId{2}, lb::PathId{3},
                                       lb::PathId{4}, lb::PathId{5}, lb::PathId{6}, lb::PathId{7}},
                             .count = 8};

class Sink {
 public:
  explicit Sink(std::size_t flows)
      : traffic(flows), window({.flows = traffic.flows()}), out_(window.most_out(burst)) {}

  /// The next packet of each flow of the burst, numbered by the round. If `swapped`, the odd ones come before
  /// the even.
  void prepare(std::size_t number, bool swapped) noexcept {
    traffic.prepare(number);
    const auto sequence = swapped ? round_ ^ 1U : round_;
    for (auto& arrival : arrivals_) {
      arrival = {.handle = this,
                 .spray_set = &paths,
                 .sequence = sequence,
                 .bytes = 1'100,
                 .path = lb::PathId{static_cast<std::uint8_t>(sequence & 7U)}};
    }
    now_ += burst_ns;
    if (number + 1 == traffic.bursts()) ++round_;
  }
  void push() noexcept {
    benchmark::DoNotOptimize(
        window.push(traffic.hashes, traffic.keys, arrivals_, lb::Nanoseconds{now_}, out_));
  }
  void poll() noexcept { benchmark::DoNotOptimize(window.poll(lb::Nanoseconds{now_}, out_)); }

  Traffic traffic;
  lb::OrderWindow window;

 private:
  std::uint32_t round_ = 0;
  std::array<lb::Arrival, burst> arrivals_{};
  std::vector<lb::Handle> out_;
  std::int64_t now_ = 0;
};

void in_order(benchmark::State& state) {
  Sink sink(static_cast<std::size_t>(state.range(0)));
  per_packet(
      state, sink.traffic.bursts(), [&](std::size_t i) { sink.prepare(i, false); }, [&] { sink.push(); });
}

/// As a worker does, a turn a burst.
void in_order_with_poll(benchmark::State& state) {
  Sink sink(static_cast<std::size_t>(state.range(0)));
  per_packet(
      state, sink.traffic.bursts(), [&](std::size_t i) { sink.prepare(i, false); },
      [&] {
        sink.push();
        sink.poll();
      });
}

/// Every packet either is held or releases one.
void swapped(benchmark::State& state) {
  Sink sink(static_cast<std::size_t>(state.range(0)));
  per_packet(
      state, sink.traffic.bursts(), [&](std::size_t i) { sink.prepare(i, true); },
      [&] {
        sink.push();
        sink.poll();
      });
}

BENCHMARK(in_order)->Name("order_window in order")->Arg(10'000)->Arg(1'000'000);
BENCHMARK(in_order)->Name("order_window in order A/A")->Arg(10'000)->Arg(1'000'000);
BENCHMARK(in_order_with_poll)->Name("order_window in order, with poll")->Arg(10'000)->Arg(1'000'000);
BENCHMARK(swapped)->Name("order_window swapped pairs, with poll")->Arg(64)->Arg(1'000);

}  // namespace
}  // namespace braidway::bench
