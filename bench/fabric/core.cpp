#include "bench/fabric/core.hpp"

#include <algorithm>

namespace braidway::bench::fabric {

Core::Core(const Topology& topology, const Config& configuration, Nanoseconds start)
    : config(configuration),
      events(start),
      ports(topology.port_count()),
      random(configuration.seed),
      series(topology.port_count(), start, configuration.series_bin) {
  for (PortIndex index = 0; index < topology.port_count(); ++index) {
    const Link& link = topology.links[index / 2];
    Port& port = ports[index];
    port.node = topology.node_of(index);
    port.peer_node = topology.node_of(peer_of(index));
    port.rate = link.rate;
    port.delay = link.delay;
    port.error_rate = link.error_rate;
    port.free_at = start;
  }
}

bool Core::is_lost(Port& port, const Packet& packet) {
  const bool is_pfc = packet.kind == PacketKind::pfc_pause || packet.kind == PacketKind::pfc_resume;
  // A lost resume would stop a port for ever; real links repeat pauses and forget them.
  if (port.error_rate < 1 && (is_pfc || random.uniform() >= port.error_rate)) return false;
  ++counters.lost;
  if (packet.kind == PacketKind::data) {
    port.last_lost = now();
    if (packet.last) lost_tails.push_back(packet.flow);
  } else if (packet.kind == PacketKind::ack || packet.kind == PacketKind::nak) {
    answer_lost.resize(std::max<std::size_t>(answer_lost.size(), packet.flow + 1));
    std::uint32_t& lost = answer_lost[packet.flow];
    lost = std::max(lost, packet.sequence + (packet.kind == PacketKind::nak ? 1 : 0));
  }
  return true;
}

}  // namespace braidway::bench::fabric
