#include "bench/fabric/routing.hpp"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "bench/fabric/packet.hpp"

namespace braidway::bench::fabric {
namespace {

constexpr std::size_t max_paths = 65'535;

/// Links to `host` from every node; nobody's number where there is no way.
std::vector<std::uint32_t> distances(const Topology& topology,
                                     const std::vector<std::vector<PortIndex>>& ports_of, NodeIndex host) {
  std::vector<std::uint32_t> distance(topology.node_count(), nobody);
  distance[host] = 0;
  std::vector<NodeIndex> reached{host};
  for (std::size_t i = 0; i < reached.size(); ++i) {
    const NodeIndex node = reached[i];
    if (node != host && !topology.is_switch[node]) continue;
    for (const PortIndex port : ports_of[node]) {
      const NodeIndex next = topology.node_of(peer_of(port));
      if (distance[next] != nobody) continue;
      distance[next] = distance[node] + 1;
      reached.push_back(next);
    }
  }
  return distance;
}

}  // namespace

Routing::Routing(const Topology& topology)
    : topology_(&topology),
      host_number_(topology.node_count(), nobody),
      leaf_(topology.node_count(), nobody),
      ports_of_(topology.node_count()) {
  for (PortIndex port = 0; port < topology.port_count(); ++port) {
    ports_of_[topology.node_of(port)].push_back(port);
  }
  for (NodeIndex node = 0; node < topology.node_count(); ++node) {
    if (topology.is_switch[node]) continue;
    host_number_[node] = static_cast<std::uint32_t>(hosts_.size());
    hosts_.push_back(node);
    leaf_[node] = topology.node_of(peer_of(ports_of_[node].front()));
  }
  ranges_.resize(std::size_t{topology.node_count()} * hosts_.size());
  std::map<std::vector<PortIndex>, Range> known;  // most hosts share their leaf's candidates
  for (const NodeIndex host : hosts_) {
    const auto distance = distances(topology, ports_of_, host);
    for (NodeIndex node = 0; node < topology.node_count(); ++node) {
      std::vector<PortIndex> ports;
      for (const PortIndex port : ports_of_[node]) {
        const NodeIndex next = topology.node_of(peer_of(port));
        const bool crosses_host = next != host && !topology.is_switch[next];
        if (distance[next] != nobody && distance[next] + 1 == distance[node] && !crosses_host) {
          ports.push_back(port);
        }
      }
      std::stable_sort(ports.begin(), ports.end(), [&](PortIndex a, PortIndex b) {
        return topology.node_of(peer_of(a)) < topology.node_of(peer_of(b));
      });
      const auto [at, fresh] = known.try_emplace(
          ports, Range{static_cast<std::uint32_t>(ports_.size()), static_cast<std::uint32_t>(ports.size())});
      if (fresh) ports_.insert(ports_.end(), ports.begin(), ports.end());
      ranges_[node * hosts_.size() + host_number_[host]] = at->second;
    }
  }
}

void Routing::extend(Path& path, NodeIndex node, NodeIndex host, std::vector<Path>& found) const {
  if (node == leaf_[host]) {
    if (found.size() == max_paths) throw std::runtime_error("more than 65,535 paths between two leaves");
    found.push_back(path);
    return;
  }
  if (path.hops == Path::max_hops) throw std::runtime_error("a path between leaves of more than 6 hops");
  for (const PortIndex port : candidates(node, host)) {
    path.ports[path.hops++] = port;
    extend(path, topology_->node_of(peer_of(port)), host, found);
    --path.hops;
  }
}

std::vector<Path> Routing::paths(NodeIndex source, NodeIndex destination) const {
  std::vector<Path> found;
  Path path;
  extend(path, leaf_[source], destination, found);
  return found;
}

std::uint64_t Routing::capacity(NodeIndex node, NodeIndex host) const {
  if (node == host) return ~std::uint64_t{0};
  std::uint64_t sum = 0;
  for (const PortIndex port : candidates(node, host)) {
    sum += std::min(topology_->links[port / 2].rate, capacity(topology_->node_of(peer_of(port)), host));
  }
  return sum;
}

Way Routing::widest_way(NodeIndex node, NodeIndex host) const {
  if (node == host) return {.slowest_rate = ~std::uint64_t{0}};
  Way widest;
  for (const PortIndex port : candidates(node, host)) {
    const Link& link = topology_->links[port / 2];
    const Way rest = widest_way(topology_->node_of(peer_of(port)), host);
    const std::uint64_t slowest = std::min(rest.slowest_rate, link.rate);
    if (slowest <= widest.slowest_rate) continue;
    widest = {.slowest_rate = slowest,
              .propagation = rest.propagation + 2 * link.delay,
              .forwarding = rest.forwarding + transmission_time(payload_bytes, link.rate)};
  }
  return widest;
}

Nanoseconds Routing::ideal_completion(NodeIndex source, NodeIndex destination, std::uint64_t bytes) const {
  const Way way = widest_way(source, destination);
  const std::uint64_t packets = (bytes + payload_bytes - 1) / payload_bytes;
  return way.propagation + way.forwarding +
         transmission_time(bytes + packets * header_bytes, way.slowest_rate);
}

}  // namespace braidway::bench::fabric
