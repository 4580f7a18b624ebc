#include "bench/fabric/schemes/conweave.hpp"

#include <algorithm>

namespace braidway::bench::fabric {

ConWeave::ConWeave(Fabric& fabric)
    : Scheme({.arrival = true}),
      fabric_(fabric),
      paths_(fabric),
      sources_(fabric.flows().size()),
      sinks_(fabric.flows().size()),
      held_(fabric.topology().node_count()) {
  const std::uint32_t pairs = paths_.leaf_count() * paths_.leaf_count();
  for (std::uint32_t pair = 0; pair < pairs; ++pair) {
    const auto& paths = paths_.paths(pair);
    const Path& path = paths.front();
    Nanoseconds one_way = 0;
    for (std::uint32_t hop = 0; hop < path.hops; ++hop) one_way += fabric.port(path.ports[hop]).delay;
    round_trips_.push_back(2 * one_way);
    paused_until_.emplace_back(paths.size());
  }
}

PortIndex ConWeave::choose(NodeIndex node, Packet& packet, std::span<const PortIndex> /*candidates*/) {
  return paths_.port_at(node, packet, packet.read_tag<DataTag>().path);
}

bool ConWeave::on_arrival(NodeIndex node, PacketIndex index) {
  Packet& packet = fabric_.packet(index);
  if (packet.kind == PacketKind::data) {
    if (paths_.departs(node, packet)) depart(packet);
    return paths_.arrives(node, packet) && arrive(node, index);
  }
  if (packet.kind != PacketKind::control || !paths_.arrives(node, packet)) return false;
  take(packet);
  fabric_.discard(index);
  return true;
}

void ConWeave::depart(Packet& packet) {
  const Nanoseconds now = fabric_.now();
  const std::uint32_t pair = paths_.pair_of(packet.source, packet.destination);
  Source& source = sources_[packet.flow];
  const bool is_new = source.active < 0;
  const bool has_expired = is_new || source.active + expiry < now;
  const bool begins = has_expired || source.stabilized;
  source.stabilized = false;
  source.active = now;

  if (is_new)
    source.path = static_cast<PathNumber>(
        fabric_.random().below(static_cast<std::uint32_t>(paths_.paths(pair).size())));
  if (has_expired) source.path = good_path(pair, source.path);
  DataTag tag{.sent = now, .tail_sent = 0, .epoch = 0, .path = source.path, .phase = 0, .role = Role::usual};
  if (begins) {
    ++source.epoch;
    source.phase = 0;
    source.tail_sent = 0;
    source.deadline = now + round_trips_[pair] + reply_slack;
    tag.role = Role::init;
  } else if (source.deadline < now) {
    // The tail still takes the old path and belongs to phase 0.
    source.phase = 1;
    source.tail_sent = now;
    source.deadline = never;
    source.path = good_path(pair, source.path);
    tag.role = Role::tail;
  } else {
    tag.phase = source.phase;
  }
  tag.epoch = source.epoch;
  tag.tail_sent = source.tail_sent;
  packet.write_tag(tag);
}

PathNumber ConWeave::good_path(std::uint32_t pair, PathNumber otherwise) {
  const auto& paused_until = paused_until_[pair];
  const auto count = static_cast<std::uint32_t>(paused_until.size());
  for (int draw = 0; draw < 2; ++draw) {
    const auto path = static_cast<PathNumber>(fabric_.random().below(count));
    if (paused_until[path] <= fabric_.now()) return path;
  }
  return otherwise;
}

bool ConWeave::arrive(NodeIndex node, PacketIndex index) {
  const Packet& packet = fabric_.packet(index);
  const DataTag tag = packet.read_tag<DataTag>();
  Sink& sink = sinks_[packet.flow];
  if (tag.epoch < sink.epoch) return false;  // a straggler: goes on at once
  const Nanoseconds now = fabric_.now();
  if (tag.epoch > sink.epoch) begin_epoch(sink, tag);
  if (tag.phase == 0) {
    sink.phase0_sent = tag.sent;
    sink.phase0_arrived = now;
    sink.phase0_seen = true;
    // While packets are held, phase 1 begins when they are let go.
    if (tag.role == Role::tail && !sink.holds) sink.phase = 1;
  }
  const bool is_early = tag.phase > sink.phase;
  if (tag.role == Role::tail || tag.phase == 1) sink.tail_sent = tag.tail_sent;

  const Nanoseconds gap =
      sink.phase0_seen ? std::max<Nanoseconds>(sink.tail_sent - sink.phase0_sent, 0) : default_wait;
  if (tag.phase == 0 && sink.holds) {
    set_flush(packet.flow, tag.role == Role::tail ? now + 1 : now + gap + flush_slack);
  } else if (is_early && !sink.holds) {
    sink.holds = true;
    set_flush(packet.flow, (sink.phase0_seen ? sink.phase0_arrived : now) + gap + flush_slack);
  }
  answer(packet, tag);
  if (is_early) {
    hold(index);
    return true;
  }
  fabric_.forward(node, index);
  return true;
}

void ConWeave::begin_epoch(Sink& sink, const DataTag& tag) {
  sink.epoch = tag.epoch;
  sink.phase = 0;
  sink.phase0_seen = false;
}

void ConWeave::answer(const Packet& packet, const DataTag& tag) {
  if (packet.ce) send(packet, {tag.epoch, tag.path, Message::notify});
  if (tag.role == Role::init) send(packet, {tag.epoch, tag.path, Message::init_reply});
  if (tag.role == Role::tail) send(packet, {tag.epoch, tag.path, Message::tail_reply});
}

void ConWeave::send(const Packet& packet, const ControlTag& tag) {
  const PacketIndex index =
      fabric_.make_control(packet.destination, packet.source, packet.destination_port, packet.source_port);
  fabric_.packet(index).flow = packet.flow;
  fabric_.packet(index).write_tag(tag);
  fabric_.forward(fabric_.routing().leaf_of(packet.destination), index);
}

void ConWeave::take(const Packet& packet) {
  const ControlTag tag = packet.read_tag<ControlTag>();
  const Nanoseconds now = fabric_.now();
  if (tag.message == Message::notify) {
    paused_until_[paths_.pair_of(packet.destination, packet.source)][tag.path] = now + path_pause;
    return;
  }
  Source& source = sources_[packet.flow];
  if (tag.epoch != source.epoch) return;
  const bool ends_epoch = tag.message == Message::init_reply
                              ? source.phase == 0 && source.deadline != never && now < source.deadline
                              : source.phase == 1;
  if (!ends_epoch) return;
  source.stabilized = true;
  source.deadline = never;
}

void ConWeave::hold(PacketIndex index) {
  const Packet& packet = fabric_.packet(index);
  std::uint64_t& held = held_[packet.destination];
  held += packet.bytes;
  peak_bytes_ = std::max(peak_bytes_, held);
  sinks_[packet.flow].held.push(fabric_.packets(), index);
}

void ConWeave::set_flush(FlowIndex flow, Nanoseconds at) {
  fabric_.set_timer(std::max(at, fabric_.now()), flow, ++sinks_[flow].timer_setting);
}

void ConWeave::on_timer(std::uint32_t flow, std::uint32_t setting) {
  if (setting == sinks_[flow].timer_setting) flush(flow);
}

void ConWeave::flush(FlowIndex flow) {
  Sink& sink = sinks_[flow];
  const NodeIndex destination = fabric_.flows()[flow].destination;
  sink.holds = false;
  sink.phase = 1;
  while (!sink.held.empty()) {
    const PacketIndex index = sink.held.pop(fabric_.packets());
    held_[destination] -= fabric_.packet(index).bytes;
    fabric_.forward(fabric_.routing().leaf_of(destination), index);
  }
}

}  // namespace braidway::bench::fabric
