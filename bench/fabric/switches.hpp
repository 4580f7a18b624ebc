// Output-queued switches with a shared buffer: routing, admission, ECN, PFC.
// Two priorities: data waits while the port is paused or anything of the high priority waits.
// Owner: the thread of its simulation.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/fabric/core.hpp"
#include "bench/fabric/ecmp_hash.hpp"
#include "bench/fabric/routing.hpp"
#include "bench/fabric/switch_buffer.hpp"

namespace braidway::bench::fabric {

class Switches {
 public:
  /// Throws std::invalid_argument if the configured buffer is too small for a switch's ports.
  Switches(Core& core, const Topology& topology, const Routing& routing);

  /// A packet other than PFC has come in by `port`.
  void receive(PortIndex port, PacketIndex index) {
    Packet& packet = core_->packets[index];
    packet.ingress = port;
    const NodeIndex node = core_->ports[port].node;
    if (core_->scheme->hooks().arrival && core_->scheme->on_arrival(node, index)) return;
    forward(node, index);
  }
  /// Routes a packet that is at `node`, and queues it.
  void forward(NodeIndex node, PacketIndex index);
  /// Queues a packet at one of its switch's ports, or drops it.
  void enqueue(PortIndex out, PacketIndex index);
  /// Sends the next packet if there is one and the port is free; else sees to it that it will.
  void send_next(PortIndex index);

  /// A switch's hash of a packet's addresses and UDP ports.
  [[nodiscard]] std::uint32_t hash(NodeIndex node, const Packet& packet) const noexcept {
    return ecmp_hash(packet, node + hash_seed_);
  }
  /// The port ECMP would choose for a packet.
  [[nodiscard]] PortIndex ecmp(NodeIndex node, const Packet& packet,
                               std::span<const PortIndex> candidates) const noexcept {
    return candidates[hash(node, packet) % candidates.size()];
  }
  [[nodiscard]] const SwitchBuffer& buffer(NodeIndex node) const noexcept { return buffers_[node]; }

 private:
  void leave(PortIndex out, Packet& packet);
  void check_pause(PortIndex ingress);
  void check_resume(PortIndex ingress);
  void send_pfc(PortIndex port, PacketKind kind);

  Core* core_;
  const Routing* routing_;
  std::vector<SwitchBuffer> buffers_;  ///< by node; hosts have none
  std::uint32_t hash_seed_;
};

}  // namespace braidway::bench::fabric
