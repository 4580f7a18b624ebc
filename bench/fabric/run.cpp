#include "bench/fabric/run.hpp"

#include <algorithm>
#include <ctime>
#include <exception>
#include <tbb/global_control.h>
#include <tbb/info.h>
#include <tbb/parallel_for.h>

namespace braidway::bench::fabric {

namespace {

/// Job completion over its fluid bound, the mean of all jobs.
std::optional<double> jct_ratio(const RunSetup& run, const Fabric& fabric) {
  if (run.job_bounds.empty()) return std::nullopt;
  double sum = 0;
  for (std::size_t i = 0; i < run.job_bounds.size(); ++i) {
    sum += static_cast<double>(fabric.jobs().completed_at(i) - (*run.jobs)[i].start) /
           static_cast<double>(run.job_bounds[i]);
  }
  return sum / static_cast<double>(run.job_bounds.size());
}

/// Of this thread's processor time: what others do on the machine does not count.
double thread_seconds() noexcept {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

}  // namespace

RunResult simulate(const RunSetup& run) {
  const double start = thread_seconds();
  const Routing& routing = run.network->routing;
  const std::span<const Job> jobs = run.jobs ? std::span<const Job>{*run.jobs} : std::span<const Job>{};
  Fabric fabric{run.network->topology, routing, *run.flows, run.config, run.scheme->make, jobs};
  try {
    fabric.run();
  } catch (const Stuck& stuck) {
    throw Stuck(std::string{run.scheme->name} + ", seed " + std::to_string(run.config.seed) + ": " +
                stuck.what());
  }
  const double took = thread_seconds() - start;
  if (run.inspect) run.inspect(fabric);
  auto flows = flow_results(fabric);
  auto counted = flows;
  if (run.between_racks) {
    std::erase_if(counted, [&](const FlowResult& result) {
      return routing.leaf_of(result.flow.source) == routing.leaf_of(result.flow.destination);
    });
  }
  RunResult result{
      .scheme = std::string{run.scheme->name},
      .variant = run.variant,
      .load = run.load,
      .seed = run.config.seed,
      .slowdown = slowdown_of(counted, run.measure_from),
      .jct_ratio = jct_ratio(run, fabric),
      .counters = fabric.counters(),
      .order_peak_bytes = std::max(fabric.scheme().order_peak_bytes(), fabric.rnics().order_peak_bytes()),
      .remarks = fabric.scheme().remarks(),
      .seconds = took,
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
