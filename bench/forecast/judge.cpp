#include "bench/forecast/judge.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "bench/forecast/run.hpp"

namespace braidway::bench::forecast {
namespace {

/// Over that of the naive one; NaN if that was never wrong.
double relative(double error, double naive) {
  return naive > 0 ? error / naive : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace

std::vector<Verdict> judge(const Workload& workload, const std::vector<unsigned>& horizons,
                           std::uint64_t seed) {
  const std::size_t paths = workload.seen.size();
  Run run(workload, horizons);
  const auto& ensemble = run.predictor().ensemble();
  const std::size_t members = ensemble.members();
  Oracle oracle(workload, seed);
  // Members, the ensemble, the oracle.
  const std::size_t voices = members + 2;
  std::vector<std::vector<double>> errors(horizons.size(), std::vector<double>(voices));
  std::vector<std::uint64_t> open(horizons.size());
  std::uint64_t judged = 0;
  // What the oracle said of ticks to come, by horizon: a ring of its ticks, by path.
  std::vector<std::vector<float>> foretold;
  foretold.reserve(horizons.size());
  for (const unsigned horizon : horizons) foretold.emplace_back(horizon * paths);
  const std::size_t from = first_judged_tick(workload);
  for (std::size_t tick = 0; tick < workload.ticks; ++tick) {
    run.observe(tick);
    oracle.advance(tick);
    for (std::size_t path = 0; path < paths; ++path) {
      if (tick >= from && !run.seen(path).unknown()) ++judged;
      for (std::size_t h = 0; h < horizons.size(); ++h) {
        float& said = foretold[h][tick % horizons[h] * paths + path];
        if (tick >= from) {
          const auto of_models = ensemble.errors(path, h);
          for (std::size_t i = 0; i < of_models.size(); ++i) errors[h][i] += of_models[i];
          errors[h].back() += ctrl::model::error_of(said, run.seen(path));
          open[h] += run.predictor().gate(path, h).open() ? 1 : 0;
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
                          .error = errors[h][i] / static_cast<double>(judged),
                          .relative_error = relative(errors[h][i], naive),
                          .oracle_share = workload.jobs.empty() ? std::numeric_limits<double>::quiet_NaN()
                                                                : (naive - errors[h][i]) / (naive - best),
                          .clairvoyant_share = 1 - relative(errors[h][i], naive),
                          .gate_open_share = static_cast<double>(open[h]) / count});
    }
  }
  return verdicts;
}

}  // namespace braidway::bench::forecast
