// What switches tell in telemetry of how full their ports are (INT-MD 2.1, egress interface TX utilization):
// the share of a port's capacity that left by it, of whoever it was, over a window of 50 us. That is half of
// what a message of a gateway covers, so that what it tells is of that time and not of the one before; and a
// hundred full packets of 100 Gbit/s, so that it does not hang on a few.
//
// Counters are read at the end of each window. Load in the background is no packets (network_events.hpp), but
// counts as what leaves. Owner: the thread of its simulation.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "bench/fabric/core.hpp"
#include "bench/fabric/network_events.hpp"

namespace braidway::bench::fabric {

class PortMeters {
 public:
  static constexpr Nanoseconds window = 50'000;

  explicit PortMeters(const Core& core) : left_(core.ports.size()), utilisation_(core.ports.size()) {}

  /// A window is over.
  void read(const Core& core, const NetworkEvents& events) {
    for (PortIndex i = 0; i < left_.size(); ++i) {
      const double left = static_cast<double>(core.ports[i].sent_bytes) + events.background_bytes(i);
      const double room = static_cast<double>(events.link_rate(i)) / 8e9 * static_cast<double>(window);
      utilisation_[i] = static_cast<float>(std::clamp((left - left_[i]) / room, 0.0, 1.0));
      left_[i] = left;
    }
  }

  /// Of the last window, 0 to 1.
  [[nodiscard]] float utilisation(PortIndex port) const noexcept { return utilisation_[port]; }

 private:
  std::vector<double> left_;  ///< by port: bytes, until the last reading
  std::vector<float> utilisation_;
};

}  // namespace braidway::bench::fabric
