// Runs simulations, several at a time: each is one thread's, results come in the order they were asked for.
// Any thread.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bench/fabric/config.hpp"
#include "bench/fabric/flow_list.hpp"
#include "bench/fabric/result.hpp"
#include "bench/fabric/routing.hpp"
#include "bench/fabric/schemes/registry.hpp"
#include "bench/fabric/topology.hpp"

namespace braidway::bench::fabric {

/// A topology with its routes.
struct Network {
  explicit Network(const std::string& file) : Network(read_topology(file)) {}
  explicit Network(Topology read) : topology(std::move(read)), routing(topology) {}
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  const Topology topology;
  const Routing routing;
};

struct RunSetup {
  const Network* network;
  const std::vector<Flow>* flows;
  const SchemeEntry* scheme;
  Config config = {};
  std::uint64_t load = 0;                                  ///< percent, for the result; 0: not known
  Nanoseconds measure_from = 0;                            ///< slowdown is of flows that start then or later
  bool keep_flows = false;                                 ///< RunResult::flows is wanted
  bool between_racks = false;                              ///< slowdown is of flows between racks only
  std::string variant = {};                                ///< which of a scenario's cases, for the result
  const std::vector<Job>* jobs = nullptr;                  ///< that send the last of the flows
  std::span<const Nanoseconds> job_bounds = {};            ///< fluid bounds of these
  std::function<void(const Fabric& fabric)> inspect = {};  ///< called when it is over, by the run's thread
};

/// Throws Stuck, its text with the run's scheme and seed before it.
[[nodiscard]] RunResult simulate(const RunSetup& run);
/// All of them, on at most `threads` threads; 0: as many as there are. Throws what the first of `runs` that
/// failed threw.
[[nodiscard]] std::vector<RunResult> simulate(std::span<const RunSetup> runs, unsigned threads);

}  // namespace braidway::bench::fabric
