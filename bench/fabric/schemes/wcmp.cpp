#include "bench/fabric/schemes/wcmp.hpp"

#include <algorithm>

namespace braidway::bench::fabric {

Wcmp::Wcmp(Fabric& fabric)
    : Scheme({}),
      fabric_(fabric),
      capacities_(std::size_t{fabric.topology().node_count()} * fabric.topology().node_count()) {}

PortIndex Wcmp::choose(NodeIndex node, Packet& packet, std::span<const PortIndex> candidates) {
  auto& sums = capacities_[std::size_t{node} * fabric_.topology().node_count() + packet.destination];
  if (sums.empty()) {
    std::uint64_t sum = 0;
    for (const PortIndex candidate : candidates) {
      const Port& port = fabric_.port(candidate);
      sum += std::min(port.rate, fabric_.routing().capacity(port.peer_node, packet.destination));
      sums.push_back(sum);
    }
  }
  // In steps of 1 Mbit/s, the least rate a link has.
  const std::uint64_t share = fabric_.hash(node, packet) * (sums.back() / 1'000'000) >> 32;
  const auto chosen = std::ranges::upper_bound(sums, share * 1'000'000) - sums.begin();
  return candidates[static_cast<std::size_t>(chosen)];
}

}  // namespace braidway::bench::fabric
