// WCMP (Zhou et al., EuroSys 2014): ECMP, with each port's share of the flows in proportion to the capacity
// that lies behind it.
#pragma once

#include <vector>

#include "bench/fabric/fabric.hpp"

namespace braidway::bench::fabric {

class Wcmp final : public Scheme {
 public:
  explicit Wcmp(Fabric& fabric);

  PortIndex choose(NodeIndex node, Packet& packet, std::span<const PortIndex> candidates) override;

 private:
  Fabric& fabric_;
  /// By node and destination: the capacity behind a candidate and those before it. Filled when first asked
  /// for.
  std::vector<std::vector<std::uint64_t>> capacities_;
};

}  // namespace braidway::bench::fabric
