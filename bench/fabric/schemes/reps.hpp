// REPS (Bonato et al., "Recycled Entropies for Packet Spraying", 2024), its core: ECMP spreads packets by
// their UDP source port; ports that brought an ACK without a mark are used again, once an ACK; else a packet
// has a new one at random. The eight latest are remembered a flow. It needs RNICs that take packets in any
// order, and has them here.
#pragma once

#include <array>
#include <vector>

#include "bench/fabric/fabric.hpp"

namespace braidway::bench::fabric {

class Reps final : public Scheme {
 public:
  explicit Reps(Fabric& fabric)
      : Scheme({.send = true, .ack = true, .ideal_order = true}),
        fabric_(fabric),
        good_(fabric.flows().size()) {}

  PortIndex choose(NodeIndex node, Packet& packet, std::span<const PortIndex> candidates) override {
    return fabric_.ecmp(node, packet, candidates);
  }
  void on_send(Packet& packet) override {
    Ring& ring = good_[packet.flow];
    if (ring.count == 0) {
      packet.source_port = static_cast<std::uint16_t>(fabric_.random().below(1U << 16));
      return;
    }
    packet.source_port = ring.ports[ring.first];
    ring.first = (ring.first + 1) % ring_size;
    --ring.count;
  }
  /// An ACK comes to the UDP port that its packet came from.
  void on_ack(const Packet& packet) override {
    if (packet.ce) return;
    Ring& ring = good_[packet.flow];
    ring.ports[(ring.first + ring.count) % ring_size] = packet.destination_port;
    if (ring.count == ring_size) {
      ring.first = (ring.first + 1) % ring_size;
    } else {
      ++ring.count;
    }
  }

 private:
  static constexpr std::uint32_t ring_size = 8;
  struct Ring {
    std::array<std::uint16_t, ring_size> ports{};
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };

  Fabric& fabric_;
  std::vector<Ring> good_;
};

}  // namespace braidway::bench::fabric
