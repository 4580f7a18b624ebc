#include "bench/forecast/series.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <ostream>
#include <span>
#include <stdexcept>

#include "bench/forecast/run.hpp"

namespace braidway::bench::forecast {
namespace {

using ctrl::model::CrossLoad;

std::size_t first_tick(const Workload& workload) {
  return std::max<std::size_t>(workload.ticks - std::min(workload.ticks, series_ticks), series_horizon);
}

std::string name_of(const Workload& workload, std::size_t path) {
  return workload.paths.empty() ? std::to_string(path) : workload.paths[path];
}

std::size_t find(const Workload& workload, const std::string& name) {
  for (std::size_t path = 0; path < workload.seen.size(); ++path) {
    if (name_of(workload, path) == name) return path;
  }
  throw std::invalid_argument("workload " + workload.name + " has no path '" + name + "'; it has " +
                              name_of(workload, 0) + " to " + name_of(workload, workload.seen.size() - 1));
}

std::size_t most_measured(const Workload& workload) {
  std::size_t best = 0;
  std::ptrdiff_t most = -1;
  for (std::size_t path = 0; path < workload.seen.size(); ++path) {
    const auto bins = std::span{workload.seen[path]}.subspan(first_tick(workload) * bins_per_tick);
    const auto measured = std::ranges::count(bins, false, &CrossLoad::censored);
    if (measured > most) {
      most = measured;
      best = path;
    }
  }
  return best;
}

float truth(const Workload& workload, std::size_t path, std::size_t tick) {
  if (workload.load.empty()) return std::numeric_limits<float>::quiet_NaN();
  const auto bins = std::span{workload.load[path]}.subspan(tick * bins_per_tick, bins_per_tick);
  return std::accumulate(bins.begin(), bins.end(), 0.0F) / bins_per_tick;
}

const char* how(const CrossLoad& seen) {
  if (seen.unknown()) return "unknown";
  return seen.censored ? "bound" : "measured";
}

/// Names of files may hold anything.
std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string out = "\"";
  for (const char each : text) out += each == '"' ? "\"\"" : std::string(1, each);
  return out + '"';
}

}  // namespace

Series make_series(const Workload& workload, const std::string& path) {
  const std::size_t chosen = path.empty() ? most_measured(workload) : find(workload, path);
  Series series{.workload = workload.name, .path = name_of(workload, chosen), .points = {}};
  Run run(workload, {series_horizon});
  std::vector<float> said(series_horizon);  // a ring of ticks
  const std::size_t from = first_tick(workload);
  for (std::size_t tick = 0; tick < workload.ticks; ++tick) {
    run.observe(tick);
    float& expected = said[tick % series_horizon];
    if (tick >= from) {
      series.points.push_back({.tick = tick,
                               .expected = expected,
                               .seen = run.seen(chosen),
                               .truth = truth(workload, chosen, tick)});
    }
    expected = run.predictor().ensemble().forecast(chosen, 0).load;
  }
  return series;
}

void write_csv(std::ostream& out, const std::vector<Series>& series) {
  out << "workload,path,ms,forecast,seen,how,truth\n";
  for (const Series& of : series) {
    for (const SeriesPoint& point : of.points) {
      out << quoted(of.workload) << ',' << quoted(of.path) << ',' << point.tick << ',' << point.expected
          << ',' << point.seen.load << ',' << how(point.seen) << ',';
      if (!std::isnan(point.truth)) out << point.truth;
      out << '\n';
    }
  }
}

}  // namespace braidway::bench::forecast
