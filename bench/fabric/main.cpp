// braidway-fabric: load balancing on a simulated fabric. See options.cpp for its flags.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <sstream>

#include "bench/fabric/generated_topology.hpp"
#include "bench/fabric/options.hpp"
#include "bench/fabric/run.hpp"
#include "bench/fabric/scenarios/scenario.hpp"
#include "bench/fabric/text_file.hpp"
#include "bench/fabric/utilisation.hpp"
#include "bench/fabric/workload/poisson.hpp"

namespace {

using namespace braidway::bench::fabric;

constexpr int exit_failed = 1;
constexpr int exit_bad_input = 2;

void write_file(const std::string& name, const std::function<void(std::ostream&)>& write) {
  if (name.empty()) return;
  std::ofstream file{name};
  write(file);
  if (!file.flush()) throw std::runtime_error(name + ": cannot be written");
}

void print(const std::vector<RunResult>& results) {
  std::cout << "scheme        seed    flows    mean     p50     p95     p99   p99.9      ooo     retx      "
               "cnp      pfc  "
               "Mhops/s\n"
            << std::fixed << std::setprecision(2);
  for (const RunResult& run : results) {
    const Slowdown& slowdown = run.slowdown;
    std::cout << std::left << std::setw(12) << run.scheme << std::right << std::setw(6) << run.seed
              << std::setw(9) << slowdown.flows;
    for (const double value : {slowdown.mean, slowdown.p50, slowdown.p95, slowdown.p99, slowdown.p999}) {
      std::cout << std::setw(8) << value;
    }
    for (const std::uint64_t count : {run.counters.out_of_order, run.counters.retransmitted,
                                      run.counters.cnps, run.counters.pfc_frames}) {
      std::cout << std::setw(9) << count;
    }
    std::cout << std::setw(9) << run.hops_per_second() / 1e6 << '\n';
    if (!run.remarks.empty()) std::cout << "  " << run.remarks << '\n';
  }
}

/// What is sent: by seed, or the same for all.
std::vector<std::vector<Flow>> flow_lists(const Options& options, const Network& network,
                                          std::uint64_t seeds) {
  if (options.cdf_file.empty()) return {read_flows(options.flow_file, network.topology)};
  const SizeDistribution sizes{options.cdf_file};
  std::vector<std::vector<Flow>> lists;
  lists.reserve(seeds);
  for (std::uint64_t i = 0; i < seeds; ++i) {
    lists.push_back(poisson_flows(network.topology, network.routing, sizes,
                                  {.load = static_cast<double>(options.load), .duration = options.duration},
                                  options.seed + i));
  }
  return lists;
}

void simulate_files(const Options& options) {
  const Network network{options.topology_file};
  const std::uint64_t seeds = std::max<std::uint64_t>(options.seeds, 1);
  const auto lists = flow_lists(options, network, seeds);
  write_file(options.flow_list_out, [&](std::ostream& out) { write_flows(out, lists.front()); });
  const Routing& routing = network.routing;
  const bool racks = std::ranges::any_of(routing.hosts(), [&](NodeIndex host) {
    return routing.leaf_of(host) != routing.leaf_of(routing.hosts().front());
  });
  const Nanoseconds measure_from = std::llround(options.measure_from * 1e9);
  std::vector<RunSetup> runs;
  const std::vector<std::string> schemes =
      options.schemes.empty() ? std::vector<std::string>{"ecmp"} : options.schemes;
  for (const std::string& scheme : schemes) {
    for (std::uint64_t i = 0; i < seeds; ++i) {
      const std::vector<Flow>& flows = lists[i % lists.size()];
      if (flows.back().start < measure_from) {
        throw std::invalid_argument("--measure-from is after the start of the last flow, at " +
                                    std::to_string(flows.back().start) + " ns");
      }
      RunSetup run{.network = &network,
                   .flows = &flows,
                   .scheme = find_scheme(scheme),
                   .config = options.config,
                   .load = options.load,
                   .measure_from = measure_from,
                   .keep_flows = !options.completion_file.empty(),
                   .between_racks = racks && !options.cdf_file.empty()};
      run.config.seed = options.seed + i;
      runs.push_back(run);
    }
  }
  std::ostringstream utilisation;
  runs.front().inspect = [&](const Fabric& fabric) { write_utilisation(utilisation, fabric); };
  const std::vector<RunResult> results = simulate(runs, options.threads);
  print(results);
  write_file(options.utilisation_file, [&](std::ostream& out) { out << utilisation.view(); });
  write_file(options.completion_file,
             [&](std::ostream& out) { write_completions(out, results.front().flows); });
  write_file(options.json_file, [&](std::ostream& out) { write_json(out, results); });
}

Topology generate(const Options& options) {
  const LeafSpineShape shape;
  if (options.fat_tree != 0) return fat_tree(options.fat_tree, shape.rate, shape.delay);
  return leaf_spine({.hosts_per_leaf = options.leaf_spine[0],
                     .leaves = options.leaf_spine[1],
                     .spines = options.leaf_spine[2]});
}

int run(const Options& options) {
  if (!options.topology_out.empty()) {
    write_file(options.topology_out, [&](std::ostream& out) { write_topology(out, generate(options)); });
    return 0;
  }
  if (options.scenario.empty()) {
    simulate_files(options);
    return 0;
  }
  if (options.scenario == list_scenarios) {
    for (const ScenarioEntry& entry : scenarios()) {
      std::cout << std::left << std::setw(18) << entry.name << entry.what << '\n';
    }
    return 0;
  }
  const ScenarioOutcome outcome = find_scenario(options.scenario)->run(options, std::cout);
  write_file(options.json_file, [&](std::ostream& out) { write_json(out, outcome.runs); });
  write_file(options.foresight_file, [&](std::ostream& out) { out << outcome.foresight; });
  return outcome.as_promised ? 0 : exit_failed;
}

}  // namespace

int main(int argc, char** argv) {
  auto options = parse_options(argc, argv);
  if (const int* code = std::get_if<int>(&options)) return *code;
  try {
    return run(std::get<Options>(options));
  } catch (const InputError& error) {
    std::cerr << error.what() << '\n';
    return exit_bad_input;
  } catch (const std::invalid_argument& error) {
    std::cerr << "braidway-fabric: " << error.what() << '\n';
    return exit_bad_input;
  } catch (const std::exception& error) {
    std::cerr << "braidway-fabric: " << error.what() << '\n';
    return exit_failed;
  }
}
