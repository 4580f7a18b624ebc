// DRILL (Ghorbani et al., SIGCOMM 2017): every packet takes the least loaded of two ports drawn at random and
// the one that was best the last time, remembered per destination host. Nobody restores the order.
#pragma once

#include <vector>

#include "bench/fabric/fabric.hpp"

namespace braidway::bench::fabric {

class Drill : public Scheme {
 public:
  explicit Drill(Fabric& fabric) : Drill(fabric, {}) {}

  PortIndex choose(NodeIndex node, Packet& packet, std::span<const PortIndex> candidates) override;

 protected:
  Drill(Fabric& fabric, Hooks hooks);
  [[nodiscard]] Fabric& fabric() noexcept { return fabric_; }

 private:
  Fabric& fabric_;
  std::vector<PortIndex> best_;  ///< by node and destination host; nobody's: none yet
};

}  // namespace braidway::bench::fabric
