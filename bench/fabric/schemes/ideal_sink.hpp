// A sink that restores the order of every flow perfectly: at a destination's leaf, packets that come before
// their predecessors are held outside the switch's buffer and go on right behind them. It costs nothing and
// its memory has no limit: a reference, not a design. What is lost comes again after the sender's time-out.
// Owner: the thread of its simulation.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/fabric/fabric.hpp"

namespace braidway::bench::fabric {

class IdealSink {
 public:
  explicit IdealSink(Fabric& fabric)
      : fabric_(fabric), flows_(fabric.flows().size()), held_(fabric.topology().node_count()) {}

  /// To be called from Scheme::on_arrival: true if the packet has been taken.
  bool on_arrival(NodeIndex node, PacketIndex index);
  [[nodiscard]] std::uint64_t peak_bytes() const noexcept { return peak_; }

 private:
  struct State {
    std::uint32_t expected = 0;
    PacketIndex first = nobody;  ///< of those held, by sequence
  };

  Fabric& fabric_;
  std::vector<State> flows_;
  std::vector<std::uint64_t> held_;  ///< bytes by destination host
  std::uint64_t peak_ = 0;
};

}  // namespace braidway::bench::fabric
