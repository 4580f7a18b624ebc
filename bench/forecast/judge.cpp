#include "bench/forecast/judge.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "ctrl/model/members.hpp"
#include "ctrl/model/predictor.hpp"

namespace braidway::bench::forecast {
namespace {

using ctrl::model::Predictor;
using ctrl::model::Sample;
using ctrl::model::Shape;

}  // namespace

std::vector<Verdict> judge(const Workload& workload, const std::vector<unsigned>& horizons,
                           std::uint64_t seed) {
  const std::size_t paths = workload.load.size();
  const Shape shape{.paths = paths, .bins = bins_per_tick, .horizons = horizons};
  Predictor predictor(shape, ctrl::model::make_members(shape));
  const auto& ensemble = predictor.ensemble();
  const std::size_t members = ensemble.members();
  Oracle oracle(workload, seed);
  // Members, the ensemble, the oracle.
  const std::size_t voices = members + 2;
  std::vector<std::vector<double>> errors(horizons.size(), std::vector<double>(voices));
  std::vector<std::uint64_t> open(horizons.size());
  std::vector<Sample> samples(paths);
  // What the oracle said of ticks to come, by horizon: a ring of its ticks, by path.
  std::vector<std::vector<float>> foretold;
  foretold.reserve(horizons.size());
  for (const unsigned horizon : horizons) foretold.emplace_back(horizon * paths);
  const std::size_t from = workload.ticks / 5;
  constexpr std::size_t refit_every = 100;
  for (std::size_t tick = 0; tick < workload.ticks; ++tick) {
    for (std::size_t path = 0; path < paths; ++path) {
      samples[path].bins = std::span{workload.seen[path]}.subspan(tick * bins_per_tick, bins_per_tick);
      samples[path].load = ctrl::model::over(samples[path].bins);
    }
    predictor.observe(samples);
    oracle.advance(tick);
    for (std::size_t path = 0; path < paths; ++path) {
      if ((tick + path) % refit_every == 0) predictor.refit(path);
      for (std::size_t h = 0; h < horizons.size(); ++h) {
        float& said = foretold[h][tick % horizons[h] * paths + path];
        if (tick >= from) {
          const auto of_models = ensemble.errors(path, h);
          for (std::size_t i = 0; i < of_models.size(); ++i) errors[h][i] += of_models[i];
          errors[h].back() += ctrl::model::error_of(said, samples[path].load);
          open[h] += predictor.gate(path, h).open() ? 1 : 0;
        }
        said = workload.jobs.empty() ? 0 : oracle.expect(path, horizons[h]);
      }
    }
  }
  std::vector<Verdict> verdicts;
  const auto count = static_cast<double>((workload.ticks - from) * paths);
  for (std::size_t h = 0; h < horizons.size(); ++h) {
    const double naive = *std::min_element(errors[h].begin(), errors[h].begin() + ctrl::model::Gate::naives);
    const double best = errors[h].back();
    for (std::size_t i = 0; i < voices; ++i) {
      const bool is_oracle = i == members + 1;
      if (is_oracle && workload.jobs.empty()) continue;
      verdicts.push_back({.workload = workload.name,
                          .horizon_ms = static_cast<double>(horizons[h]),
                          .model = is_oracle      ? "oracle"
                                   : i == members ? "ensemble"
                                                  : std::string{ensemble.member(i).name()},
                          .error = errors[h][i] / count,
                          .relative_error = errors[h][i] / naive,
                          .oracle_share = workload.jobs.empty() ? std::numeric_limits<double>::quiet_NaN()
                                                                : (naive - errors[h][i]) / (naive - best),
                          .clairvoyant_share = 1 - errors[h][i] / naive,
                          .gate_open_share = static_cast<double>(open[h]) / count});
    }
  }
  return verdicts;
}

}  // namespace braidway::bench::forecast
