// Flowlets: a flow may take another path after a gap longer than the difference of paths' delays.
// Owner: the thread of its simulation.
#pragma once

#include <vector>

#include "bench/fabric/schemes/leaf_paths.hpp"

namespace braidway::bench::fabric {

class Flowlets {
 public:
  static constexpr Nanoseconds gap = 100'000;

  explicit Flowlets(std::size_t flows) : flowlets_(flows) {}

  /// The path of a flow's next packet: that of its flowlet, or what `choose()` says for a new one.
  template <typename Choose>
  PathNumber path_of(FlowIndex flow, Nanoseconds now, Choose choose) {
    Flowlet& flowlet = flowlets_[flow];
    if (flowlet.last < 0 || now - flowlet.last > gap) flowlet.path = choose();
    flowlet.last = now;
    return flowlet.path;
  }

 private:
  struct Flowlet {
    Nanoseconds last = -1;
    PathNumber path = 0;
  };

  std::vector<Flowlet> flowlets_;
};

}  // namespace braidway::bench::fabric
