// The seam between the simulator and a load-balancing scheme. A scheme is told what it has asked for (Hooks)
// and acts through the Fabric it was made with: it may change the packets it is shown, keep packets outside
// every buffer, send control packets and set timers. The simulator knows no scheme.
// Owner: the thread of its simulation. Hooks do not throw; they are on every packet's way.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "bench/fabric/packet.hpp"
#include "bench/fabric/types.hpp"

namespace braidway::bench::fabric {

class Fabric;

class Scheme {
 public:
  /// What a scheme wants to be told beside choose(), which comes always.
  struct Hooks {
    bool arrival = false;
    bool enqueue = false;
    bool dequeue = false;
    bool send = false;
    bool ack = false;
    bool ideal_order = false;  ///< no hook: receivers take packets in any order (IdealOrder)
    bool utilisation = false;  ///< no hook: switches measure how full their ports are (Fabric::utilisation)
  };

  explicit Scheme(Hooks hooks) noexcept : hooks_(hooks) {}
  virtual ~Scheme() = default;
  Scheme(const Scheme&) = delete;
  Scheme& operator=(const Scheme&) = delete;

  [[nodiscard]] const Hooks& hooks() const noexcept { return hooks_; }

  /// The port a data packet leaves switch `node` by, one of at least two. Other packets go by ECMP.
  virtual PortIndex choose(NodeIndex node, Packet& packet, std::span<const PortIndex> candidates) = 0;
  /// A packet other than PFC has come to switch `node`, before anything else is done with it. True: the
  /// scheme has taken it, and gives it back later by Fabric::forward or enqueue, or drops it by discard.
  virtual bool on_arrival(NodeIndex /*node*/, PacketIndex /*index*/) { return false; }
  /// A data packet has been put into a switch's egress queue.
  virtual void on_enqueue(PortIndex /*port*/, Packet& /*packet*/) {}
  /// A data packet leaves a switch's egress queue, marked or not.
  virtual void on_dequeue(PortIndex /*port*/, Packet& /*packet*/) {}
  /// What was set by Fabric::set_timer.
  virtual void on_timer(std::uint32_t /*a*/, std::uint32_t /*b*/) {}
  /// A host is about to send a data packet.
  virtual void on_send(Packet& /*packet*/) {}
  /// A host has received an ACK or NAK of an unfinished flow.
  virtual void on_ack(const Packet& /*packet*/) {}

  /// The most bytes the scheme held back at once to restore the order of one host's packets.
  [[nodiscard]] virtual std::uint64_t order_peak_bytes() const { return 0; }
  /// What else there is to say of a run, in a line; empty if nothing.
  [[nodiscard]] virtual std::string remarks() const { return {}; }

 private:
  Hooks hooks_;
};

using SchemeFactory = std::unique_ptr<Scheme> (*)(Fabric& fabric);

}  // namespace braidway::bench::fabric
