#include "bench/fabric/scenarios/poisson_load.hpp"

#include <algorithm>
#include <iomanip>
#include <ostream>

#include "bench/fabric/workload/poisson.hpp"

namespace braidway::bench::fabric {
namespace {

constexpr std::uint64_t default_seeds = 10;
constexpr Nanoseconds list_length = 10'000'000;
constexpr std::string_view reference = "conweave";

double mean_of(const RunResult& run) { return run.slowdown.mean; }
double p99_of(const RunResult& run) { return run.slowdown.p99; }

std::uint64_t sum(std::span<const RunResult> runs, std::uint64_t Counters::* counter) {
  std::uint64_t sum = 0;
  for (const RunResult& run : runs) sum += run.counters.*counter;
  return sum;
}

double pause_microseconds(std::span<const RunResult> runs) {
  double sum = 0;
  for (const RunResult& run : runs) sum += static_cast<double>(run.counters.switch_pause_time) / 1e3;
  return sum;
}

double order_peak_megabytes(std::span<const RunResult> runs) {
  double peak = 0;
  for (const RunResult& run : runs) peak = std::max(peak, static_cast<double>(run.order_peak_bytes) / 1e6);
  return peak;
}

void print(std::ostream& out, const Ratio& ratio) {
  out << "  " << std::setw(6) << ratio.geometric_mean << " <" << std::setw(5) << ratio.upper << " worst"
      << std::setw(5) << ratio.worst;
}

/// One flow list on the fabric that is common to all.
RunSetup setup_of(const Network& network, const std::vector<Flow>& flows, const Config& config,
                  std::uint64_t load, std::string variant = {}) {
  return {.network = &network,
          .flows = &flows,
          .scheme = nullptr,
          .config = config,
          .load = load,
          .measure_from = warm_up,
          .between_racks = true,
          .variant = std::move(variant)};
}

/// One load: its table and goals.
std::vector<RunResult> compare_at(std::uint64_t load, const Options& options, const Network& network,
                                  std::ostream& out, Goals& goals) {
  const std::uint64_t seeds = options.seeds == 0 ? default_seeds : options.seeds;
  const auto lists = poisson_lists(options, network, seeds, load, list_length);
  const Grid grid{options, schemes_of(options, reference), seeds,
                  [&](std::uint64_t seed) { return setup_of(network, lists[seed], options.config, load); }};
  out << load << " % load, " << seeds << " seeds of 10 ms, flows between racks: slowdown, and over "
      << reference << "'s (geometric mean, < its upper 95 % bound, worst seed)\n"
      << "scheme        mean    p99   mean over " << reference << "'s            p99 over " << reference
      << "'s             pause us      ooo     retx  order MB\n"
      << std::fixed << std::setprecision(2);
  const auto means = grid.values(reference, mean_of);
  const auto p99s = grid.values(reference, p99_of);
  for (const std::string& scheme : grid.schemes()) {
    const auto runs = grid.runs(scheme);
    const auto own_means = grid.values(scheme, mean_of);
    const auto own_p99s = grid.values(scheme, p99_of);
    out << std::left << std::setw(12) << scheme << std::right << std::setw(6) << geometric_mean(own_means)
        << std::setw(7) << geometric_mean(own_p99s);
    print(out, ratio_of(own_means, means));
    print(out, ratio_of(own_p99s, p99s));
    out << std::setw(10) << pause_microseconds(runs) << std::setw(9) << sum(runs, &Counters::out_of_order)
        << std::setw(9) << sum(runs, &Counters::retransmitted) << std::setw(10) << order_peak_megabytes(runs)
        << '\n';
  }
  if (grid.has(own_scheme)) {
    const auto own = grid.runs(own_scheme);
    const Ratio p99 = ratio_of(grid.values(own_scheme, p99_of), p99s);
    const Ratio mean = ratio_of(grid.values(own_scheme, mean_of), means);
    // The loads that limits are given for.
    if (load == 50 || load == 80) {
      goals.at_most("upper bound of p99 over conweave's", p99.upper, load == 80 ? 0.78 : 0.82);
      goals.at_most("upper bound of mean over conweave's", mean.upper, load == 80 ? 0.82 : 0.88);
    }
    goals.at_most("worst seed's p99 over conweave's", p99.worst, 1);
    goals.at_most("pause time between switches, pooled", pause_microseconds(own),
                  pause_microseconds(grid.runs(reference)), " us");
    goals.at_most("out-of-order arrivals at hosts", static_cast<double>(sum(own, &Counters::out_of_order)),
                  0);
    goals.at_most("peak order memory of a port", order_peak_megabytes(own), 2.5, " MB");
  }
  return grid.all();
}

}  // namespace

std::vector<std::vector<Flow>> poisson_lists(const Options& options, const Network& network,
                                             std::uint64_t seeds, std::uint64_t load, Nanoseconds duration) {
  const SizeDistribution sizes{options.anchors_folder + "/AliStorage2019.cdf.txt"};
  std::vector<std::vector<Flow>> lists;
  lists.reserve(seeds);
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    lists.push_back(poisson_flows(network.topology, network.routing, sizes,
                                  {.load = static_cast<double>(load), .duration = duration},
                                  options.seed + seed));
  }
  return lists;
}

ScenarioOutcome run_load(const Options& options, std::ostream& out) {
  const Network network{leaf_spine(anchors_shape)};
  Goals goals{out};
  ScenarioOutcome outcome;
  const auto loads = options.load == 0 ? std::vector<std::uint64_t>{50, 80} : std::vector{options.load};
  for (const std::uint64_t load : loads) {
    std::ranges::move(compare_at(load, options, network, out, goals), std::back_inserter(outcome.runs));
  }
  outcome.as_promised = goals.met();
  return outcome;
}

ScenarioOutcome run_slow_uplinks(const Options& options, std::ostream& out) {
  constexpr std::string_view rival = "conga";
  const std::uint64_t seeds = options.seeds == 0 ? default_seeds : options.seeds;
  const std::uint64_t load = options.load == 0 ? 50 : options.load;
  const Network network{leaf_spine(anchors_shape)};
  // From the first moment on, but nobody is told: neither routing nor gateways are configured for it.
  Config slowed = options.config;
  for (const NodeIndex i : {0U, 1U}) {
    const Link& link = network.topology.links[uplink(anchors_shape, 2 * i, i)];
    slowed.network_events.push_back(
        {.at = 0, .kind = NetworkEvent::Kind::rate, .a = link.a, .b = link.b, .rate = link.rate / 4});
  }
  const auto lists = poisson_lists(options, network, seeds, load, list_length);
  const auto run_with = [&](const Config& config, const std::string& variant) {
    return Grid{options, schemes_of(options, rival), seeds,
                [&](std::uint64_t seed) { return setup_of(network, lists[seed], config, load, variant); }};
  };
  const Grid before = run_with(options.config, "symmetric");
  const Grid after = run_with(slowed, "slow");
  out << load << " % load, " << seeds
      << " seeds, two of sixteen uplinks at a quarter of their rate: p99 slowdown\n"
      << "scheme       symmetric    slow   slow over own symmetric           over " << rival << "'s slow\n"
      << std::fixed << std::setprecision(2);
  const auto rivals = after.values(rival, p99_of);
  for (const std::string& scheme : after.schemes()) {
    const auto own = after.values(scheme, p99_of);
    const auto own_before = before.values(scheme, p99_of);
    out << std::left << std::setw(12) << scheme << std::right << std::setw(10) << geometric_mean(own_before)
        << std::setw(8) << geometric_mean(own);
    print(out, ratio_of(own, own_before));
    print(out, ratio_of(own, rivals));
    out << '\n';
  }
  Goals goals{out};
  if (after.has(own_scheme)) {
    const auto own = after.values(own_scheme, p99_of);
    goals.at_most("p99 over its own symmetric",
                  ratio_of(own, before.values(own_scheme, p99_of)).geometric_mean, 1.5);
    goals.at_most("p99 over conga's", ratio_of(own, rivals).geometric_mean, 0.5);
  }
  ScenarioOutcome outcome{.runs = before.all(), .as_promised = goals.met()};
  std::ranges::copy(after.all(), std::back_inserter(outcome.runs));
  return outcome;
}

}  // namespace braidway::bench::fabric
