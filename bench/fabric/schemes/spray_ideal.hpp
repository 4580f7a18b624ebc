// DRILL's choice of a port for every packet, and a perfect sink: what spraying could give.
#pragma once

#include "bench/fabric/schemes/drill.hpp"
#include "bench/fabric/schemes/ideal_sink.hpp"

namespace braidway::bench::fabric {

class SprayIdeal final : public Drill {
 public:
  explicit SprayIdeal(Fabric& fabric) : Drill(fabric, {.arrival = true}), sink_(fabric) {}

  bool on_arrival(NodeIndex node, PacketIndex index) override { return sink_.on_arrival(node, index); }
  [[nodiscard]] std::uint64_t order_peak_bytes() const override { return sink_.peak_bytes(); }

 private:
  IdealSink sink_;
};

}  // namespace braidway::bench::fabric
