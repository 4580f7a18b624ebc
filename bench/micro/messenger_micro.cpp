// What messages with a peer of 8 paths cost a gateway under traffic, in cycles of the time stamp counter for
// each 100 us, the median of many: ten turns that look whether something is due, a feedback written, one
// read, and what follows from it. Divided by the cycles of 100 us it is their share of a core, which is shown
// too.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>
#include <x86intrin.h>

#include <benchmark/benchmark.h>

#include "dataplane/messenger.hpp"
#include "telemetry/path_meter.hpp"

namespace braidway::bench {
namespace {

constexpr std::size_t path_count = 8;
constexpr std::int64_t turn_ns = 10'000;
constexpr int turns = 10;

class End {
 public:
  End(std::uint16_t id, std::uint16_t peer)
      : settings_(settings(id, peer)),
        link_(settings_.peers.front(), 1),
        meters_(std::array{telemetry::PathMeters::Peer{path_count, &link_.clock}}, 0),
        pointer_(&meters_),
        messenger_(settings_, telemetry::BootId{id}, link_, {&pointer_, 1}) {}

  /// What the lane's stages do with data, one packet a path.
  void send_data(lb::Nanoseconds now) {
    link_.lane_news[0]->sent.begin(now);
    for (std::size_t i = 0; i < path_count; ++i) link_.lane_news[0]->sent.count(static_cast<lb::PathId>(i));
  }
  void receive_data(lb::Nanoseconds now) {
    std::array<telemetry::PathSample, path_count> samples;
    for (std::uint32_t i = 0; i < path_count; ++i) {
      samples[i] = {.meter = i, .departure = static_cast<std::uint32_t>(lb::value(now)), .bytes = 1'000};
    }
    meters_.measure(samples, now);
  }
  /// A turn; what it has to say goes to the other.
  void talk(End& to, lb::Nanoseconds now) {
    messenger_.advance(now);
    while (const auto due = messenger_.next(now, buffer_, [](lb::PathId) { return true; })) {
      to.messenger_.receive(std::span{buffer_}.first(due->bytes), 1, now);
      ++said_;
    }
  }
  [[nodiscard]] std::uint64_t said() const { return said_; }
  [[nodiscard]] bool peer_restores_order() const { return link_.restores_order; }

 private:
  static dataplane::GatewaySettings settings(std::uint16_t id, std::uint16_t peer) {
    dataplane::GatewaySettings settings;
    settings.id = lb::GatewayId{id};
    dataplane::PeerSettings& to = settings.peers.emplace_back();
    to.id = lb::GatewayId{peer};
    to.policy = lb::Policy::spray;
    to.stamping = dataplane::Stamping::int_md;
    to.messages.emplace();
    for (std::uint16_t i = 0; i < path_count; ++i) to.paths.push_back({.name = "p", .port = i});
    return settings;
  }

  dataplane::GatewaySettings settings_;
  dataplane::PeerLink link_;
  telemetry::PathMeters meters_;
  telemetry::PathMeters* pointer_;
  dataplane::Messenger messenger_;
  std::array<std::byte, telemetry::most_message_bytes> buffer_{};
  std::uint64_t said_ = 0;
};

void exchange(benchmark::State& state) {
  auto a = std::make_unique<End>(1, 2);
  auto b = std::make_unique<End>(2, 1);
  std::int64_t now = 1'000'000'000;
  // Until they know each other.
  for (int i = 0; i < 1'000; ++i, now += turn_ns) {
    a->talk(*b, lb::Nanoseconds{now});
    b->talk(*a, lb::Nanoseconds{now});
  }
  const std::uint64_t said = a->said() + b->said();
  std::vector<std::uint64_t> intervals;
  const std::uint64_t tsc_from = __rdtsc();
  const auto began = std::chrono::steady_clock::now();
  for (auto _ : state) {
    std::uint64_t cycles = 0;
    for (int i = 0; i < turns; ++i, now += turn_ns) {
      for (End* end : {a.get(), b.get()}) {
        end->send_data(lb::Nanoseconds{now});
        end->receive_data(lb::Nanoseconds{now});
      }
      const std::uint64_t then = __rdtsc();
      a->talk(*b, lb::Nanoseconds{now});
      b->talk(*a, lb::Nanoseconds{now});
      cycles += __rdtsc() - then;
    }
    intervals.push_back(cycles);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  const double per_100_us = static_cast<double>(__rdtsc() - tsc_from) / took.count() / 1e4;
  const auto median = intervals.begin() + static_cast<std::ptrdiff_t>(intervals.size() / 2);
  std::ranges::nth_element(intervals, median);
  // Both ends did the same: what is counted is twice a gateway's.
  const double of_one = static_cast<double>(*median) / 2;
  state.counters["cycles/100us"] = of_one;
  state.counters["%core"] = 100 * of_one / per_100_us;
  if (!a->peer_restores_order() || a->said() + b->said() < said + 2 * intervals.size())
    state.SkipWithError("they do not talk");
}

BENCHMARK(exchange)->Name("messages of 8 paths, a gateway's");
BENCHMARK(exchange)->Name("messages of 8 paths, a gateway's A/A");

}  // namespace
}  // namespace braidway::bench
