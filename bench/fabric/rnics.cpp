#include "bench/fabric/rnics.hpp"

#include <algorithm>
#include <limits>

namespace braidway::bench::fabric {

Rnics::Rnics(Core& core, const Topology& topology, const Routing& routing, std::span<const Flow> flows)
    : core_(&core),
      routing_(&routing),
      flows_(flows),
      hosts_(topology.node_count()),
      ideal_order_(core.packets, flows.size(), topology.node_count()) {
  pairs_.reserve(flows.size());
  for (const Flow& flow : flows) pairs_.emplace_back(core.ports[port_of(flow.source)].rate);
  completed_.reserve(flows.size());
}

void Rnics::start(FlowIndex flow) {
  QueuePair& pair = pairs_[flow];
  progressed_at_ = pair.started_at = pair.progressed_at = pair.due = core_->now();
  if (reads()) return request(flow);
  insert_sendable(flow);
  send_next(port_of(flows_[flow].source));
}

void Rnics::receive(PortIndex port, PacketIndex index) {
  const PacketKind kind = core_->packets[index].kind;
  if (kind == PacketKind::data) return receive_data(port, index);
  if (kind != PacketKind::control) receive_ack(port, core_->packets[index]);
  core_->packets.give_back(index);
}

void Rnics::send_next(PortIndex index) {
  Port& port = core_->ports[index];
  if (core_->now() < port.free_at) {
    core_->await_free(index);
    return;
  }
  Host& host = hosts_[port.node];
  PacketIndex next = nobody;
  if (!port.high.empty()) {
    next = port.high.pop(core_->packets);
    port.high_bytes -= core_->packets[next].bytes;
  } else if (!port.paused) {
    next = take_due(host);
  }
  if (next == nobody) {
    set_wake(host, index);
    return;
  }
  core_->put_on_link(index, next);
  if (!port.high.empty() || !host.sendable.empty()) core_->await_free(index);
}

PacketIndex Rnics::take_due(Host& host) {
  const auto count = host.sendable.size();
  const auto after = static_cast<std::size_t>(
      std::upper_bound(host.sendable.begin(), host.sendable.end(), host.last_served,
                       [](FlowIndex flow, const Sendable& entry) { return flow < entry.flow; }) -
      host.sendable.begin());
  for (std::size_t i = after; i < count; ++i) {
    if (host.sendable[i].due <= core_->now()) return make_data(host, i);
  }
  for (std::size_t i = 0; i < after; ++i) {
    if (host.sendable[i].due <= core_->now()) return make_data(host, i);
  }
  return nobody;
}

PacketIndex Rnics::make_data(Host& host, std::size_t place) {
  const FlowIndex number = host.sendable[place].flow;
  const Flow& flow = flows_[number];
  QueuePair& pair = pairs_[number];
  const PacketIndex index = core_->packets.take();
  Packet& packet = core_->packets[index];
  packet.flow = number;
  packet.sequence = pair.next;
  packet.source = flow.source;
  packet.destination = flow.destination;
  packet.source_port = flow.source_port;
  packet.destination_port = flow.destination_port;
  packet.payload = static_cast<std::uint16_t>(std::min(payload_bytes, flow.bytes - pair.next));
  packet.bytes = static_cast<std::uint16_t>(packet.payload + header_bytes);
  packet.kind = PacketKind::data;
  packet.last = pair.next + packet.payload == flow.bytes;
  if (pair.next < pair.highest) ++core_->counters.retransmitted;
  pair.next += packet.payload;
  pair.highest = std::max(pair.highest, pair.next);
  leave_gap(pair);
  pair.due = core_->now() + static_cast<Nanoseconds>(packet.bytes * 8e9 / pair.dcqcn.rate());
  if (!reads()) set_timeout(number);
  host.last_served = number;
  if (pair.next == flow.bytes) {
    host.sendable.erase(host.sendable.begin() + static_cast<std::ptrdiff_t>(place));
  } else {
    host.sendable[place].due = pair.due;
  }
  if (core_->scheme->hooks().send) core_->scheme->on_send(packet);
  return index;
}

void Rnics::set_wake(Host& host, PortIndex port) {
  if (host.wake_set) return;
  Nanoseconds first = std::numeric_limits<Nanoseconds>::max();
  for (const Sendable& entry : host.sendable) {
    if (entry.due > core_->now()) first = std::min(first, entry.due);
  }
  if (first == std::numeric_limits<Nanoseconds>::max()) return;
  host.wake_set = true;
  core_->events.schedule(first, {EventKind::host_wake, port, 0});
}

void Rnics::wake(PortIndex port) {
  hosts_[core_->ports[port].node].wake_set = false;
  send_next(port);
}

void Rnics::receive_data(PortIndex port, PacketIndex index) {
  const Packet packet = core_->packets[index];
  QueuePair& pair = pairs_[packet.flow];
  const std::uint32_t expected = pair.expected;
  const bool is_early = packet.sequence > expected;
  const bool any_order = core_->scheme->hooks().ideal_order;
  if (any_order || repeats_selectively()) {
    pair.expected = ideal_order_.take(index, expected);
  } else {
    core_->packets.give_back(index);
    if (!is_early) pair.expected = std::max(expected, packet.sequence + packet.payload);
  }
  if (reads() && pair.expected > expected) {
    progress(packet.flow);
    if (pair.expected == flows_[packet.flow].bytes) return complete(packet.flow);
    set_timeout(packet.flow);
  }
  if (any_order) return acknowledge(port, packet);
  if (is_early) ++core_->counters.out_of_order;
  if (repeats_selectively() && ideal_order_.first_kept(packet.flow) != nobody) {
    return receive_beside_gap(port, packet);
  }
  if (is_early) return receive_early(port, packet);
  acknowledge(port, packet);
}

/// A packet came before its predecessors.
void Rnics::receive_early(PortIndex port, const Packet& packet) {
  QueuePair& pair = pairs_[packet.flow];
  if (core_->now() < pair.next_nak && pair.missing_told == pair.expected) return;
  pair.next_nak = core_->now() + core_->config.nak_interval;
  pair.missing_told = pair.expected;
  ++core_->counters.naks;
  answer(port, packet, PacketKind::nak, pair.expected);
}

/// Selective repeat: there is a gap before what is kept. It is told once, whatever of it has come since.
void Rnics::receive_beside_gap(PortIndex port, const Packet& packet) {
  QueuePair& pair = pairs_[packet.flow];
  const std::uint32_t gap_end = ideal_order_.first_kept(packet.flow);
  if (pair.missing_told == gap_end) return acknowledge(port, packet);
  pair.missing_told = gap_end;
  ++core_->counters.naks;
  constexpr std::uint32_t most = std::numeric_limits<std::uint16_t>::max();
  const auto missing = std::min(most, (gap_end - pair.expected) / payload_bytes);
  answer(port, packet, PacketKind::nak, pair.expected, static_cast<std::uint16_t>(missing));
}

void Rnics::acknowledge(PortIndex port, const Packet& packet) {
  if (reads() && !packet.ce) return;
  answer(port, packet, PacketKind::ack, pairs_[packet.flow].expected);
}

void Rnics::request(FlowIndex number) {
  const Flow& flow = flows_[number];
  Packet asked{};
  asked.flow = number;
  asked.source = flow.source;
  asked.destination = flow.destination;
  asked.source_port = flow.source_port;
  asked.destination_port = flow.destination_port;
  set_timeout(number);
  answer(port_of(flow.destination), asked, PacketKind::nak, pairs_[number].expected);
}

void Rnics::answer(PortIndex port, const Packet& packet, PacketKind kind, std::uint32_t expected,
                   std::uint16_t missing) {
  const PacketIndex index = core_->packets.take();
  Packet& ack = core_->packets[index];
  ack.flow = packet.flow;
  ack.sequence = expected;
  ack.source = packet.destination;
  ack.destination = packet.source;
  ack.source_port = packet.destination_port;
  ack.destination_port = packet.source_port;
  ack.bytes = ack_bytes;
  ack.kind = kind;
  ack.ce = packet.ce;
  const bool is_nak = kind == PacketKind::nak;
  ack.cnp = packet.ce || (is_nak && !reads() && !repeats_selectively());
  ack.payload = missing;
  if (packet.ce) ++core_->counters.cnps;
  core_->ports[port].high.push(core_->packets, index);
  core_->ports[port].high_bytes += ack.bytes;
  send_next(port);
}

void Rnics::receive_ack(PortIndex port, const Packet& packet) {
  QueuePair& pair = pairs_[packet.flow];
  if (pair.completed) return;
  if (core_->scheme->hooks().ack) core_->scheme->on_ack(packet);
  if (packet.sequence > pair.acknowledged) {
    pair.acknowledged = packet.sequence;
    if (!reads()) progress(packet.flow);
    // What a NAK made the sender go back for may have been on its way all the same.
    if (pair.next < pair.acknowledged) {
      pair.next = pair.acknowledged;
      leave_gap(pair);
      if (pair.next == flows_[packet.flow].bytes) remove_sendable(packet.flow);
    }
  }
  if (pair.acknowledged == flows_[packet.flow].bytes) {
    complete(packet.flow);
  } else {
    if (!reads() && pair.next > pair.acknowledged) set_timeout(packet.flow);
    if (packet.kind == PacketKind::nak) recover(packet);
    if (packet.cnp) {
      const Nanoseconds cut_at = pair.dcqcn.on_cnp(core_->now());
      if (cut_at != 0) core_->events.schedule(cut_at, {EventKind::rate_cut, packet.flow, 0});
    }
  }
  send_next(port);
}

void Rnics::insert_sendable(FlowIndex flow) {
  auto& sendable = hosts_[flows_[flow].source].sendable;
  const auto place =
      std::upper_bound(sendable.begin(), sendable.end(), flow,
                       [](FlowIndex number, const Sendable& entry) { return number < entry.flow; });
  sendable.insert(place, {flow, pairs_[flow].due});
}

void Rnics::remove_sendable(FlowIndex flow) {
  std::erase_if(hosts_[flows_[flow].source].sendable,
                [flow](const Sendable& entry) { return entry.flow == flow; });
}

void Rnics::progress(FlowIndex flow) {
  QueuePair& pair = pairs_[flow];
  pair.longest_stall = std::max(pair.longest_stall, core_->now() - pair.progressed_at);
  progressed_at_ = pair.progressed_at = core_->now();
}

void Rnics::complete(FlowIndex flow) {
  pairs_[flow].completed = true;
  pairs_[flow].completed_at = core_->now();
  completed_.push_back(flow);
}

/// What a NAK or a READ request wants sent.
void Rnics::recover(const Packet& nak) {
  QueuePair& pair = pairs_[nak.flow];
  if (reads() && !pair.responds) {
    pair.responds = true;
    pair.due = core_->now();
    return insert_sendable(nak.flow);
  }
  if (!repeats_selectively() || nak.payload == 0) return go_back(nak.flow);
  if (nak.sequence < pair.acknowledged) return;
  go_back(nak.flow);
  pair.gap_end = std::min(pair.highest, nak.sequence + nak.payload * payload_bytes);
}

/// Behind a gap that has been filled, goes on with what was never sent.
void Rnics::leave_gap(QueuePair& pair) {
  if (pair.gap_end == nobody || pair.next < pair.gap_end) return;
  pair.next = pair.highest;
  pair.gap_end = nobody;
}

void Rnics::go_back(FlowIndex flow) {
  QueuePair& pair = pairs_[flow];
  pair.gap_end = nobody;
  const bool was_sendable = pair.next < flows_[flow].bytes;
  pair.next = pair.acknowledged;
  if (!was_sendable) insert_sendable(flow);
}

void Rnics::set_timeout(FlowIndex flow) {
  QueuePair& pair = pairs_[flow];
  pair.timeout_at = core_->now() + core_->config.retransmission_timeout;
  if (pair.timer_set) return;
  pair.timer_set = true;
  core_->events.schedule(pair.timeout_at, {EventKind::retransmit, flow, 0});
}

void Rnics::retransmit(FlowIndex flow) {
  QueuePair& pair = pairs_[flow];
  pair.timer_set = false;
  if (pair.completed) return;
  if (core_->now() < pair.timeout_at) {
    // Sent or acknowledged since it was set.
    pair.timer_set = true;
    core_->events.schedule(pair.timeout_at, {EventKind::retransmit, flow, 0});
    return;
  }
  ++core_->counters.timeouts;
  if (flow < core_->answer_lost.size() && core_->answer_lost[flow] > pair.acknowledged) {
    core_->lost_tails.push_back(flow);
  }
  if (reads()) return request(flow);
  go_back(flow);
  send_next(port_of(flows_[flow].source));
}

void Rnics::cut_rate(FlowIndex flow) {
  QueuePair& pair = pairs_[flow];
  if (pair.completed) return;
  const Nanoseconds raise_at = pair.dcqcn.on_cut_check(core_->now());
  if (pair.raise_set) return;
  pair.raise_set = true;
  core_->events.schedule(raise_at, {EventKind::rate_raise, flow, 0});
}

void Rnics::raise_rate(FlowIndex flow) {
  QueuePair& pair = pairs_[flow];
  if (pair.completed) return;
  core_->events.schedule(pair.dcqcn.on_raise(core_->now()), {EventKind::rate_raise, flow, 0});
}

}  // namespace braidway::bench::fabric
