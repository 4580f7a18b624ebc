#include "bench/fabric/schemes/leaf_paths.hpp"

#include <algorithm>
#include <map>

namespace braidway::bench::fabric {

LeafPaths::LeafPaths(const Fabric& fabric)
    : topology_(&fabric.topology()),
      routing_(&fabric.routing()),
      leaf_(fabric.topology().node_count(), nobody) {
  std::map<NodeIndex, std::uint32_t> numbers;
  std::vector<NodeIndex> hosts;  // one of each leaf
  for (const NodeIndex host : routing_->hosts()) {
    const auto [at, fresh] = numbers.try_emplace(routing_->leaf_of(host), leaf_count_);
    if (fresh) {
      hosts.push_back(host);
      ++leaf_count_;
    }
    leaf_[host] = at->second;
  }
  for (const NodeIndex source : hosts) {
    for (const NodeIndex destination : hosts) paths_.push_back(routing_->paths(source, destination));
  }
}

PortIndex LeafPaths::port_at(NodeIndex node, const Packet& packet, PathNumber number) const noexcept {
  const Path& path = paths_[pair_of(packet.source, packet.destination)][number];
  return *std::find_if(path.ports.begin(), path.ports.begin() + path.hops,
                       [&](PortIndex port) { return topology_->node_of(port) == node; });
}

}  // namespace braidway::bench::fabric
