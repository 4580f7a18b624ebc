// What a tick of the slow loop's forecast costs: 8 peers of 64 paths, each path with the bursts of two jobs,
// all models, horizons of 1, 5, 20 and 100 ms. Microseconds a tick of a millisecond, on one core: the median,
// and the longest but for one in a hundred, for what is late is late.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include <benchmark/benchmark.h>

#include "ctrl/model/members.hpp"
#include "ctrl/model/predictor.hpp"

namespace braidway::bench {
namespace {

using ctrl::model::CrossLoad;
using ctrl::model::Predictor;
using ctrl::model::Sample;
using ctrl::model::Shape;

constexpr std::size_t peers = 8;
constexpr std::size_t paths = 64;
constexpr std::size_t bins = 10;
constexpr std::size_t ticks = 2'000;  ///< shown one after the other, and again

/// By tick, path and bin.
std::vector<CrossLoad> loads() {
  std::vector<CrossLoad> out(ticks * paths * bins);
  const auto bursts = [](std::size_t bin, std::size_t period, std::size_t length) {
    return bin % period < length ? 0.4F : 0.0F;
  };
  for (std::size_t tick = 0; tick < ticks; ++tick) {
    for (std::size_t path = 0; path < paths; ++path) {
      for (std::size_t i = 0; i < bins; ++i) {
        const std::size_t bin = tick * bins + i + 13 * path;
        const float load = 0.05F + bursts(bin, 80 + 3 * path, 25) + bursts(bin, 210 + path, 60);
        out[(tick * paths + path) * bins + i] = {.load = load, .censored = false};
      }
    }
  }
  return out;
}

void tick(benchmark::State& state) {
  const std::vector<CrossLoad> all = loads();
  const Shape shape{.paths = paths, .bins = bins, .horizons = {1, 5, 20, 100}};
  std::vector<std::unique_ptr<Predictor>> predictors;
  predictors.reserve(peers);
  for (std::size_t i = 0; i < peers; ++i) {
    predictors.push_back(std::make_unique<Predictor>(shape, ctrl::model::make_members(shape)));
  }
  std::vector<Sample> samples(paths);
  std::size_t now = 0;
  const auto one_tick = [&] {
    for (std::size_t path = 0; path < paths; ++path) {
      samples[path].bins = std::span{all}.subspan((now * paths + path) * bins, bins);
      samples[path].load = ctrl::model::over(samples[path].bins);
    }
    for (const auto& predictor : predictors) predictor->observe(samples);
    now = now + 1 < ticks ? now + 1 : 0;
  };
  // Until jobs are known and gates are open.
  for (std::size_t i = 0; i < ticks; ++i) one_tick();
  std::vector<double> took;
  for (auto _ : state) {
    const auto began = std::chrono::steady_clock::now();
    one_tick();
    took.push_back(
        std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - began).count());
  }
  std::ranges::sort(took);
  state.counters["us/tick"] = took[took.size() / 2];
  state.counters["p99"] = took[took.size() * 99 / 100];
}

BENCHMARK(tick)->Name("forecast of 8 x 64 paths, a tick")->Iterations(3'000);
BENCHMARK(tick)->Name("forecast of 8 x 64 paths, a tick A/A")->Iterations(3'000);

}  // namespace
}  // namespace braidway::bench
