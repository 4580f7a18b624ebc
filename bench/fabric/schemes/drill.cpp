#include "bench/fabric/schemes/drill.hpp"

#include <algorithm>

namespace braidway::bench::fabric {

Drill::Drill(Fabric& fabric, Hooks hooks)
    : Scheme(hooks),
      fabric_(fabric),
      best_(std::size_t{fabric.topology().node_count()} * fabric.topology().node_count(), nobody) {}

PortIndex Drill::choose(NodeIndex node, Packet& packet, std::span<const PortIndex> candidates) {
  PortIndex& best = best_[std::size_t{node} * fabric_.topology().node_count() + packet.destination];
  const auto count = static_cast<std::uint32_t>(candidates.size());
  const std::uint32_t first = fabric_.random().below(count);
  const std::uint32_t second = (first + 1 + fabric_.random().below(count - 1)) % count;
  // Only a strictly shorter queue displaces the remembered port.
  if (best == nobody) best = candidates[first];
  for (const PortIndex port : {candidates[first], candidates[second]}) {
    if (fabric_.port(port).queued() < fabric_.port(best).queued()) best = port;
  }
  return best;
}

}  // namespace braidway::bench::fabric
