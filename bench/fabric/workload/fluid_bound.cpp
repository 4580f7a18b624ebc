#include "bench/fabric/workload/fluid_bound.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "bench/fabric/packet.hpp"

namespace braidway::bench::fabric {
namespace {

/// What one leaf has for another.
struct Demand {
  double bits = 0;
  std::vector<Path> paths;
  std::vector<double> share;  ///< of the demand, by path
};

double wire_bits(const Flow& flow) {
  const std::uint64_t packets = (std::uint64_t{flow.bytes} + payload_bytes - 1) / payload_bytes;
  return static_cast<double>(flow.bytes + packets * header_bytes) * 8;
}

std::vector<Demand> demands_of(const Topology& topology, const Routing& routing,
                               std::span<const Flow> flows) {
  std::map<std::pair<NodeIndex, NodeIndex>, Demand> by_leaves;
  for (const Flow& flow : flows) {
    const NodeIndex from = routing.leaf_of(flow.source);
    const NodeIndex to = routing.leaf_of(flow.destination);
    if (from == to) continue;
    Demand& demand = by_leaves[{from, to}];
    demand.bits += wire_bits(flow);
    if (demand.paths.empty()) demand.paths = routing.paths(flow.source, flow.destination);
  }
  std::vector<Demand> demands;
  for (auto& [leaves, demand] : by_leaves) {
    // To begin with, as each path's slowest link allows.
    double sum = 0;
    for (const Path& path : demand.paths) {
      double rate = HUGE_VAL;
      for (std::uint32_t hop = 0; hop < path.hops; ++hop)
        rate = std::min(rate, static_cast<double>(topology.links[path.ports[hop] / 2].rate));
      demand.share.push_back(rate);
      sum += rate;
    }
    for (double& share : demand.share) share /= sum;
    demands.push_back(std::move(demand));
  }
  return demands;
}

/// T over the links between switches: ns.
double least_fabric_time(const Topology& topology, std::vector<Demand> demands) {
  constexpr int rounds = 400;
  constexpr double sharpness = 400;  // of the soft maximum: within ln(links) / 400 of the maximum
  std::vector<double> rate(topology.port_count());
  for (PortIndex port = 0; port < rate.size(); ++port) {
    rate[port] = static_cast<double>(topology.links[port / 2].rate) / 1e9;
  }
  std::vector<double> time(rate.size());
  std::vector<double> weight(rate.size());
  double best = 0;
  for (int round = 0; round < rounds; ++round) {
    std::ranges::fill(time, 0);
    for (const Demand& demand : demands) {
      for (std::size_t i = 0; i < demand.paths.size(); ++i) {
        const Path& path = demand.paths[i];
        for (std::uint32_t hop = 0; hop < path.hops; ++hop)
          time[path.ports[hop]] += demand.bits * demand.share[i] / rate[path.ports[hop]];
      }
    }
    const double longest = std::ranges::max(time);
    double sum = 0;
    for (std::size_t port = 0; port < time.size(); ++port) {
      sum += weight[port] = std::exp(sharpness * (time[port] / longest - 1));
    }
    double bound = 0;
    const double step = 2.0 / (round + 4);
    for (Demand& demand : demands) {
      std::size_t shortest = 0;
      double least = HUGE_VAL;
      for (std::size_t i = 0; i < demand.paths.size(); ++i) {
        const Path& path = demand.paths[i];
        double length = 0;
        for (std::uint32_t hop = 0; hop < path.hops; ++hop)
          length += weight[path.ports[hop]] / sum / rate[path.ports[hop]];
        if (length < least) {
          least = length;
          shortest = i;
        }
      }
      bound += demand.bits * least;
      for (double& share : demand.share) share *= 1 - step;
      demand.share[shortest] += step;
    }
    best = std::max(best, bound);
  }
  return best;
}

}  // namespace

double least_transfer_time(const Topology& topology, const Routing& routing, std::span<const Flow> flows) {
  std::vector<double> bits(topology.port_count());
  for (const Flow& flow : flows) {
    bits[routing.ports_of(flow.source).front()] += wire_bits(flow);
    bits[peer_of(routing.ports_of(flow.destination).front())] += wire_bits(flow);
  }
  double longest = 0;
  for (PortIndex port = 0; port < bits.size(); ++port) {
    longest = std::max(longest, bits[port] / static_cast<double>(topology.links[port / 2].rate) * 1e9);
  }
  auto demands = demands_of(topology, routing, flows);
  if (demands.empty()) return longest;
  return std::max(longest, least_fabric_time(topology, std::move(demands)));
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
      ends += routing.ideal_completion(flow.source, flow.destination, flow.bytes);
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
    round_trip = std::min(round_trip, routing.ideal_completion(flow.source, flow.destination, 0));
  }
  const Nanoseconds path = critical_path(routing, flows, job);
  if (sent.empty()) return path;
  return std::max(path, static_cast<Nanoseconds>(least_transfer_time(topology, routing, sent)) + round_trip);
}

}  // namespace braidway::bench::fabric
