#include "bench/fabric/scenarios/permutation.hpp"

#include <algorithm>
#include <iomanip>
#include <ostream>

#include "bench/fabric/generated_topology.hpp"
#include "bench/fabric/scenarios/comparison.hpp"
#include "bench/fabric/scenarios/job_trials.hpp"
#include "bench/fabric/workload/collectives.hpp"

namespace braidway::bench::fabric {
namespace {

constexpr LeafSpineShape shape{.hosts_per_leaf = 8, .leaves = 16, .spines = 8};
constexpr std::uint32_t message_bytes = 2'000'000;

JobTrials run_on(const Network& network, const Options& options) {
  Options marked = options;
  marked.config.ecn.kmin = 400'000;
  marked.config.ecn.kmax = 1'600'000;
  return JobTrials{marked, network, "", [&](std::uint64_t seed) {
                     Workload workload;
                     add_permutation(workload, network.routing.hosts(), message_bytes, seed);
                     return workload;
                   }};
}

// The last of 128 flows is their p99.9.
double tail(const RunResult& run) { return run.slowdown.p999; }
double median(const RunResult& run) { return run.slowdown.p50; }

}  // namespace

ScenarioOutcome run_permutation(const Options& options, std::ostream& out) {
  const Network network{leaf_spine(shape)};
  const JobTrials trials = run_on(network, options);
  const Grid& grid = trials.grid();
  out << "permutation of 128 hosts, 2 MB each, full bisection, " << trials.seeds()
      << " seeds: completion over ideal\n"
      << "scheme         tail (worst seed)    median" << JobTrials::counters_head << std::fixed
      << std::setprecision(3);
  for (const std::string& scheme : grid.schemes()) {
    const auto tails = grid.values(scheme, tail);
    out << std::left << std::setw(12) << scheme << std::right << std::setw(7) << geometric_mean(tails) << " ("
        << std::ranges::max(tails) << ')' << std::setw(15) << geometric_mean(grid.values(scheme, median));
    trials.print_counters(out, scheme);
  }
  Goals goals{out};
  if (grid.has(own_scheme)) {
    goals.at_most("tail over ideal", geometric_mean(grid.values(own_scheme, tail)), 1.25);
    goals.at_most("median over ideal", geometric_mean(grid.values(own_scheme, median)), 1.15);
  }
  return {.runs = grid.all(), .as_promised = goals.met()};
}

ScenarioOutcome run_permutation_slow(const Options& options, std::ostream& out) {
  Topology slowed = leaf_spine(shape);
  for (NodeIndex i = 0; i < 8; ++i) slowed.links[uplink(shape, i, i)].rate /= 10;
  const Network network{slowed};
  const JobTrials trials = run_on(network, options);
  const Grid& grid = trials.grid();
  out << "permutation of 128 hosts, 2 MB each, eight of 128 uplinks at a tenth of their rate, "
      << trials.seeds() << " seeds\n"
      << "scheme       last completion over its max-flow bound (worst seed)" << JobTrials::counters_head
      << std::fixed << std::setprecision(3);
  for (const std::string& scheme : grid.schemes()) {
    const auto ratios = grid.values(scheme, jct_ratio_of);
    out << std::left << std::setw(12) << scheme << std::right << std::setw(25) << geometric_mean(ratios)
        << " (" << std::ranges::max(ratios) << ')' << std::setw(16) << "";
    trials.print_counters(out, scheme);
  }
  Goals goals{out};
  if (grid.has(own_scheme)) {
    goals.at_most("tail over the max-flow bound", geometric_mean(grid.values(own_scheme, jct_ratio_of)), 1.3);
  }
  return {.runs = grid.all(), .as_promised = goals.met()};
}

}  // namespace braidway::bench::fabric
