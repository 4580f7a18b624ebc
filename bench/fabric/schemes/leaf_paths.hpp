// Whole paths between leaves, for schemes that choose at the source's leaf once for all switches on the way.
// A path is its number among those of its pair of leaves. Owner: the thread of its simulation.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/fabric/fabric.hpp"

namespace braidway::bench::fabric {

using PathNumber = std::uint16_t;

class LeafPaths {
 public:
  explicit LeafPaths(const Fabric& fabric);

  [[nodiscard]] std::uint32_t leaf_count() const noexcept { return leaf_count_; }
  /// A host's leaf: 0 to leaf_count() - 1.
  [[nodiscard]] std::uint32_t leaf_of(NodeIndex host) const noexcept { return leaf_[host]; }
  /// A number for the leaves of a flow's source and destination, in this order.
  [[nodiscard]] std::uint32_t pair_of(NodeIndex source, NodeIndex destination) const noexcept {
    return leaf_[source] * leaf_count_ + leaf_[destination];
  }
  [[nodiscard]] const std::vector<Path>& paths(std::uint32_t pair) const noexcept { return paths_[pair]; }

  /// Whether a data packet is at its source's leaf and has another leaf to go to.
  [[nodiscard]] bool departs(NodeIndex node, const Packet& packet) const noexcept {
    return at_leaf_of(node, packet.source) && leaf_[packet.source] != leaf_[packet.destination];
  }
  /// Whether a data packet is at its destination's leaf and comes from another one.
  [[nodiscard]] bool arrives(NodeIndex node, const Packet& packet) const noexcept {
    return at_leaf_of(node, packet.destination) && leaf_[packet.source] != leaf_[packet.destination];
  }
  /// The port of a path at one of the switches on it.
  [[nodiscard]] PortIndex port_at(NodeIndex node, const Packet& packet, PathNumber number) const noexcept;

 private:
  [[nodiscard]] bool at_leaf_of(NodeIndex node, NodeIndex host) const noexcept {
    return routing_->leaf_of(host) == node;
  }

  const Topology* topology_;
  const Routing* routing_;
  std::vector<std::uint32_t> leaf_;  ///< by host
  std::uint32_t leaf_count_ = 0;
  std::vector<std::vector<Path>> paths_;
};

}  // namespace braidway::bench::fabric
