// Which ports lead towards a host: all those on shortest paths, counted in links, as ECMP has them. Works for
// any topology; packets cross switches only. Also what schemes ask of a topology: leaves, whole paths between
// them, how much capacity lies behind a port, and a flow's time on an empty fabric.
// Immutable; shared by all runs on a topology; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/fabric/topology.hpp"
#include "bench/fabric/types.hpp"

namespace braidway::bench::fabric {

/// The egress ports from a source leaf to a destination leaf; the host's own port is not among them.
struct Path {
  static constexpr std::size_t max_hops = 6;

  std::array<PortIndex, max_hops> ports{};
  std::uint32_t hops = 0;
};

/// How fast a message can get from one node to another on an empty fabric.
struct Way {
  std::uint64_t slowest_rate = 0;  ///< of its links, bit/s
  Nanoseconds propagation = 0;     ///< there and back
  Nanoseconds forwarding = 0;      ///< of 1000 B, hop by hop
};

class Routing {
 public:
  explicit Routing(const Topology& topology);

  /// Equal-cost ports of `node` towards `host`, by their neighbours' numbers. Empty at the host itself.
  [[nodiscard]] std::span<const PortIndex> candidates(NodeIndex node, NodeIndex host) const noexcept {
    const Range range = ranges_[node * hosts_.size() + host_number_[host]];
    return {ports_.data() + range.begin, range.count};
  }
  /// All ports of a node, in order of the topology's links.
  [[nodiscard]] std::span<const PortIndex> ports_of(NodeIndex node) const noexcept { return ports_of_[node]; }
  [[nodiscard]] std::span<const NodeIndex> hosts() const noexcept { return hosts_; }
  /// The switch (or host) at the other end of a host's link.
  [[nodiscard]] NodeIndex leaf_of(NodeIndex host) const noexcept { return leaf_[host]; }

  /// All shortest paths from the leaf of one host to the leaf of another, in order of their ports; one
  /// without hops if the leaf is the same. Throws std::runtime_error beyond 65,535 paths or Path::max_hops.
  [[nodiscard]] std::vector<Path> paths(NodeIndex source, NodeIndex destination) const;
  /// Bit/s that can flow from `node` to `host` when every switch splits as its links allow.
  [[nodiscard]] std::uint64_t capacity(NodeIndex node, NodeIndex host) const;
  /// The shortest path whose slowest link is the fastest; the first of several.
  [[nodiscard]] Way widest_way(NodeIndex node, NodeIndex host) const;
  /// Completion on an empty fabric, by the widest way, as the anchors count it: both ways' propagation, 1000
  /// B at each hop, and all bytes with headers at the slowest link's rate. Times truncate.
  [[nodiscard]] Nanoseconds ideal_completion(NodeIndex source, NodeIndex destination,
                                             std::uint64_t bytes) const;

 private:
  struct Range {
    std::uint32_t begin = 0;
    std::uint32_t count = 0;
  };

  void extend(Path& path, NodeIndex node, NodeIndex host, std::vector<Path>& found) const;

  const Topology* topology_;
  std::vector<NodeIndex> hosts_;
  std::vector<std::uint32_t> host_number_;
  std::vector<NodeIndex> leaf_;
  std::vector<std::vector<PortIndex>> ports_of_;
  std::vector<Range> ranges_;  ///< by node and host
  std::vector<PortIndex> ports_;
};

}  // namespace braidway::bench::fabric
