#include "lb/steering.hpp"

#include <algorithm>
#include <array>

namespace braidway::lb {

Steering::Peer::Peer(std::size_t paths, const Spray::Parameters& parameters)
    : spray(paths, parameters), waits_ns(paths), delays_ns(paths), shares(paths, 1.0F) {
  const std::size_t width = std::min(paths, SpraySet::most);
  sets.resize(paths > width ? paths : 1);
  for (std::size_t first = 0; first < sets.size(); ++first) {
    for (std::size_t i = 0; i < width; ++i) {
      sets[first].paths[sets[first].count++] = static_cast<PathId>((first + i) % paths);
    }
  }
}

Steering::Steering(std::span<const std::size_t> paths, const Parameters& parameters)
    : parameters_(parameters), flows_(parameters.flows) {
  peers_.reserve(paths.size());
  for (const std::size_t count : paths) peers_.emplace_back(count, parameters.spray);
}

void Steering::set_paths(std::uint16_t index, const PeerPaths& paths, std::span<const float> shares,
                         std::span<const float> delays_ns) noexcept {
  Peer& peer = peers_[index];
  const auto records = paths.records();
  bool any = false;
  for (std::size_t i = 0; i < records.size(); ++i) {
    peer.shares[i] = records[i].live && records[i].weight > 0 ? shares[i] : 0;
    peer.delays_ns[i] = delays_ns[i];
    any = any || peer.shares[i] > 0;
  }
  for (std::size_t i = 0; i < records.size(); ++i) {
    const bool live = records[i].live && records[i].weight > 0;
    peer.spray.set_weight(static_cast<PathId>(i), any ? peer.shares[i] : live ? 1.0F : 0.0F);
  }
}

Policy Steering::effective(const Peer& peer) const noexcept {
  if (peer.restores_order || peer.policy == Policy::pinned) return peer.policy;
  return Policy::idle_move;
}

/// Whether the packet in hand may take another path than its flow's last.
bool Steering::may_leave(const FlowState& flow, const Peer& peer, Policy policy, PacketClass what,
                         Nanoseconds now) const noexcept {
  if (flow.generation == 0 || !peer.spray.usable(flow.path)) return true;
  const auto silent = elapsed(flow.last_seen, tick(now));
  switch (policy) {
    case Policy::pinned:
      return false;
    case Policy::idle_move:
      return silent > parameters_.idle;
    case Policy::reroute:
      return peer.delays_ns[value(flow.path)] > parameters_.reroute_ns &&
             elapsed(flow.moved_at, tick(now)) > parameters_.reroute_hold;
    case Policy::spray:
      return flow.has_data || what == PacketClass::data;
    case Policy::automatic:
      return flow.bytes >= parameters_.first_bytes;
  }
  return false;
}

/// Looks up the flows of RC and UC; the others' states are nullptr.
void Steering::find_flows(const SteerBurst& burst, std::size_t first, Nanoseconds now,
                          std::span<FlowState*> out) noexcept {
  const auto classes = burst.classes.subspan(first, out.size());
  std::ranges::fill(out, nullptr);
  for (std::size_t begin = 0; begin < out.size();) {
    if (classes[begin] == PacketClass::unordered) {
      ++begin;
      continue;
    }
    std::size_t end = begin + 1;
    while (end < out.size() && classes[end] != PacketClass::unordered) ++end;
    flows_.find_or_insert(burst.hashes.subspan(first + begin, end - begin),
                          burst.keys.subspan(first + begin, end - begin), now,
                          out.subspan(begin, end - begin));
    begin = end;
  }
}

void Steering::take_waits(Peer& peer, const PeerPaths& paths, std::span<const float> waits_ns,
                          Nanoseconds now) noexcept {
  peer.waits_of = bursts_;
  peer.spray.advance(now);
  const auto records = paths.records();
  for (std::size_t i = 0; i < records.size(); ++i) peer.waits_ns[i] = waits_ns[records[i].egress];
}

Decision Steering::decide_one(FlowState& flow, Peer& peer, Policy policy, const SpraySet& set,
                              std::uint32_t bytes, PacketClass what, Nanoseconds now) noexcept {
  const Tick time = tick(now);
  if (elapsed(flow.last_seen, time) > parameters_.epoch) {
    flow.epoch = (flow.epoch + 1) & 15;
    flow.next_sequence = 0;
    flow.bytes = 0;
    ++counters_.epochs;
  }
  const bool fresh = flow.generation == 0;
  const bool may = may_leave(flow, peer, policy, what, now);
  const SpraySet kept{.paths = {flow.path}, .count = 1};
  const PathId path = peer.spray.choose(may ? set : kept, bytes, peer.waits_ns);
  if (fresh || path != flow.path) {
    counters_.moved += fresh || flow.bytes >= parameters_.first_bytes ? 0 : 1;
    flow.moved_at = time;
    flow.path = path;
    flow.generation = 1;
  }
  flow.last_seen = time;
  flow.has_data = flow.has_data || what == PacketClass::data;
  if (flow.bytes < parameters_.first_bytes) flow.bytes += bytes;
  Decision decision{.path = path, .epoch = flow.epoch, .numbered = policy != Policy::idle_move};
  if (decision.numbered) decision.sequence = flow.next_sequence++;
  return decision;
}

void Steering::decide(const SteerBurst& burst, const PathTable& table, std::span<const float> waits_ns,
                      Nanoseconds now, std::span<Decision> out) noexcept {
  constexpr std::size_t batch = 64;
  std::array<FlowState*, batch> flows;
  ++bursts_;
  for (std::size_t first = 0; first < burst.hashes.size(); first += batch) {
    const std::size_t count = std::min(batch, burst.hashes.size() - first);
    find_flows(burst, first, now, std::span{flows}.first(count));
    for (std::size_t at = 0; at < count; ++at) {
      const std::size_t i = first + at;
      Peer& peer = peers_[burst.peers[i]];
      const PeerPaths& paths = table.peer(burst.peers[i]);
      const Policy policy = effective(peer);
      if (flows[at] == nullptr || policy == Policy::pinned) {
        counters_.unnumbered += flows[at] == nullptr && burst.classes[i] != PacketClass::unordered ? 1 : 0;
        out[i] = {.path = paths.path_of(burst.hashes[i])};
        continue;
      }
      if (peer.waits_of != bursts_) take_waits(peer, paths, waits_ns, now);
      out[i] = decide_one(*flows[at], peer, policy, spray_set(burst.peers[i], burst.hashes[i]),
                          burst.bytes[i], burst.classes[i], now);
    }
  }
}

}  // namespace braidway::lb
