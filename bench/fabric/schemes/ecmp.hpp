// ECMP: a flow keeps the port its hash chooses, whatever happens there.
#pragma once

#include "bench/fabric/fabric.hpp"

namespace braidway::bench::fabric {

class Ecmp final : public Scheme {
 public:
  explicit Ecmp(Fabric& fabric) : Scheme({}), fabric_(fabric) {}

  PortIndex choose(NodeIndex node, Packet& packet, std::span<const PortIndex> candidates) override {
    return fabric_.ecmp(node, packet, candidates);
  }

 private:
  Fabric& fabric_;
};

}  // namespace braidway::bench::fabric
