#include "bench/fabric/scenarios/comparison.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <iomanip>
#include <limits>
#include <ostream>

namespace braidway::bench::fabric {

std::vector<std::string> schemes_of(const Options& options) {
  if (!options.schemes.empty()) return options.schemes;
  std::vector<std::string> names;
  for (const std::string_view name :
       {std::string_view{"ecmp"}, std::string_view{"conga"}, std::string_view{"conweave"},
        std::string_view{"spray-ideal"}, own_scheme}) {
    if (find_scheme(name)) names.emplace_back(name);
  }
  return names;
}

std::vector<std::string> schemes_of(const Options& options, std::string_view reference) {
  auto names = schemes_of(options);
  if (std::ranges::find(names, reference) == names.end()) names.emplace_back(reference);
  return names;
}

Grid::Grid(const Options& options, std::vector<std::string> schemes, std::uint64_t seeds,
           const std::function<RunSetup(std::uint64_t seed)>& setup)
    : schemes_(std::move(schemes)), seeds_(seeds) {
  std::vector<RunSetup> runs;
  for (const std::string& scheme : schemes_) {
    for (std::uint64_t seed = 0; seed < seeds_; ++seed) {
      runs.push_back(setup(seed));
      runs.back().scheme = find_scheme(scheme);
      runs.back().config.seed = options.seed + seed;
    }
  }
  runs_ = simulate(runs, options.threads);
}

bool Grid::has(std::string_view scheme) const noexcept {
  return std::ranges::find(schemes_, scheme) != schemes_.end();
}

std::span<const RunResult> Grid::runs(std::string_view scheme) const {
  const auto place = static_cast<std::size_t>(std::ranges::find(schemes_, scheme) - schemes_.begin());
  return std::span{runs_}.subspan(place * seeds_, seeds_);
}

std::vector<double> Grid::values(std::string_view scheme,
                                 const std::function<double(const RunResult&)>& value) const {
  std::vector<double> values;
  values.reserve(seeds_);
  for (const RunResult& run : runs(scheme)) values.push_back(value(run));
  return values;
}

double geometric_mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += std::log(value);
  return std::exp(sum / static_cast<double>(values.size()));
}

Ratio ratio_of(std::span<const double> values, std::span<const double> reference) {
  std::vector<double> logs;
  logs.reserve(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) logs.push_back(std::log(values[i] / reference[i]));
  const auto count = static_cast<double>(logs.size());
  double mean = 0;
  for (const double value : logs) mean += value / count;
  double squares = 0;
  for (const double value : logs) squares += (value - mean) * (value - mean);
  Ratio ratio{.geometric_mean = std::exp(mean),
              .upper = std::numeric_limits<double>::infinity(),
              .worst = std::exp(std::ranges::max(logs))};
  if (logs.size() > 1) {
    const double error = std::sqrt(squares / (count - 1) / count);
    ratio.upper = std::exp(mean + student_t95(logs.size() - 1) * error);
  }
  return ratio;
}

double student_t95(std::uint64_t degrees) {
  constexpr std::array<double, 4> few{6.3138, 2.9200, 2.3534, 2.1318};
  if (degrees <= few.size()) return few[degrees - 1];
  // Cornish and Fisher's expansion about the normal quantile; within 0.1 % from 5 degrees on.
  constexpr double z = 1.644854;
  const auto n = static_cast<double>(degrees);
  const double z3 = z * z * z;
  const double z5 = z3 * z * z;
  return z + (z3 + z) / (4 * n) + (5 * z5 + 16 * z3 + 3 * z) / (96 * n * n) +
         (3 * z5 * z * z + 19 * z5 + 17 * z3 - 15 * z) / (384 * n * n * n);
}

void Goals::at_most(std::string_view what, double measured, double limit, std::string_view unit) {
  const bool good = measured <= limit;
  met_ = met_ && good;
  *out_ << "goal: " << own_scheme << ", " << what << " at most " << std::defaultfloat << std::setprecision(4)
        << limit << unit << ": " << measured << unit << (good ? "\n" : "  missed\n");
}

}  // namespace braidway::bench::fabric
