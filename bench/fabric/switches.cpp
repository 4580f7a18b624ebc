#include "bench/fabric/switches.hpp"

#include <stdexcept>
#include <string>
namespace braidway::bench::fabric {

Switches::Switches(Core& core, const Topology& topology, const Routing& routing)
    : core_(&core),
      routing_(&routing),
      buffers_(topology.node_count()),
      hash_seed_(static_cast<std::uint32_t>((core.config.seed - 1) * 0x9e37'79b9U)) {
  for (NodeIndex node = 0; node < topology.node_count(); ++node) {
    if (!topology.is_switch[node]) continue;
    const auto ports = routing.ports_of(node);
    std::uint64_t headrooms = 0;
    for (const PortIndex index : ports) {
      Port& port = core.ports[index];
      port.ingress.headroom_limit = headroom_bytes(port.rate, port.delay);
      headrooms += port.ingress.headroom_limit;
    }
    const std::uint64_t required = SwitchBuffer::required(ports.size(), headrooms);
    if (core.config.buffer_bytes <= required) {
      throw std::invalid_argument("a buffer of " + std::to_string(core.config.buffer_bytes) +
                                  " bytes is too small for switch " + std::to_string(node) + ": its " +
                                  std::to_string(ports.size()) + " ports reserve " +
                                  std::to_string(required));
    }
    buffers_[node] = SwitchBuffer{core.config.buffer_bytes, ports.size(), headrooms};
  }
}

void Switches::forward(NodeIndex node, PacketIndex index) {
  Packet& packet = core_->packets[index];
  const auto candidates = routing_->candidates(node, packet.destination);
  PortIndex out = candidates.front();
  if (candidates.size() > 1) {
    out = packet.kind == PacketKind::data ? core_->scheme->choose(node, packet, candidates)
                                          : ecmp(node, packet, candidates);
  }
  enqueue(out, index);
}

void Switches::enqueue(PortIndex out, PacketIndex index) {
  if (core_->ports[out].diverted_to != nobody) out = core_->ports[out].diverted_to;
  Packet& packet = core_->packets[index];
  Port& port = core_->ports[out];
  if (packet.kind != PacketKind::data) {
    port.high.push(core_->packets, index);
    port.high_bytes += packet.bytes;
    send_next(out);
    return;
  }
  SwitchBuffer& buffer = buffers_[port.node];
  IngressUse& ingress = core_->ports[packet.ingress].ingress;
  if (!buffer.admits(ingress, port.data_bytes, packet.bytes, core_->config.pfc != PfcMode::proper)) {
    ++core_->counters.dropped;
    core_->packets.give_back(index);
    return;
  }
  buffer.enter(ingress, port.data_bytes, packet.bytes);
  check_pause(packet.ingress);
  port.data.push(core_->packets, index);
  port.data_bytes += packet.bytes;
  if (core_->scheme->hooks().enqueue) core_->scheme->on_enqueue(out, packet);
  send_next(out);
}

void Switches::leave(PortIndex out, Packet& packet) {
  Port& port = core_->ports[out];
  Port& ingress = core_->ports[packet.ingress];
  buffers_[port.node].leave(ingress.ingress, port.data_bytes, packet.bytes);
  port.data_bytes -= packet.bytes;
  const double probability = core_->config.ecn.mark_probability(SwitchBuffer::pool_part(port.data_bytes));
  if (probability > 0 && (probability >= 1 || core_->random.uniform() < probability)) packet.ce = true;
  if (ingress.has_paused_peer) check_resume(packet.ingress);
  if (core_->scheme->hooks().dequeue) core_->scheme->on_dequeue(out, packet);
}

void Switches::send_next(PortIndex index) {
  Port& port = core_->ports[index];
  if (core_->now() < port.free_at) {
    core_->await_free(index);
    return;
  }
  PacketIndex next = nobody;
  if (!port.pfc.empty()) {
    next = port.pfc.pop(core_->packets);
  } else if (!port.high.empty()) {
    next = port.high.pop(core_->packets);
    port.high_bytes -= core_->packets[next].bytes;
  } else if (!port.data.empty() && !port.paused) {
    next = port.data.pop(core_->packets);
    leave(index, core_->packets[next]);
  } else {
    return;
  }
  core_->put_on_link(index, next);
  if (!port.idle()) core_->await_free(index);
}

void Switches::check_pause(PortIndex index) {
  if (core_->config.pfc == PfcMode::off) return;
  Port& port = core_->ports[index];
  if (!buffers_[port.node].must_pause(port.ingress)) {
    if (port.has_paused_peer) check_resume(index);
    return;
  }
  if (core_->config.pfc == PfcMode::proper && port.has_paused_peer) return;
  port.has_paused_peer = true;
  port.peer_paused_until = core_->now() + core_->config.leaky_pause;
  send_pfc(index, PacketKind::pfc_pause);
}

void Switches::check_resume(PortIndex index) {
  Port& port = core_->ports[index];
  if (core_->config.pfc == PfcMode::leaky && core_->now() >= port.peer_paused_until) {
    port.has_paused_peer = false;
    return;
  }
  // Properly paused, a port that holds its minimum only is always resumed: its last packet's leaving is the
  // last occasion, however full the others have made the buffer.
  const bool drained =
      core_->config.pfc == PfcMode::proper && port.ingress.bytes <= SwitchBuffer::ingress_minimum;
  if (!drained && !buffers_[port.node].may_resume(port.ingress)) return;
  port.has_paused_peer = false;
  send_pfc(index, PacketKind::pfc_resume);
}

void Switches::send_pfc(PortIndex index, PacketKind kind) {
  const PacketIndex frame = core_->packets.take();
  Packet& packet = core_->packets[frame];
  packet.flow = nobody;
  packet.kind = kind;
  packet.bytes = pfc_bytes;
  core_->ports[index].pfc.push(core_->packets, frame);
  send_next(index);
}

}  // namespace braidway::bench::fabric
