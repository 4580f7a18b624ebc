// Topologies from few numbers, and back into files. Hosts come first, then switches tier by tier from below.
// Any thread.
#pragma once

#include <cstdint>
#include <iosfwd>

#include "bench/fabric/topology.hpp"

namespace braidway::bench::fabric {

struct LeafSpineShape {
  NodeIndex hosts_per_leaf = 8;
  NodeIndex leaves = 4;
  NodeIndex spines = 4;
  std::uint64_t rate = 100'000'000'000;  ///< bit/s, of every link
  Nanoseconds delay = 1'000;             ///< of every link
};

/// Every leaf is joined to every spine. Throws std::invalid_argument for a shape without something, or with
/// more of it than read_topology() takes.
[[nodiscard]] Topology leaf_spine(const LeafSpineShape& shape);
/// The link between a leaf and a spine of leaf_spine(shape), both counted from 0: its place in `links`.
[[nodiscard]] std::size_t uplink(const LeafSpineShape& shape, NodeIndex leaf, NodeIndex spine);

/// Three tiers of switches with `ports` ports each, an even number (fat tree: Al-Fares et al., SIGCOMM 2008):
/// ports pods of ports/2 leaves with ports/2 hosts each, ports/2 aggregation switches a pod, ports^2/4 cores.
[[nodiscard]] Topology fat_tree(NodeIndex ports, std::uint64_t rate, Nanoseconds delay);

/// In the format that read_topology() reads.
void write_topology(std::ostream& out, const Topology& topology);

}  // namespace braidway::bench::fabric
