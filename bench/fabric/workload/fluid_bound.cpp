#include "bench/fabric/workload/fluid_bound.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "bench/fabric/packet.hpp"

namespace braidway::bench::fabric {
namespace {

std::span<const PortIndex> used_by(const Path& path) { return {path.ports.data(), path.hops}; }

std::uint64_t wire_bytes(const Flow& flow) {
  const std::uint64_t packets = (std::uint64_t{flow.bytes} + payload_bytes - 1) / payload_bytes;
  return flow.bytes + packets * header_bytes;
}

/// Bytes a ns of full packets.
double pace(std::uint64_t rate) {
  return full_packet_bytes / static_cast<double>(transmission_time(full_packet_bytes, rate));
}

/// What one leaf has for another.
struct Demand {
  std::uint64_t bytes = 0;
  std::vector<Path> paths;
};

std::vector<Demand> demands_of(const Routing& routing, std::span<const Flow> flows) {
  std::map<std::pair<NodeIndex, NodeIndex>, Demand> by_leaves;
  for (const Flow& flow : flows) {
    const NodeIndex from = routing.leaf_of(flow.source);
    const NodeIndex to = routing.leaf_of(flow.destination);
    if (from == to) continue;
    Demand& demand = by_leaves[{from, to}];
    demand.bytes += wire_bytes(flow);
    if (demand.paths.empty()) demand.paths = routing.paths(flow.source, flow.destination);
  }
  std::vector<Demand> demands;
  demands.reserve(by_leaves.size());
  for (auto& [leaves, demand] : by_leaves) demands.push_back(std::move(demand));
  return demands;
}

using Ports = std::set<PortIndex>;

/// Of all layers: the links that one leaf's paths have in one place, counted from either end.
std::set<Ports> layers_of(const Topology& topology, const std::vector<Demand>& demands) {
  std::map<std::tuple<NodeIndex, bool, std::uint32_t>, Ports> layers;
  for (const Demand& demand : demands) {
    for (const Path& path : demand.paths) {
      const NodeIndex from = topology.node_of(path.ports[0]);
      const NodeIndex to = topology.node_of(peer_of(path.ports[path.hops - 1]));
      for (std::uint32_t hop = 0; hop < path.hops; ++hop) {
        layers[{from, true, hop}].insert(path.ports[hop]);
        layers[{to, false, path.hops - hop}].insert(path.ports[hop]);
      }
    }
  }
  std::set<Ports> all;
  for (auto& [place, ports] : layers) all.insert(std::move(ports));
  return all;
}

/// The narrowest links of a demand's paths, which all of it must cross.
Ports narrowest_of(const Topology& topology, const Demand& demand) {
  Ports ports;
  for (const Path& path : demand.paths) {
    const auto used = used_by(path);
    ports.insert(
        *std::ranges::min_element(used, {}, [&](PortIndex port) { return topology.links[port / 2].rate; }));
  }
  return ports;
}

/// What must cross these links, over what they can carry: ns.
double crossing_time(const Topology& topology, std::span<const Demand> demands, const Ports& ports) {
  const auto crosses = [&](const Path& path) {
    return std::ranges::any_of(used_by(path), [&](PortIndex port) { return ports.contains(port); });
  };
  double capacity = 0;
  for (const PortIndex port : ports) capacity += pace(topology.links[port / 2].rate);
  std::uint64_t bytes = 0;
  for (const Demand& demand : demands) {
    if (std::ranges::all_of(demand.paths, crosses)) bytes += demand.bytes;
  }
  return static_cast<double>(bytes) / capacity;
}

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
  const auto demands = demands_of(routing, flows);
  for (const Ports& layer : layers_of(topology, demands)) {
    longest = std::max(longest, crossing_time(topology, demands, layer));
  }
  for (const Demand& demand : demands) {
    longest = std::max(longest, crossing_time(topology, {&demand, 1}, narrowest_of(topology, demand)));
  }
  return longest;
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
