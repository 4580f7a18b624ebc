#include "lb/steering.hpp"

#include <algorithm>
#include <cassert>
#include <string>

#include "lb/require.hpp"

namespace braidway::lb {
namespace {

constexpr Nanoseconds plus(Nanoseconds a, Nanoseconds b) noexcept { return Nanoseconds{value(a) + value(b)}; }

constexpr std::uint8_t next_epoch(std::uint8_t epoch) noexcept { return (epoch + 1) & 15; }

constexpr bool needs_numbers(Policy policy) noexcept { return policy >= Policy::reroute; }

Steering::Parameters checked(std::span<const std::size_t> paths, const Steering::Parameters& p) {
  const Requirements require{"Steering"};
  constexpr Nanoseconds remembered = FlowTable::default_expiry;
  require.within("peers", paths.size(), 0, max_peers);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    require.within("paths[" + std::to_string(i) + "]", paths[i], 1, max_paths_per_peer);
  }
  require.within("flows", p.flows, 1, max_flows);
  require.within("first_bytes", p.first_bytes, 0, 1U << 31);
  require.within("idle", p.idle, shortest_silence, remembered);
  require.within("held", p.held, Nanoseconds{}, remembered);
  require.within("epoch", p.epoch, shortest_silence, remembered);
  // Else numbers would begin anew while the sink still holds the last ones.
  require.above("epoch", p.epoch, "idle + held", plus(p.idle, p.held));
  require.within("reroute_ns", p.reroute_ns, 0, 1e9F);
  require.within("reroute_hold", p.reroute_hold, Nanoseconds{}, longest_silence);
  return p;
}

/// The least of a batch's limits; pinned if it is not all to one peer. Without a branch a packet.
Policy least_limit_to_one_peer(std::span<const std::uint16_t> peers,
                               std::span<const Policy> limits) noexcept {
  unsigned differs = 0;
  for (const std::uint16_t peer : peers) differs |= static_cast<unsigned>(peer ^ peers[0]);
  Policy least = limits[0];
  for (const Policy limit : limits) least = std::min(least, limit);
  return differs == 0 ? least : Policy::pinned;
}

}  // namespace

Steering::Peer::Peer(std::size_t paths, const Spray::Parameters& parameters)
    : spray(paths, parameters), delays_ns(paths), shares(paths, 1.0F) {
  const std::size_t width = std::min(paths, SpraySet::most);
  sets.resize(paths > width ? paths : 1);
  for (std::size_t first = 0; first < sets.size(); ++first) {
    for (std::size_t i = 0; i < width; ++i) {
      sets[first].paths[sets[first].count++] = static_cast<PathId>((first + i) % paths);
    }
  }
  open.resize(sets.size());
  usable.reserve(paths);
}

Steering::Steering(std::span<const std::size_t> paths, const Parameters& parameters)
    : parameters_(checked(paths, parameters)), flows_(parameters.flows) {
  peers_.reserve(paths.size());
  for (const std::size_t count : paths) peers_.emplace_back(count, parameters.spray);
}

void Steering::set_paths(std::uint16_t index, std::span<const float> shares,
                         std::span<const float> delays_ns) noexcept {
  Peer& peer = peers_[index];
  std::ranges::copy(shares, peer.shares.begin());
  std::ranges::copy(delays_ns, peer.delays_ns.begin());
  peer.stale = true;
}

/// Puts shares and the table's liveness to use.
void Steering::renew_paths(Peer& peer, const PeerPaths& paths) noexcept {
  const auto records = paths.records();
  assert(records.size() <= peer.shares.size());
  const auto live = [&](std::size_t i) { return records[i].live && records[i].weight > 0; };
  bool any = false;
  for (std::size_t i = 0; i < records.size(); ++i) any = any || (live(i) && peer.shares[i] > 0);
  peer.usable.clear();
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto path = static_cast<PathId>(i);
    peer.spray.set_weight(path, !live(i) ? 0.0F : any ? peer.shares[i] : 1.0F);
    if (peer.spray.usable(path)) peer.usable.push_back(path);
  }
  if (peer.usable.empty()) return;
  for (std::size_t set = 0; set < peer.sets.size(); ++set) {
    const auto& window = peer.sets[set];
    const std::span in{window.paths.data(), window.count};
    const bool out = std::ranges::none_of(in, [&](PathId path) { return peer.spray.usable(path); });
    peer.open[set] = {.first = window.paths[0], .count = window.count};
    if (!out) continue;
    // The next one on the ring, so that the sets that are out do not all meet on one path.
    const auto next = std::ranges::lower_bound(peer.usable, in.back());
    const PathId detour = next != peer.usable.end() ? *next : peer.usable.front();
    peer.open[set] = {.first = detour, .count = 1};
  }
}

bool Steering::in_window(const Peer& peer, const PathWindow& window, PathId path) noexcept {
  const auto paths = static_cast<int>(peer.shares.size());
  const int behind = value(path) - value(window.first);
  return (behind < 0 ? behind + paths : behind) < window.count;
}

PathId Steering::pinned_path(const Peer& peer, const PeerPaths& paths, std::uint64_t hash) noexcept {
  const PathId path = paths.path_of(hash);
  if (peer.spray.usable(path) || peer.usable.empty()) [[likely]] {
    return path;
  }
  return peer.usable[static_cast<std::size_t>((hash & 0xffff'ffffU) * peer.usable.size() >> 32)];
}

/// What a burst's first packet to a peer finds out for those that follow.
void Steering::begin_burst(Peer& peer, const PathTable& table, const PeerPaths& paths,
                           std::span<const float> waits_ns, Nanoseconds now) noexcept {
  peer.burst = bursts_;
  if (peer.stale || peer.generation != table.generation()) {
    renew_paths(peer, paths);
    peer.stale = false;
    peer.generation = table.generation();
  }
  peer.acts = peer.restores_order ? peer.policy : std::min(peer.policy, Policy::idle_move);
  peer.numbers = needs_numbers(peer.acts) && !peer.shadow;
  peer.sprays_from = never_sprays;
  peer.tracked = peer.tracked || peer.policy != Policy::pinned;
  if (!peer.tracked) {
    peer.untracked_until = plus(now, parameters_.idle);
    return;
  }
  const bool sprays = peer.acts == Policy::spray || peer.acts == Policy::automatic;
  const bool plain = sprays && peer.numbers && peer.open.size() == 1 && !peer.usable.empty() &&
                     peer.spray.runs_over(peer.open[0]);
  peer.sprays_from = plain ? parameters_.first_bytes : never_sprays;
  peer.spray.advance(now);
  const auto records = paths.records();
  for (std::size_t i = 0; i < records.size(); ++i) {
    peer.spray.set_wait(static_cast<PathId>(i), waits_ns[records[i].egress]);
  }
}

/// Looks up the flows of a batch that are tracked; the other packets' states are nullptr.
void Steering::find_flows(const SteerBurst& batch_in, const PathTable& table, std::span<const float> waits_ns,
                          Nanoseconds now, std::span<FlowState*> out) noexcept {
  std::array<std::uint8_t, batch> places;
  std::size_t count = 0;
  bool tracked = false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    places[count] = static_cast<std::uint8_t>(i);
    if (i == 0 || batch_in.peers[i] != batch_in.peers[i - 1]) {
      tracked = peer_of_burst(batch_in.peers[i], table, waits_ns, now).tracked;
    }
    count += tracked && batch_in.limits[i] != Policy::pinned ? 1 : 0;
  }
  std::array<std::uint64_t, batch> hashes;
  std::array<FlowKey, batch> keys;
  std::array<FlowState*, batch> found;
  for (std::size_t i = 0; i < count; ++i) {
    hashes[i] = batch_in.hashes[places[i]];
    keys[i] = batch_in.keys[places[i]];
  }
  flows_.find_or_insert(std::span{hashes}.first(count), std::span{keys}.first(count), now,
                        std::span{found}.first(count));
  std::ranges::fill(out, nullptr);
  for (std::size_t i = 0; i < count; ++i) out[places[i]] = found[i];
}

/// Whether each packet of the flow takes a path by itself.
inline bool Steering::sprayed(const FlowState& flow, Policy acts) const noexcept {
  return acts == Policy::spray || (acts == Policy::automatic && flow.bytes >= parameters_.first_bytes);
}

/// Whether the flow may leave the path of its last packet.
inline bool Steering::may_leave(const FlowState& flow, PathId last, const Peer& peer,
                                const Packet& packet) const noexcept {
  if (!flow.placed || !peer.spray.usable(last) || packet.silent > parameters_.idle) return true;
  if (packet.keeps) return false;
  if (flow.settling && elapsed(flow.moved_at, packet.time) <= parameters_.idle) return false;
  if (packet.acts == Policy::reroute) {
    return peer.delays_ns[value(last)] > parameters_.reroute_ns &&
           elapsed(flow.moved_at, packet.time) > parameters_.reroute_hold;
  }
  return sprayed(flow, packet.acts);
}

/// The path by a policy other than pinned. `last` is that of the flow's last packet.
inline PathId Steering::steer(FlowState& flow, PathId last, Peer& peer, const Packet& packet) noexcept {
  if (!may_leave(flow, last, peer, packet)) {
    peer.spray.take(last, packet.bytes);
    return last;
  }
  const PathWindow& window = peer.open[set_of(peer, packet.hash)];
  const bool keeps = packet.acts < Policy::spray;
  const PathId path =
      keeps ? peer.spray.place(window, packet.bytes) : peer.spray.choose(window, packet.bytes);
  if (peer.open.size() > 1) {
    flow.settling = flow.placed && packet.silent <= parameters_.idle && !in_window(peer, window, last);
    if (flow.settling) flow.moved_at = packet.time;
  }
  return path;
}

/// Begins and ends the numbering of a flow. Answers whether it begins under way.
inline bool Steering::renew_numbering(FlowState& flow, const Peer& peer, const Packet& packet) noexcept {
  const Nanoseconds silent = packet.silent;
  if (flow.numbered == packet.numbers && silent <= parameters_.epoch) [[likely]] {
    return false;
  }
  const bool begins = packet.numbers && !flow.numbered && flow.placed;
  if (begins || (flow.numbered && silent > parameters_.epoch)) {
    flow.epoch = next_epoch(flow.epoch);
    flow.next_sequence = 0;
    ++counters_.epochs;
  }
  if (silent > parameters_.epoch) flow.bytes = 0;
  const bool ends = !peer.restores_order || silent > plus(parameters_.idle, parameters_.held);
  flow.numbered = packet.numbers || (flow.numbered && !ends);
  return begins;
}

inline Decision Steering::decide_one(FlowState& flow, Peer& peer, const PeerPaths& paths,
                                     const SteerBurst& burst, std::size_t i, Nanoseconds now) noexcept {
  const std::uint64_t hash = burst.hashes[i];
  if (flow.peer != burst.peers[i]) [[unlikely]] {
    // It is new, or its destination is behind another gateway now, whose paths and whose sink are others.
    const std::uint8_t epoch = flow.placed ? next_epoch(flow.epoch) : flow.epoch;
    flow = {.last_seen = flow.last_seen, .peer = burst.peers[i], .epoch = epoch};
  }
  if (!flow.placed && now <= std::max(refused_until_, peer.untracked_until)) {
    // Its last packets, if there were any, were not tracked and went as pinned.
    flow.path = pinned_path(peer, paths, hash);
    flow.shadow_path = flow.path;
    flow.placed = true;
  }
  const Policy acts = std::min(peer.acts, burst.limits[i]);
  Packet packet{.hash = hash,
                .bytes = burst.bytes[i],
                .time = tick(now),
                .silent = {},
                .keeps = false,
                .acts = acts,
                .numbers = peer.numbers && needs_numbers(acts)};
  packet.silent = elapsed(flow.last_seen, packet.time);
  packet.keeps = renew_numbering(flow, peer, packet);
  flow.last_seen = packet.time;

  const PathId last = peer.shadow ? flow.shadow_path : flow.path;
  const bool alone = sprayed(flow, acts);
  const bool steered = acts != Policy::pinned;
  PathId path = steered ? steer(flow, last, peer, packet) : last;
  PathId taken = path;
  if (peer.shadow || !steered) {
    // What is under way without numbers must not be overtaken.
    const bool stays = flow.placed && !flow.numbered && packet.silent <= parameters_.idle;
    taken = stays && peer.spray.usable(flow.path) ? flow.path : pinned_path(peer, paths, hash);
    if (!steered) path = taken;
    counters_.shadowed += peer.shadow ? 1 : 0;
    counters_.elsewhere += taken != path ? 1 : 0;
  }
  // Whether a sprayed packet takes another path is anybody's guess: not to be asked.
  if (!alone) {
    if (!flow.placed || path != last) flow.moved_at = packet.time;
    if (flow.placed && taken != flow.path) ++counters_.moved;
  }
  flow.path = taken;
  flow.shadow_path = path;
  flow.placed = true;
  if (flow.bytes < parameters_.first_bytes) {
    flow.bytes = static_cast<std::uint32_t>(
        std::min<std::uint64_t>(std::uint64_t{flow.bytes} + burst.bytes[i], parameters_.first_bytes));
  }
  Decision decision{.path = taken, .epoch = flow.epoch, .numbered = flow.numbered};
  if (flow.numbered) decision.sequence = flow.next_sequence++;
  return decision;
}

/// Whether the flow is sprayed and numbered as it was: most packets are of such flows, and decide_one() comes
/// to the same for them, by way of all that could be otherwise.
inline bool Steering::goes_on(const FlowState& flow, const Peer& peer, std::uint16_t peer_index,
                              Tick time) const noexcept {
  return flow.bytes >= peer.sprays_from && flow.peer == peer_index && flow.placed && flow.numbered &&
         !flow.settling && elapsed(flow.last_seen, time) <= parameters_.epoch;
}

/// Looks up the flows of a batch of ordered packets to one peer, and sprays the packets if all of the flows
/// go on: then it answers true. The paths are chosen while the look-ups wait for memory, and not taken if
/// some flow is otherwise.
template <std::size_t groups>
bool Steering::spray_all(Peer& peer, const SteerBurst& batch_in, Nanoseconds now, std::span<FlowState*> flows,
                         std::span<Decision> out) noexcept {
  Spray::Run<groups> run(peer.spray);
  std::array<PathId, batch> paths;
  flows_.find_or_insert(batch_in.hashes, batch_in.keys, now, flows,
                        [&](std::size_t i) { paths[i] = run.choose(batch_in.bytes[i]); });
  const std::uint16_t peer_index = batch_in.peers[0];
  const Tick time = tick(now);
  bool all = true;
  for (const FlowState* flow : flows) {
    all = all && flow != nullptr && goes_on(*flow, peer, peer_index, time);
  }
  if (!all) return false;
  run.keep(peer.spray);
  for (std::size_t i = 0; i < flows.size(); ++i) {
    FlowState& flow = *flows[i];
    flow.last_seen = time;
    flow.path = paths[i];
    flow.shadow_path = paths[i];
    out[i] = {.sequence = flow.next_sequence++, .path = paths[i], .epoch = flow.epoch, .numbered = true};
  }
  return true;
}

/// The peer, ready for this burst.
inline Steering::Peer& Steering::peer_of_burst(std::uint16_t index, const PathTable& table,
                                               std::span<const float> waits_ns, Nanoseconds now) noexcept {
  Peer& peer = peers_[index];
  if (peer.burst != bursts_) begin_burst(peer, table, table.peer(index), waits_ns, now);
  return peer;
}

void Steering::decide_batch(const SteerBurst& batch_in, const PathTable& table,
                            std::span<const float> waits_ns, Nanoseconds now,
                            std::span<Decision> out) noexcept {
  std::array<FlowState*, batch> found;
  const std::span flows = std::span{found}.first(out.size());
  const Policy limit = least_limit_to_one_peer(batch_in.peers, batch_in.limits);
  if (limit != Policy::pinned) [[likely]] {
    Peer& peer = peer_of_burst(batch_in.peers[0], table, waits_ns, now);
    if (peer.sprays_from != never_sprays && limit >= peer.acts) {
      const bool done = peer.open[0].count <= lane_count ? spray_all<1>(peer, batch_in, now, flows, out)
                                                         : spray_all<2>(peer, batch_in, now, flows, out);
      if (done) return;
    } else if (peer.tracked) {
      flows_.find_or_insert(batch_in.hashes, batch_in.keys, now, flows);
    } else {
      std::ranges::fill(flows, nullptr);
    }
  } else {
    find_flows(batch_in, table, waits_ns, now, flows);
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    Peer& peer = peers_[batch_in.peers[i]];
    const PeerPaths& paths = table.peer(batch_in.peers[i]);
    if (flows[i] != nullptr && !peer.usable.empty()) {
      out[i] = decide_one(*flows[i], peer, paths, batch_in, i, now);
      continue;
    }
    out[i] = {.path = pinned_path(peer, paths, batch_in.hashes[i])};
    if (flows[i] == nullptr && peer.tracked && batch_in.limits[i] != Policy::pinned) {
      ++counters_.unnumbered;
      refused_until_ = plus(now, parameters_.idle);
    }
  }
}

void Steering::decide(const SteerBurst& burst, const PathTable& table, std::span<const float> waits_ns,
                      Nanoseconds now, std::span<Decision> out) noexcept {
  ++bursts_;
  for (std::size_t first = 0; first < out.size(); first += batch) {
    const std::size_t count = std::min(batch, out.size() - first);
    decide_batch({.hashes = burst.hashes.subspan(first, count),
                  .keys = burst.keys.subspan(first, count),
                  .bytes = burst.bytes.subspan(first, count),
                  .limits = burst.limits.subspan(first, count),
                  .peers = burst.peers.subspan(first, count)},
                 table, waits_ns, now, out.subspan(first, count));
  }
}

}  // namespace braidway::lb
