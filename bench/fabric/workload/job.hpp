// What is to be sent: flows that start at given times, and jobs, whose flows start when others are complete.
// A job is a graph of tasks. A task becomes ready when all tasks it comes after are done; it then computes
// for a while, sends its flow if it has one, and is done when the flow is complete (its last ACK has come).
// Every flow is a message over a queue pair of its own, which starts at line rate. Values; any thread.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "bench/fabric/flow_list.hpp"
#include "bench/fabric/types.hpp"

namespace braidway::bench::fabric {

/// The start of a flow that a task sends: not known before.
inline constexpr Nanoseconds when_ready = std::numeric_limits<Nanoseconds>::max();

/// A task: its place in its job.
using TaskIndex = std::uint32_t;

struct Task {
  Nanoseconds compute = 0;
  FlowIndex flow = nobody;            ///< nobody's: the task only computes
  std::vector<TaskIndex> after = {};  ///< each once
};

struct Job {
  std::string name;
  Nanoseconds start = 0;
  std::vector<Task> tasks;

  TaskIndex add(Task task) {
    tasks.push_back(std::move(task));
    return static_cast<TaskIndex>(tasks.size() - 1);
  }
};

struct Workload {
  std::vector<Flow> flows;  ///< arranged; those that tasks send come last
  std::vector<Job> jobs;

  /// A flow for a task, the last of the flows. Call arrange() when all are there.
  FlowIndex add_flow(NodeIndex source, NodeIndex destination, std::uint32_t bytes) {
    flows.push_back({.source = source,
                     .destination = destination,
                     .bytes = bytes,
                     .start = when_ready,
                     .source_port = 0,
                     .destination_port = 0});
    return static_cast<FlowIndex>(flows.size() - 1);
  }
};

}  // namespace braidway::bench::fabric
