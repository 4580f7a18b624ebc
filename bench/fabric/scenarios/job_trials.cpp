#include "bench/fabric/scenarios/job_trials.hpp"

#include <algorithm>
#include <iomanip>
#include <ostream>
#include <utility>

#include "bench/fabric/workload/fluid_bound.hpp"

namespace braidway::bench::fabric {
namespace {

std::vector<Workload> make_all(const Options& options, std::uint64_t seeds,
                               const std::function<Workload(std::uint64_t seed)>& make) {
  std::vector<Workload> workloads;
  for (std::uint64_t i = 0; i < seeds; ++i) {
    workloads.push_back(make(options.seed + i));
    arrange(workloads.back().flows);
  }
  return workloads;
}

std::vector<std::vector<Nanoseconds>> bounds_of(const Network& network,
                                                const std::vector<Workload>& workloads) {
  std::vector<std::vector<Nanoseconds>> bounds;
  for (const Workload& workload : workloads) {
    std::vector<Nanoseconds> jobs;
    jobs.reserve(workload.jobs.size());
    for (const Job& job : workload.jobs)
      jobs.push_back(fluid_bound(network.topology, network.routing, workload.flows, job));
    bounds.push_back(std::move(jobs));
  }
  return bounds;
}

}  // namespace

JobTrials::JobTrials(const Options& options, const Network& network, const std::string& variant,
                     const std::function<Workload(std::uint64_t seed)>& make)
    : seeds_(options.seeds == 0 ? default_seeds : options.seeds),
      workloads_(make_all(options, seeds_, make)),
      bounds_(bounds_of(network, workloads_)),
      grid_(options, schemes_of(options), seeds_, [&](std::uint64_t seed) {
        return RunSetup{.network = &network,
                        .flows = &workloads_[seed].flows,
                        .scheme = nullptr,
                        .config = options.config,
                        .variant = variant,
                        .jobs = &workloads_[seed].jobs,
                        .job_bounds = bounds_[seed]};
      }) {}

void JobTrials::print_counters(std::ostream& out, std::string_view scheme) const {
  std::uint64_t out_of_order = 0;
  std::uint64_t cnps = 0;
  std::uint64_t pfc_frames = 0;
  std::uint64_t peak = 0;
  for (const RunResult& run : grid_.runs(scheme)) {
    out_of_order += run.counters.out_of_order;
    cnps += run.counters.cnps;
    pfc_frames += run.counters.pfc_frames;
    peak = std::max(peak, run.order_peak_bytes);
  }
  out << std::setw(9) << out_of_order << std::setw(10) << static_cast<double>(peak) / 1e6 << std::setw(9)
      << cnps << std::setw(9) << pfc_frames << '\n';
}

double jct_ratio_of(const RunResult& run) { return run.jct_ratio.value_or(0); }

}  // namespace braidway::bench::fabric
