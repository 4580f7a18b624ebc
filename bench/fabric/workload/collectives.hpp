// What training jobs send, as jobs: each function adds one to a workload, with its flows. Call arrange() on
// the workload's flows when all jobs are there. `hosts`: who takes part, at least two, in this order.
// All throw std::invalid_argument for what cannot be. Any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "bench/fabric/workload/job.hpp"

namespace braidway::bench::fabric {

/// Each host sends one message at once, to a host of its own, none to itself; which one is random by `seed`.
Job& add_permutation(Workload& workload, std::span<const NodeIndex> hosts, std::uint32_t bytes,
                     std::uint64_t seed);

/// All but the first send a message to the first, at once.
Job& add_incast(Workload& workload, std::span<const NodeIndex> hosts, std::uint32_t bytes);

/// Each host sends a message to each other, all at once, each beginning with the host after it.
Job& add_all_to_all(Workload& workload, std::span<const NodeIndex> hosts, std::uint32_t bytes);

/// What all-reduces of a larger job begin after and end with, by host; empty: at once.
using TaskOfHost = std::vector<TaskIndex>;

/// Ring all-reduce (Patarasu and Yuan, 2009): `bytes` in as many chunks as hosts; 2 (n - 1) times each host
/// sends a chunk to the next in the ring, once it has received the one before.
Job& add_ring_all_reduce(Workload& workload, std::span<const NodeIndex> hosts, std::uint32_t bytes);
/// The same within a job. Returns the tasks with which each host has everything.
TaskOfHost append_ring_all_reduce(Workload& workload, Job& job, std::span<const NodeIndex> hosts,
                                  std::uint32_t bytes, const TaskOfHost& after);

/// Tree all-reduce: in a binary tree (children of host i: 2i + 1 and 2i + 2) sums of a chunk go up, the total
/// goes down; `chunks` follow each other through the tree.
Job& add_tree_all_reduce(Workload& workload, std::span<const NodeIndex> hosts, std::uint32_t bytes,
                         std::uint32_t chunks);
/// The same within a job, from its start.
void append_tree_all_reduce(Workload& workload, Job& job, std::span<const NodeIndex> hosts,
                            std::uint32_t bytes, std::uint32_t chunks);

}  // namespace braidway::bench::fabric
