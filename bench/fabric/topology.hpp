// A fabric as its file describes it, in the format of the ConWeave authors' simulator:
//   nodes switches links
//   the switches' numbers (as many as said)
//   one line a link: node node rate delay error-rate       as `0 32 100Gbps 1000ns 0`
// Nodes are numbered from 0; those that are no switches are hosts, with one link to a switch each. Immutable
// after reading; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/fabric/types.hpp"

namespace braidway::bench::fabric {

struct Link {
  NodeIndex a;
  NodeIndex b;
  std::uint64_t rate;  ///< bit/s, each way
  Nanoseconds delay;   ///< propagation
  double error_rate;   ///< share of packets lost, each way
};

struct Topology {
  std::vector<bool> is_switch;  ///< by node
  std::vector<Link> links;

  [[nodiscard]] NodeIndex node_count() const noexcept { return static_cast<NodeIndex>(is_switch.size()); }
  [[nodiscard]] PortIndex port_count() const noexcept { return static_cast<PortIndex>(links.size() * 2); }
  [[nodiscard]] NodeIndex node_of(PortIndex port) const noexcept {
    return port % 2 == 0 ? links[port / 2].a : links[port / 2].b;
  }
};

/// Throws InputError.
[[nodiscard]] Topology read_topology(const std::string& file);

}  // namespace braidway::bench::fabric
