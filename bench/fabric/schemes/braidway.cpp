#include "bench/fabric/schemes/braidway.hpp"

#include <algorithm>
#include <ostream>

namespace braidway::bench::fabric {
namespace {

/// Timers carry what they are in the upper bits of their first number.
constexpr unsigned timer_shift = 28;

/// Tunnels differ in their outer source port.
constexpr std::uint16_t first_tunnel_port = 49'152;

}  // namespace

Braidway::Braidway(Fabric& fabric, const GatewayConfig& config)
    : Scheme({.arrival = true,
              .dequeue = config.foresight != nullptr,
              .utilisation = config.foresight != nullptr}),
      fabric_(fabric),
      config_(config),
      paths_(fabric),
      nodes_(paths_.leaf_count()),
      a_host_(paths_.leaf_count()),
      leaf_at_(fabric.topology().node_count(), nobody),
      polling_(paths_.leaf_count()),
      conversations_(std::size_t{paths_.leaf_count()} * paths_.leaf_count()),
      lane_busy_until_(std::size_t{paths_.leaf_count()} * config.build.lanes) {
  std::vector<std::size_t> hosts(paths_.leaf_count());
  for (const NodeIndex host : fabric.routing().hosts()) {
    const std::uint32_t leaf = paths_.leaf_of(host);
    nodes_[leaf] = fabric.routing().leaf_of(host);
    leaf_at_[nodes_[leaf]] = leaf;
    a_host_[leaf] = host;
    ++hosts[leaf];
  }
  for (std::uint32_t leaf = 0; leaf < paths_.leaf_count(); ++leaf) {
    sources_.emplace_back(fabric, paths_, leaf, config);
    std::vector<std::size_t> from;
    from.reserve(paths_.leaf_count());
    for (std::uint32_t other = 0; other < paths_.leaf_count(); ++other)
      from.push_back(path_count(other, leaf));
    sinks_.emplace_back(fabric, nodes_[leaf], hosts[leaf], from);
    if (config.foresight) set_timer(Timer::tick, leaf, 0, 0);
  }
}

std::size_t Braidway::path_count(std::uint32_t from, std::uint32_t to) const {
  if (from == to) return 0;
  return config_.at_edge ? config_.build.tunnels : paths_.paths(from * paths_.leaf_count() + to).size();
}

PortIndex Braidway::choose(NodeIndex node, Packet& packet, std::span<const PortIndex> candidates) {
  const auto tag = packet.read_tag<GatewayTag>();
  if (!config_.at_edge) return paths_.port_at(node, packet, tag.path);
  Packet outer = packet;
  outer.source = a_host_[paths_.leaf_of(packet.source)];
  outer.destination = a_host_[paths_.leaf_of(packet.destination)];
  outer.source_port = static_cast<std::uint16_t>(first_tunnel_port + tag.path);
  outer.destination_port = message_port;
  return fabric_.ecmp(node, outer, candidates);
}

bool Braidway::on_arrival(NodeIndex node, PacketIndex index) {
  Packet& packet = fabric_.packet(index);
  if (packet.kind == PacketKind::control) return arrive_control(node, index);
  if (packet.kind != PacketKind::data) return arrive_ack(node, index);
  if (paths_.departs(node, packet)) return depart(node, index);
  if (!paths_.arrives(node, packet)) return false;
  const std::uint32_t leaf = paths_.leaf_of(packet.destination);
  const std::uint32_t from = paths_.leaf_of(packet.source);
  watch_source(leaf, from);
  sinks_[leaf].take(index, from, sources_[from].spray_set(leaf, packet.flow));
  watch(leaf);
  return true;
}

/// ACKs and NAKs of a flow keep to one path. They have a priority of their own, so that they are in order by
/// themselves, and the data's delays cannot be measured by them.
bool Braidway::arrive_ack(NodeIndex node, PacketIndex index) {
  Packet& packet = fabric_.packet(index);
  if (paths_.leaf_of(packet.source) == paths_.leaf_of(packet.destination)) return false;
  if (paths_.arrives(node, packet)) {
    if (packet.kind == PacketKind::nak) sources_[leaf_at_[node]].take_nak(paths_.leaf_of(packet.source));
    return false;
  }
  if (paths_.departs(node, packet)) {
    watch_paths(leaf_at_[node], paths_.leaf_of(packet.destination));
    packet.write_tag(sources_[leaf_at_[node]].steer(packet));
  }
  fabric_.enqueue(choose(node, packet, fabric_.routing().candidates(node, packet.destination)), index);
  return true;
}

bool Braidway::depart(NodeIndex node, PacketIndex index) {
  Packet& packet = fabric_.packet(index);
  const std::uint32_t leaf = leaf_at_[node];
  watch_paths(leaf, paths_.leaf_of(packet.destination));
  if (config_.build.lane_jitter == 0) {
    packet.write_tag(sources_[leaf].steer(packet));
    return false;
  }
  // A lane comes round to its packets when it does, all that wait at once.
  Nanoseconds& busy_until =
      lane_busy_until_[leaf * config_.build.lanes + sources_[leaf].lane_of(packet.flow)];
  if (busy_until <= fabric_.now()) {
    busy_until =
        fabric_.now() + fabric_.random().below(static_cast<std::uint32_t>(config_.build.lane_jitter) + 1);
  }
  fabric_.set_timer(busy_until, static_cast<std::uint32_t>(Timer::lane) << timer_shift | node, index);
  return true;
}

void Braidway::set_timer(Timer what, std::uint32_t who, std::uint32_t which, Nanoseconds after) {
  fabric_.set_timer(fabric_.now() + after, static_cast<std::uint32_t>(what) << timer_shift | who, which);
}

void Braidway::on_timer(std::uint32_t what, std::uint32_t which) {
  const std::uint32_t who = what & ((1U << timer_shift) - 1);
  switch (static_cast<Timer>(what >> timer_shift)) {
    case Timer::message:
      return tell(who, which);
    case Timer::check:
      return check(who, which);
    case Timer::poll:
      polling_[who] = false;
      sinks_[who].poll();
      return watch(who);
    case Timer::tick:
      sources_[who].foresee();
      return set_timer(Timer::tick, who, 0, tick_interval);
    case Timer::lane: {
      Packet& packet = fabric_.packet(which);
      packet.write_tag(sources_[leaf_at_[who]].steer(packet));
      return fabric_.forward(who, which);
    }
  }
}

/// Sees to it that the paths of a peer that is sent to are.
void Braidway::watch_paths(std::uint32_t leaf, std::uint32_t peer) {
  Conversation& conversation = this->conversation(leaf, peer);
  if (conversation.will_check) return;
  conversation.will_check = true;
  set_timer(Timer::check, leaf, peer, check_interval);
}

/// Sees to it that a source that is heard is told so.
void Braidway::watch_source(std::uint32_t leaf, std::uint32_t from) {
  Conversation& conversation = this->conversation(leaf, from);
  if (conversation.will_tell) return;
  conversation.will_tell = true;
  set_timer(Timer::message, leaf, from, message_interval);
}

/// Sees to it that what the sink holds is looked at again.
void Braidway::watch(std::uint32_t leaf) {
  if (polling_[leaf] || !sinks_[leaf].holds()) return;
  polling_[leaf] = true;
  set_timer(Timer::poll, leaf, 0, poll_interval);
}

void Braidway::tell(std::uint32_t leaf, std::uint32_t peer) {
  std::uint32_t place = static_cast<std::uint32_t>(messages_.size());
  if (free_messages_.empty()) {
    messages_.emplace_back();
  } else {
    place = free_messages_.back();
    free_messages_.pop_back();
  }
  const bool heard = sinks_[leaf].tell(peer, messages_[place]);
  conversation(leaf, peer).will_tell = heard;
  if (!heard) {
    free_messages_.push_back(place);
    return;
  }
  set_timer(Timer::message, leaf, peer, message_interval);
  // By one path after the other, or none would arrive when the one they took is dead.
  std::uint16_t& path = conversation(leaf, peer).message_path;
  const auto paths = static_cast<std::uint16_t>(path_count(leaf, peer));
  for (std::uint16_t tried = 0; tried < paths; ++tried) {
    path = static_cast<std::uint16_t>((path + 1) % paths);
    if (sources_[leaf].usable(peer, path)) break;
  }
  send(leaf, peer, {.kind = ControlKind::message, .path = path, .message = place},
       message_bytes(messages_[place].receipts.size()));
}

void Braidway::check(std::uint32_t leaf, std::uint32_t peer) {
  Conversation& conversation = this->conversation(leaf, peer);
  conversation.will_check = sources_[leaf].check(peer);
  if (!conversation.will_check) return;
  set_timer(Timer::check, leaf, peer, check_interval);
  if (fabric_.now() < conversation.next_probe) return;
  conversation.next_probe = fabric_.now() + sources_[leaf].probe_interval();
  const auto paths = static_cast<std::uint16_t>(path_count(leaf, peer));
  for (std::uint16_t path = 0; path < paths; ++path) {
    if (sources_[leaf].wants_probe(peer, path)) {
      sources_[leaf].probed(peer, path);
      send(leaf, peer, {.kind = ControlKind::probe, .path = path}, control_bytes);
    }
  }
}

void Braidway::send(std::uint32_t leaf, std::uint32_t peer, const ControlTag& tag, std::uint16_t bytes) {
  const PacketIndex index = fabric_.make_control(
      a_host_[leaf], a_host_[peer], static_cast<std::uint16_t>(first_tunnel_port + tag.path), message_port);
  fabric_.packet(index).bytes = bytes;
  fabric_.packet(index).write_tag(tag);
  if (!arrive_control(nodes_[leaf], index)) fabric_.forward(nodes_[leaf], index);
}

bool Braidway::arrive_control(NodeIndex node, PacketIndex index) {
  Packet& packet = fabric_.packet(index);
  auto tag = packet.read_tag<ControlTag>();
  const std::uint32_t from = paths_.leaf_of(packet.source);
  const std::uint32_t to = paths_.leaf_of(packet.destination);
  if (nodes_[to] == node) {
    // Either shows that its path is there; messages about messages would never end.
    if (tag.kind == ControlKind::message) {
      sinks_[to].take_message(from, tag);
      sources_[to].receive(from, messages_[tag.message]);
      free_messages_.push_back(tag.message);
    } else {
      sinks_[to].take_probe(from, tag);
      watch_source(to, from);
    }
    fabric_.discard(index);
    return true;
  }
  // At the edge its UDP ports are a tunnel's: ECMP takes it the tunnel's way.
  if (config_.at_edge) return false;
  const PortIndex port = paths_.port_at(node, packet, tag.path);
  if (config_.foresight) {
    tag.utilisation = fuller(tag.utilisation, fabric_.utilisation(port));
    packet.write_tag(tag);
  }
  fabric_.enqueue(port, index);
  return true;
}

/// The hop tells how full its port is.
void Braidway::on_dequeue(PortIndex port, Packet& packet) {
  auto tag = packet.read_tag<GatewayTag>();
  tag.utilisation = fuller(tag.utilisation, fabric_.utilisation(port));
  packet.write_tag(tag);
}

std::string Braidway::remarks() const {
  lb::OrderCounters sum;
  for (const GatewaySink& sink : sinks_) {
    sum.late += sink.order().late;
    sum.no_window += sink.order().no_window;
    sum.gaps_by_watermark += sink.order().gaps_by_watermark;
    sum.gaps_by_timer += sink.order().gaps_by_timer;
    sum.gaps_by_packet_budget += sink.order().gaps_by_packet_budget;
    sum.gaps_by_byte_budget += sink.order().gaps_by_byte_budget;
  }
  std::size_t policies = 0;
  for (const GatewaySource& source : sources_) policies += source.policy_events().size();
  const std::uint64_t by_budget = sum.gaps_by_packet_budget + sum.gaps_by_byte_budget;
  if (sum.late + sum.no_window + sum.gaps_by_watermark + sum.gaps_by_timer + by_budget + policies == 0)
    return {};
  return "gaps given up: " + std::to_string(sum.gaps_by_watermark) + " that all paths had passed, " +
         std::to_string(sum.gaps_by_timer) + " after the time-out, " + std::to_string(by_budget) +
         " for want of memory; packets that came late or again: " + std::to_string(sum.late) +
         "; without a window: " + std::to_string(sum.no_window) +
         "; changes of policy: " + std::to_string(policies);
}

void Braidway::write_foresight(std::ostream& out) const {
  for (const ForesightRecord& record : sources_.front().foreseen()) {
    const Path& path = paths_.paths(record.peer)[record.path];
    double truth = 0;
    for (std::uint32_t hop = 0; hop < path.hops; ++hop) {
      const PortIndex port = path.ports[hop];
      truth =
          std::max(truth, fabric_.network_events().periodic_load(port, record.at - tick_interval, record.at));
    }
    out << record.at << ' ' << record.peer << ' ' << record.path << ' ' << truth << ' ' << record.view.seen
        << ' ' << record.view.forecast << ' ' << record.share << '\n';
  }
}

std::uint64_t Braidway::order_peak_bytes() const {
  std::uint64_t peak = 0;
  for (const GatewaySink& sink : sinks_) peak = std::max(peak, sink.peak_bytes());
  return peak;
}

}  // namespace braidway::bench::fabric
