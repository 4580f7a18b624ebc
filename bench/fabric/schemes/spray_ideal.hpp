// DRILL's choice of a port for every packet, and receivers that do not mind their order: what spraying could
// give at best.
#pragma once

#include "bench/fabric/schemes/drill.hpp"

namespace braidway::bench::fabric {

class SprayIdeal final : public Drill {
 public:
  explicit SprayIdeal(Fabric& fabric) : Drill(fabric, {.ideal_order = true}) {}
};

}  // namespace braidway::bench::fabric
