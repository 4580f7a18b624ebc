// Scenarios of training jobs' communication, on fabrics without oversubscription and at 2:1: the jobs' time
// over its fluid bound (workload/fluid_bound.hpp).
#pragma once

#include <iosfwd>

#include "bench/fabric/scenarios/scenario.hpp"

namespace braidway::bench::fabric {

/// 8 racks of 8 hosts; one host in each of four racks is sent 1 MB by each of 32 hosts of other racks, chosen
/// by the seed, at once: four jobs, each bound by its receiver's link.
ScenarioOutcome run_incast(const Options& options, std::ostream& out);
/// 32 hosts in 4 racks, 1 MB from each to each, at once.
ScenarioOutcome run_all_to_all(const Options& options, std::ostream& out);
/// 8 racks of 8 hosts; the hosts of the same place in their racks are a ring, 16 MB each.
ScenarioOutcome run_ring_all_reduce(const Options& options, std::ostream& out);
/// The same hosts, a binary tree for each place, the roots in different racks; 16 MB each.
ScenarioOutcome run_tree_all_reduce(const Options& options, std::ostream& out);
/// 4 racks of 8 hosts; two jobs, each of four replicas of four stages over all racks, with gaps of
/// computation.
ScenarioOutcome run_training(const Options& options, std::ostream& out);

}  // namespace braidway::bench::fabric
