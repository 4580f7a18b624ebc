// What switches and hosts have in common: the clock and its events, packets, ports and their links, counters.
// Owner: the thread of its simulation.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/fabric/config.hpp"
#include "bench/fabric/event_queue.hpp"
#include "bench/fabric/packet.hpp"
#include "bench/fabric/port_series.hpp"
#include "bench/fabric/random.hpp"
#include "bench/fabric/scheme.hpp"
#include "bench/fabric/switch_buffer.hpp"
#include "bench/fabric/topology.hpp"
#include "bench/fabric/types.hpp"

namespace braidway::bench::fabric {

/// One end of a link: it sends to its peer, and at a switch accounts for what came in from there.
struct Port {
  NodeIndex node = 0;
  NodeIndex peer_node = 0;
  std::uint64_t rate = 0;  ///< bit/s; may change during a run
  Nanoseconds delay = 0;
  double error_rate = 0;

  Nanoseconds free_at = 0;       ///< when what it sends now is sent
  bool will_be_free = false;     ///< a port_free event is scheduled
  bool paused = false;           ///< data waits, told by the peer
  Nanoseconds paused_at = 0;     ///< since
  Nanoseconds paused_until = 0;  ///< leaky PFC only
  PacketFifo pfc;                ///< before everything else
  PacketFifo high;               ///< ACK, NAK, control
  PacketFifo data;               ///< at switches; hosts make data as they send it
  std::uint64_t high_bytes = 0;
  std::uint64_t data_bytes = 0;
  std::uint64_t sent_bytes = 0;
  PortIndex diverted_to = nobody;  ///< packets for this port go there
  Nanoseconds last_lost = -1;      ///< when data was last sent that the link lost

  IngressUse ingress;
  bool has_paused_peer = false;
  Nanoseconds peer_paused_until = 0;  ///< leaky PFC only

  [[nodiscard]] bool idle() const noexcept { return pfc.empty() && high.empty() && data.empty(); }
  /// Bytes that wait to be sent, but for PFC.
  [[nodiscard]] std::uint64_t queued() const noexcept { return high_bytes + data_bytes; }
};

struct Counters {
  std::uint64_t hops = 0;           ///< packets that left a port
  std::uint64_t out_of_order = 0;   ///< data that came to a host before its predecessor
  std::uint64_t retransmitted = 0;  ///< data packets sent again
  std::uint64_t timeouts = 0;       ///< of retransmission
  std::uint64_t naks = 0;
  std::uint64_t cnps = 0;             ///< ACKs and NAKs that carry a CNP because the packet was marked
  std::uint64_t pfc_frames = 0;       ///< pauses and resumes that arrived
  std::uint64_t dropped = 0;          ///< at full buffers
  std::uint64_t lost = 0;             ///< by links
  Nanoseconds switch_pause_time = 0;  ///< of ports between switches, summed
};

struct Core {
  Core(const Topology& topology, const Config& configuration, Nanoseconds start);

  [[nodiscard]] Nanoseconds now() const noexcept { return events.now(); }
  /// Sends a packet on a free port.
  void put_on_link(PortIndex index, PacketIndex packet) {
    Port& port = ports[index];
    const std::uint32_t bytes = packets[packet].bytes;
    port.free_at = now() + transmission_time(bytes, port.rate);
    port.sent_bytes += bytes;
    ++counters.hops;
    if (series.enabled() && packets[packet].kind == PacketKind::data) series.add(index, now(), bytes);
    if (port.error_rate > 0 && is_lost(port, packets[packet])) {
      packets.give_back(packet);
      return;
    }
    events.schedule(port.free_at + port.delay, {EventKind::arrival, packet, peer_of(index)});
  }
  /// Whether a link that loses packets loses this one; takes it down if so.
  bool is_lost(Port& port, const Packet& packet);
  /// Schedules port_free for when a busy port is done.
  void await_free(PortIndex index) {
    Port& port = ports[index];
    if (port.will_be_free) return;
    port.will_be_free = true;
    events.schedule(port.free_at, {EventKind::port_free, index, 0});
  }

  const Config config;
  EventQueue events;
  PacketPool packets;
  std::vector<Port> ports;
  Random random;
  Counters counters;
  PortSeries series;
  /// Flows whose last packet a link lost, each time it did, and those that timed out because it lost the last
  /// answer.
  std::vector<FlowIndex> lost_tails;
  /// By flow: the most bytes that an answer acknowledged which a link lost; for a NAK, which also asks, one
  /// more.
  std::vector<std::uint32_t> answer_lost;
  Scheme* scheme = nullptr;  ///< set before the first event
};

}  // namespace braidway::bench::fabric
