#include "bench/fabric/scenarios/periodic.hpp"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <ostream>
#include <sstream>
#include <utility>

#include "bench/fabric/generated_topology.hpp"
#include "bench/fabric/random.hpp"
#include "bench/fabric/scenarios/comparison.hpp"
#include "bench/fabric/schemes/braidway.hpp"
#include "bench/fabric/workload/job.hpp"

namespace braidway::bench::fabric {
namespace {

constexpr std::uint64_t default_seeds = 10;
constexpr LeafSpineShape shape{.hosts_per_leaf = 8, .leaves = 2, .spines = 8};
/// Less than a path's, so that one message and the ACKs of others fit on it.
constexpr std::uint64_t host_rate = 90'000'000'000;

// Our job.
constexpr NodeIndex senders = 6;  ///< hosts of the first rack
constexpr std::uint32_t exchanged_bytes = 7'000'000;
constexpr Nanoseconds computing = 600'000;
constexpr std::uint32_t computing_spread = 30'000;  ///< ns; hosts are not equally fast
constexpr std::uint32_t iterations = 260;
/// For a forecast to learn; not measured.
constexpr std::uint32_t unmeasured = 160;

// The others.
constexpr NodeIndex shared_spines = 4;
constexpr double share = 0.8;
constexpr Nanoseconds period = 5'000'000;
constexpr Nanoseconds on = 1'500'000;
constexpr Nanoseconds jitter = period / 20;

/// On the way down from the spines: what leaves by a gateway's own ports it knows.
std::vector<NetworkEvent> bursts(std::uint64_t seed) {
  Random random{seed};
  const Nanoseconds phase = random.below(static_cast<std::uint32_t>(period));
  const NodeIndex first_leaf = shape.leaves * shape.hosts_per_leaf;
  std::vector<NetworkEvent> events;
  for (NodeIndex spine = 0; spine < shared_spines; ++spine) {
    const bool second_half = spine >= shared_spines / 2;
    events.push_back({.at = phase + (second_half ? period / 2 : 0),
                      .kind = NetworkEvent::Kind::periodic,
                      .a = first_leaf + shape.leaves + spine,
                      .b = first_leaf + 1,
                      .share = share,
                      .period = period,
                      .on = on,
                      .jitter = jitter});
  }
  return events;
}

/// Flows are numbered in the order of iterations.
Workload training(std::uint64_t seed) {
  Random random{seed};
  Workload workload;
  Job& job = workload.jobs.emplace_back(Job{.name = "training", .start = 0, .tasks = {}});
  TaskIndex exchanged = nobody;
  for (std::uint32_t i = 0; i < iterations; ++i) {
    Task all;
    for (NodeIndex host = 0; host < senders; ++host) {
      Task task{.compute = computing + random.below(computing_spread),
                .flow = workload.add_flow(host, shape.hosts_per_leaf + host, exchanged_bytes)};
      if (exchanged != nobody) task.after.push_back(exchanged);
      all.after.push_back(job.add(std::move(task)));
    }
    exchanged = job.add(std::move(all));
  }
  arrange(workload.flows);
  return workload;
}

IterationTimes look_at(const Fabric& fabric) {
  std::vector<double> times;
  Nanoseconds before = 0;
  for (std::uint32_t i = 0; i < iterations; ++i) {
    Nanoseconds done = 0;
    for (FlowIndex flow = i * senders; flow < (i + 1) * senders; ++flow)
      done = std::max(done, fabric.rnics().completed_at(flow));
    if (i >= unmeasured) times.push_back(static_cast<double>(done - before) / 1e6);
    before = done;
  }
  return iteration_times(times);
}

std::string foresight_of(const Fabric& fabric) {
  std::ostringstream out;
  if (const auto* gateways = dynamic_cast<const Braidway*>(&fabric.scheme())) gateways->write_foresight(out);
  return std::move(out).str();
}

double mean_of(const RunResult& run) { return run.iterations ? run.iterations->mean_ms : 0; }
double p95_of(const RunResult& run) { return run.iterations ? run.iterations->p95_ms : 0; }

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

/// What a scheme is without foresight: its name up to the plus.
std::string plain(const std::string& scheme) { return scheme.substr(0, scheme.find('+')); }

void print(std::ostream& out, const Ratio& ratio) {
  out << std::setw(10) << ratio.geometric_mean << " <" << std::setw(6) << ratio.upper << " worst"
      << std::setw(6) << ratio.worst;
}

}  // namespace

ScenarioOutcome run_periodic(const Options& options, std::ostream& out) {
  Topology topology = leaf_spine(shape);
  for (Link& link : topology.links) {
    if (!topology.is_switch[link.a]) link.rate = host_rate;
  }
  const Network network{std::move(topology)};
  const std::uint64_t seeds = options.seeds == 0 ? default_seeds : options.seeds;
  std::vector<std::string> schemes = options.schemes;
  if (schemes.empty())
    schemes = {"idle-move", "idle-move+forecast", "idle-move+oracle", "auto", "auto+forecast", "auto+oracle"};

  std::vector<Workload> workloads;
  workloads.reserve(seeds);
  for (std::uint64_t seed = 0; seed < seeds; ++seed) workloads.push_back(training(options.seed + seed));
  std::vector<IterationTimes> times(schemes.size() * seeds);
  std::string foresight;
  std::size_t next = 0;
  const Grid grid{options, schemes, seeds, [&](std::uint64_t seed) {
                    RunSetup run{.network = &network,
                                 .flows = &workloads[seed].flows,
                                 .scheme = nullptr,
                                 .config = options.config,
                                 .jobs = &workloads[seed].jobs,
                                 .inspect = [&, number = next++](const Fabric& fabric) {
                                   times[number] = look_at(fabric);
                                   if (number == 0) foresight = foresight_of(fabric);
                                 }};
                    run.config.network_events = bursts(options.seed + seed);
                    // Lanes do not know where each other's flows are: with several that decides.
                    run.config.gateways.lanes = 1;
                    return run;
                  }};
  std::vector<RunResult> runs = grid.all();
  for (std::size_t i = 0; i < runs.size(); ++i) runs[i].iterations = times[i];

  const auto ideal = computing + network.routing.ideal_completion(0, shape.hosts_per_leaf, exchanged_bytes);
  out << "a training job of " << senders << " messages over 8 paths, others' bursts of 80 % on 4 of them, "
      << seeds << " seeds; an iteration takes " << std::fixed << std::setprecision(3)
      << static_cast<double>(ideal) / 1e6 << " ms alone\n"
      << "scheme              iteration, ms      over that of the scheme without foresight (< upper 95 % "
         "bound)\n"
      << "                     mean     p95        mean                          p95\n";
  Goals goals{out};
  const auto values = [&](const std::string& scheme, double (*value)(const RunResult&)) {
    const auto first = std::ranges::find(schemes, scheme) - schemes.begin();
    std::vector<double> found;
    found.reserve(seeds);
    for (std::uint64_t seed = 0; seed < seeds; ++seed)
      found.push_back(value(runs[static_cast<std::size_t>(first) * seeds + seed]));
    return found;
  };
  for (const std::string& scheme : schemes) {
    const auto means = values(scheme, mean_of);
    const auto p95s = values(scheme, p95_of);
    out << std::left << std::setw(17) << scheme << std::right << std::setw(8) << median(means) << std::setw(8)
        << median(p95s);
    if (plain(scheme) != scheme && grid.has(plain(scheme))) {
      print(out, ratio_of(means, values(plain(scheme), mean_of)));
      print(out, ratio_of(p95s, values(plain(scheme), p95_of)));
    }
    out << '\n';
  }
  for (const std::string& scheme : schemes) {
    if (plain(scheme) != own_scheme || scheme == own_scheme || !grid.has(own_scheme)) continue;
    const Ratio ratio = ratio_of(values(scheme, mean_of), values(std::string{own_scheme}, mean_of));
    goals.at_most("iteration time of " + scheme + " over its own", ratio.geometric_mean, 1.01);
  }
  // What foresight must gain, as far as an oracle shows that there is something to be gained.
  for (const std::string& scheme : schemes) {
    const std::string oracle = plain(scheme) + "+oracle";
    if (!scheme.ends_with("+forecast") || !grid.has(plain(scheme)) || !grid.has(oracle)) continue;
    for (const auto& [what, value] : {std::pair{"mean", &mean_of}, std::pair{"p95", &p95_of}}) {
      const auto without = values(plain(scheme), value);
      const double gained = 1 - ratio_of(values(oracle, value), without).geometric_mean;
      const double most = plain(scheme) == "idle-move" ? 0.9 : 1.01;
      goals.at_most("iteration time of " + scheme + ", " + what + ", over that without",
                    ratio_of(values(scheme, value), without).geometric_mean,
                    gained > 0.03 ? std::min(most, 1 - gained / 2) : most);
    }
  }
  return {.runs = std::move(runs), .as_promised = goals.met(), .foresight = std::move(foresight)};
}

}  // namespace braidway::bench::fabric
