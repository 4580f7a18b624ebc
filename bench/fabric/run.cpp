#include "bench/fabric/run.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>

namespace braidway::bench::fabric {

RunResult simulate(const RunSetup& run) {
  const auto start = std::chrono::steady_clock::now();
  Fabric fabric{run.network->topology, run.network->routing, *run.flows, run.config, run.scheme->make};
  try {
    fabric.run();
  } catch (const Stuck& stuck) {
    throw Stuck(std::string{run.scheme->name} + ", seed " + std::to_string(run.config.seed) + ": " +
                stuck.what());
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  auto flows = flow_results(fabric);
  RunResult result{
      .scheme = std::string{run.scheme->name},
      .load = run.load,
      .seed = run.config.seed,
      .slowdown = slowdown_of(flows, run.measure_from),
      .counters = fabric.counters(),
      .order_peak_bytes = std::max(fabric.scheme().order_peak_bytes(), fabric.rnics().order_peak_bytes()),
      .seconds = took.count(),
      .flows = {}};
  if (run.keep_flows) result.flows = std::move(flows);
  return result;
}

std::vector<RunResult> simulate(std::span<const RunSetup> runs, unsigned threads) {
  if (threads == 0) threads = static_cast<unsigned>(tbb::info::default_concurrency());
  const tbb::global_control limit{tbb::global_control::max_allowed_parallelism, threads};
  std::vector<RunResult> results(runs.size());
  std::vector<std::exception_ptr> errors(runs.size());
  tbb::parallel_for(std::size_t{0}, runs.size(), [&](std::size_t i) {
    try {
      results[i] = simulate(runs[i]);
    } catch (...) {
      errors[i] = std::current_exception();
    }
  });
  for (const auto& error : errors) {
    if (error) std::rethrow_exception(error);
  }
  return results;
}

}  // namespace braidway::bench::fabric
