// Lets what is written in NetworkEvents happen to the ports of a simulation. Load in the background is no
// packets: it takes a share of a port's rate away, so that no gateway sees anything of it but its effect.
// Random times come from a generator of its own, so that all schemes meet the same bursts. How late periodic
// ones are hangs on nothing but the seed and their number, so that an oracle can be told of them before.
// Owner: the thread of its simulation.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bench/fabric/core.hpp"
#include "bench/fabric/network_event.hpp"
#include "bench/fabric/routing.hpp"

namespace braidway::bench::fabric {

class NetworkEvents {
 public:
  /// `core`, `routing` and the events must outlive this. Throws std::invalid_argument for an event that does
  /// not fit the topology.
  NetworkEvents(Core& core, const Topology& topology, const Routing& routing,
                std::span<const NetworkEvent> events);

  /// Schedules them.
  void begin();
  /// A network_event is due. The links' two ports whose pauses are void now; empty for most kinds.
  [[nodiscard]] std::span<const PortIndex> apply(std::uint32_t number);
  /// The truth: the share of a port's rate that periodic bursts take from `from` to `to`, on average.
  [[nodiscard]] double periodic_load(PortIndex port, Nanoseconds from, Nanoseconds to) const;
  /// Of load in the background, what has left by a port until now: for who counts at the port.
  [[nodiscard]] double background_bytes(PortIndex port) const noexcept;
  /// A port's rate with what others take of it, bit/s.
  [[nodiscard]] std::uint64_t link_rate(PortIndex port) const noexcept {
    return conditions_.empty() ? core_->ports[port].rate : conditions_[port].rate;
  }

 private:
  using Kind = NetworkEvent::Kind;

  struct Entry {
    const NetworkEvent* event;
    std::vector<PortIndex> ports;  ///< that it changes
    PortIndex other = nobody;      ///< divert
    bool in_burst = false;         ///< on_off, periodic
    Nanoseconds next_period = 0;   ///< periodic
  };
  /// What a port is without what others take of it.
  struct Condition {
    std::uint64_t rate = 0;
    double loss = 0;
    double taken = 0;  ///< share of the rate
    bool down = false;
    double background = 0;  ///< bytes that others had sent by `since`
    Nanoseconds since = 0;  ///< what is above was last changed
  };

  [[nodiscard]] std::vector<PortIndex> ports_between(NodeIndex from, NodeIndex to, bool both_ways) const;
  void check_divert(const Entry& entry, const Routing& routing) const;
  void check_load() const;
  void burst(std::uint32_t number);
  [[nodiscard]] Nanoseconds lateness(std::size_t number, Nanoseconds period) const;
  [[nodiscard]] double background_since(const Condition& condition) const noexcept;
  Condition& changing(PortIndex port) noexcept;
  void refresh(PortIndex port);
  [[nodiscard]] Nanoseconds exponential(Nanoseconds mean);

  Core* core_;
  const Topology* topology_;
  std::vector<Entry> entries_;
  std::vector<Condition> conditions_;  ///< by port; empty without events
  std::uint64_t seed_;
  Random random_;
};

}  // namespace braidway::bench::fabric
