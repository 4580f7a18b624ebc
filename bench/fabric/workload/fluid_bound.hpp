// The time below which no scheme can finish a job, to compare with:
//   bound = max(critical path, T + smallest round trip)
//   critical path       the longest chain of tasks, each with its computation, its flow's propagation both
//   ways
//                       and its packets on the slowest link of its widest way
//   T                   the least time in which all bytes (with headers) of the job can flow as a fluid:
//   split
//                       over shortest paths at will, no link above its rate. That is maximum concurrent flow
//   smallest round trip of propagation among the job's flows, since the last byte's ACK ends it
// T is found from below: any weights w of links, summing to 1, prove T >= sum over pairs of leaves of
// demand x min over paths of (sum of w / rate). The weights come from a Frank-Wolfe search for the best split
// (soft maximum of the links' times). Links of hosts have no alternative and count by themselves.
// A simulated packet's time truncates to whole ns, so that links are a little faster than their rate says:
// full packets of 1048 B take 83 ns at 100 Gbit/s; T counts all bytes at that pace.
// Pure; any thread.
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
