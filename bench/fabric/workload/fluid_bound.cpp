#include "bench/fabric/workload/fluid_bound.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "bench/fabric/packet.hpp"

namespace braidway::bench::fabric {
namespace {

std::span<const PortIndex> used_by(const Path& path) { return {path.ports.data(), path.hops}; }

/// What one leaf has for another.
struct Demand {
  double bytes = 0;
  std::vector<Path> paths;
  std::vector<double> share;  ///< of the demand, by path
};

std::uint64_t wire_bytes(const Flow& flow) {
  const std::uint64_t packets = (std::uint64_t{flow.bytes} + payload_bytes - 1) / payload_bytes;
  return flow.bytes + packets * header_bytes;
}

/// Bytes a ns of full packets.
double pace(std::uint64_t rate) {
  return full_packet_bytes / static_cast<double>(transmission_time(full_packet_bytes, rate));
}

std::vector<Demand> demands_of(const Topology& topology, const Routing& routing,
                               std::span<const Flow> flows) {
  std::map<std::pair<NodeIndex, NodeIndex>, Demand> by_leaves;
  for (const Flow& flow : flows) {
    const NodeIndex from = routing.leaf_of(flow.source);
    const NodeIndex to = routing.leaf_of(flow.destination);
    if (from == to) continue;
    Demand& demand = by_leaves[{from, to}];
    demand.bytes += static_cast<double>(wire_bytes(flow));
    if (demand.paths.empty()) demand.paths = routing.paths(flow.source, flow.destination);
  }
  std::vector<Demand> demands;
  for (auto& [leaves, demand] : by_leaves) {
    // To begin with, as each path's slowest link allows.
    double sum = 0;
    for (const Path& path : demand.paths) {
      double rate = HUGE_VAL;
      for (const PortIndex port : used_by(path)) rate = std::min(rate, pace(topology.links[port / 2].rate));
      demand.share.push_back(rate);
      sum += rate;
    }
    for (double& share : demand.share) share /= sum;
    demands.push_back(std::move(demand));
  }
  return demands;
}

/// The search for T over the links between switches.
class SplitSearch {
 public:
  SplitSearch(const Topology& topology, std::vector<Demand> demands) : demands_(std::move(demands)) {
    for (PortIndex port = 0; port < topology.port_count(); ++port) {
      pace_.push_back(pace(topology.links[port / 2].rate));
    }
  }

  /// Ns.
  double run() {
    constexpr int rounds = 1000;
    std::vector<double> mean(pace_.size());  // of the weights, later ones counting more
    double best = 0;
    for (int round = 0; round < rounds; ++round) {
      const std::vector<double> weights = weights_of_split();
      for (std::size_t port = 0; port < mean.size(); ++port) {
        mean[port] += (weights[port] - mean[port]) * 2 / (round + 2);
      }
      best = std::max({best, bound(weights), bound(mean)});
      improve(weights, 2.0 / (round + 4));
    }
    return best;
  }

 private:
  /// The soft maximum's gradient: links that take longest weigh most. They sum to 1.
  [[nodiscard]] std::vector<double> weights_of_split() const {
    constexpr double sharpness = 100;
    std::vector<double> time(pace_.size());
    for (const Demand& demand : demands_) {
      for (std::size_t i = 0; i < demand.paths.size(); ++i) {
        for (const PortIndex port : used_by(demand.paths[i]))
          time[port] += demand.bytes * demand.share[i] / pace_[port];
      }
    }
    const double longest = std::ranges::max(time);
    double sum = 0;
    for (double& value : time) sum += value = std::exp(sharpness * (value / longest - 1));
    for (double& value : time) value /= sum;
    return time;
  }

  [[nodiscard]] double length(const Path& path, const std::vector<double>& weights) const {
    double length = 0;
    for (const PortIndex port : used_by(path)) length += weights[port] / pace_[port];
    return length;
  }

  [[nodiscard]] std::size_t shortest(const Demand& demand, const std::vector<double>& weights) const {
    const auto is_shorter = [&](const Path& a, const Path& b) {
      return length(a, weights) < length(b, weights);
    };
    return static_cast<std::size_t>(std::ranges::min_element(demand.paths, is_shorter) -
                                    demand.paths.begin());
  }

  /// What T is at least, by these weights.
  [[nodiscard]] double bound(const std::vector<double>& weights) const {
    double sum = 0;
    for (const Demand& demand : demands_)
      sum += demand.bytes * length(demand.paths[shortest(demand, weights)], weights);
    return sum;
  }

  /// Moves a part of each demand to its shortest path.
  void improve(const std::vector<double>& weights, double part) {
    for (Demand& demand : demands_) {
      for (double& share : demand.share) share *= 1 - part;
      demand.share[shortest(demand, weights)] += part;
    }
  }

  std::vector<Demand> demands_;
  std::vector<double> pace_;  ///< by port
};

}  // namespace

double least_transfer_time(const Topology& topology, const Routing& routing, std::span<const Flow> flows) {
  std::vector<std::uint64_t> bytes(topology.port_count());
  for (const Flow& flow : flows) {
    bytes[routing.ports_of(flow.source).front()] += wire_bytes(flow);
    bytes[peer_of(routing.ports_of(flow.destination).front())] += wire_bytes(flow);
  }
  double longest = 0;
  for (PortIndex port = 0; port < bytes.size(); ++port) {
    longest = std::max(longest, static_cast<double>(bytes[port]) / pace(topology.links[port / 2].rate));
  }
  auto demands = demands_of(topology, routing, flows);
  if (demands.empty()) return longest;
  return std::max(longest, SplitSearch{topology, std::move(demands)}.run());
}

Nanoseconds critical_path(const Routing& routing, std::span<const Flow> flows, const Job& job) {
  const std::size_t count = job.tasks.size();
  std::vector<std::vector<TaskIndex>> successors(count);
  std::vector<std::size_t> waits_for(count);
  std::vector<TaskIndex> ready;
  for (TaskIndex i = 0; i < count; ++i) {
    waits_for[i] = job.tasks[i].after.size();
    if (waits_for[i] == 0) ready.push_back(i);
    for (const TaskIndex before : job.tasks[i].after) successors[before].push_back(i);
  }
  std::vector<Nanoseconds> begins(count);
  Nanoseconds longest = 0;
  for (std::size_t i = 0; i < ready.size(); ++i) {
    const Task& task = job.tasks[ready[i]];
    Nanoseconds ends = begins[ready[i]] + task.compute;
    if (task.flow != nobody) {
      const Flow& flow = flows[task.flow];
      const Way way = routing.widest_way(flow.source, flow.destination);
      ends += way.propagation + std::llround(static_cast<double>(wire_bytes(flow)) / pace(way.slowest_rate));
    }
    longest = std::max(longest, ends);
    for (const TaskIndex next : successors[ready[i]]) {
      begins[next] = std::max(begins[next], ends);
      if (--waits_for[next] == 0) ready.push_back(next);
    }
  }
  return longest;
}

Nanoseconds fluid_bound(const Topology& topology, const Routing& routing, std::span<const Flow> flows,
                        const Job& job) {
  std::vector<Flow> sent;
  Nanoseconds round_trip = when_ready;
  for (const Task& task : job.tasks) {
    if (task.flow == nobody) continue;
    const Flow& flow = flows[task.flow];
    sent.push_back(flow);
    round_trip = std::min(round_trip, routing.widest_way(flow.source, flow.destination).propagation);
  }
  const Nanoseconds path = critical_path(routing, flows, job);
  if (sent.empty()) return path;
  return std::max(path, Nanoseconds{std::llround(least_transfer_time(topology, routing, sent))} + round_trip);
}

}  // namespace braidway::bench::fabric
