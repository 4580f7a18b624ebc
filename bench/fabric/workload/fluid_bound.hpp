// The time below which no scheme can finish a job, to compare with:
//   bound = max(critical path, T + smallest round trip)
// The critical path is the longest chain of tasks, each with its computation, its flow's propagation both
// ways and its packets on the slowest link of its widest way. The smallest round trip is of propagation,
// among the job's flows: the last byte's ACK ends it. T is the longest that any of these sets of links takes
// for the bytes (with headers) that must cross it, with all its links at their rates: each host's link, each
// way; for each leaf, the links that paths from it have in one place, as its uplinks, and those of paths to
// it; for each pair of leaves, its paths' narrowest links. Any set of links bounds maximum concurrent flow;
// these are tight where the rest can be balanced. A simulated packet's time truncates to whole ns, so that
// links are a little faster than their rate says: full packets of 1048 B take 83 ns at 100 Gbit/s; T counts
// all bytes at that pace. Pure; any thread.
#pragma once

#include <span>

#include "bench/fabric/routing.hpp"
#include "bench/fabric/workload/job.hpp"

namespace braidway::bench::fabric {

/// Ns; `flows` is the list that the job's tasks mean.
[[nodiscard]] Nanoseconds fluid_bound(const Topology& topology, const Routing& routing,
                                      std::span<const Flow> flows, const Job& job);
/// T alone, of any flows: ns.
[[nodiscard]] double least_transfer_time(const Topology& topology, const Routing& routing,
                                         std::span<const Flow> flows);
/// The longest chain of tasks: ns.
[[nodiscard]] Nanoseconds critical_path(const Routing& routing, std::span<const Flow> flows, const Job& job);

}  // namespace braidway::bench::fabric
