// The sink half of a gateway in the simulator: restores the order of what comes from other leaves with lb/'s
// order window, and measures the paths it came by for their sources. Owner: the thread of its simulation.
#pragma once

#include <cstdint>
#include <limits>
#include <vector>

#include "bench/fabric/schemes/gateway_wire.hpp"
#include "bench/fabric/schemes/leaf_paths.hpp"
#include "lb/alternate_marking.hpp"
#include "lb/order_window.hpp"

namespace braidway::bench::fabric {

class GatewaySink {
 public:
  GatewaySink(Fabric& fabric, NodeIndex node, std::size_t hosts, std::span<const std::size_t> paths_from);

  /// A data packet from leaf `from`; what may go on to its host does.
  void take(PacketIndex index, std::uint32_t from, const lb::SpraySet& spray_set);
  void take_probe(std::uint32_t from, const ControlTag& tag);
  void take_message(std::uint32_t from, const ControlTag& tag);
  /// Hands on what has waited long enough. Answers whether anything still waits.
  bool poll();
  /// What has been seen of the paths from leaf `from` since the last message; false if nothing.
  bool tell(std::uint32_t from, GatewayMessage& message);

  [[nodiscard]] bool holds() const noexcept { return window_.held_packets() > 0; }
  /// The most bytes held at once of one host's packets.
  [[nodiscard]] std::uint64_t peak_bytes() const noexcept { return peak_bytes_; }
  [[nodiscard]] const lb::OrderCounters& order() const noexcept { return window_.counters(); }

 private:
  struct Meter {
    lb::ReceivedByPeriod received;
    std::uint32_t recent = 0;                                        ///< since the last message
    std::uint64_t bytes = 0;                                         ///< the same
    Nanoseconds delays = 0;                                          ///< of these, summed
    Nanoseconds shortest = std::numeric_limits<Nanoseconds>::max();  ///< the same
    Nanoseconds longest = 0;                                         ///< of these
    Nanoseconds least = std::numeric_limits<Nanoseconds>::max();     ///< delay ever
    Nanoseconds heard = 0;
    Utilisation utilisation = not_told;  ///< by the last that came since the last message
    bool probed = false;
    bool told = false;  ///< a message has come by it
    bool dead = false;
  };

  void greet(std::uint32_t from);
  Meter& meter_of_control(std::uint32_t from, const ControlTag& tag);
  void measure(Meter& meter, const GatewayTag& tag);
  void hand_on(std::size_t count);

  Fabric& fabric_;
  NodeIndex node_;
  lb::OrderWindow window_;
  std::vector<std::vector<Meter>> meters_;  ///< by leaf and path
  std::vector<Nanoseconds> heard_;          ///< by leaf: when anything last came
  std::vector<lb::Lateness> lateness_;      ///< by leaf: as last told
  lb::Lateness all_;                        ///< sum of these
  std::vector<lb::Handle> out_;
  std::vector<std::uint64_t> held_;  ///< bytes by host
  std::uint64_t peak_bytes_ = 0;
};

}  // namespace braidway::bench::fabric
