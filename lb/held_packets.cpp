#include "lb/held_packets.hpp"

#include <algorithm>
#include <cassert>

#include "lb/require.hpp"
#include "lb/sequence.hpp"

namespace braidway::lb {

namespace {

std::size_t checked(std::size_t packets) {
  Requirements{"HeldPackets"}.within("packets", packets, 1, HeldPackets::max_packets);
  return packets;
}

}  // namespace

HeldPackets::HeldPackets(std::size_t packets) : nodes_(checked(packets) + 1), flows_(packets + 1) {
  free_nodes_.reserve(packets);
  free_flows_.reserve(packets);
  for (auto i = static_cast<Index>(packets); i > 0; --i) {
    free_nodes_.push_back(i);
    free_flows_.push_back(HeldFlowId{i});
  }
}

HeldFlowId HeldPackets::open(void* owner, SourceIndex source) noexcept {
  const auto id = free_flows_.back();
  free_flows_.pop_back();
  const auto last = flows_[0].before;
  auto& flow = flows_[value(id)];
  flow = {};
  flow.owner = owner;
  flow.source = source;
  flow.before = last;
  flows_[value(last)].after = id;
  flows_[0].before = id;
  return id;
}

void HeldPackets::close(HeldFlowId id) noexcept {
  const auto& flow = flows_[value(id)];
  assert(flow.packets == 0);
  if (turn_ == id) turn_ = flow.before;
  flows_[value(flow.before)].after = flow.after;
  flows_[value(flow.after)].before = flow.before;
  free_flows_.push_back(id);
}

HeldFlowId HeldPackets::next_flow() noexcept {
  turn_ = flows_[value(turn_)].after;
  if (turn_ == HeldFlowId{}) turn_ = flows_[0].after;
  return turn_;
}

/// The queue of a path, made if there is room; else no_queue.
unsigned HeldPackets::queue_of(Flow& flow, PathId path) noexcept {
  const auto end = flow.paths.begin() + flow.path_count;
  const auto found = static_cast<unsigned>(std::find(flow.paths.begin(), end, path) - flow.paths.begin());
  if (found == flow.path_count && found < no_queue) {
    flow.paths[flow.path_count++] = path;
    flow.heads[found] = none;
  }
  return found;
}

void HeldPackets::announce(Flow& flow, const SpraySet* set, Nanoseconds now, Nanoseconds settle) noexcept {
  if (set == nullptr || set->count == 0) {
    flow.paths_known = false;
    flow.beside_set = true;
    flow.changed = now;
    return;
  }
  if (flow.path_count == 0) {
    flow.announced = *set;
    flow.paths = set->paths;
    flow.path_count = set->count;
    return;
  }
  if (*set != flow.announced) {
    flow.beside_set = true;
    flow.announced = *set;
    flow.changed = now;
  } else if (flow.beside_set && value(now) - value(flow.changed) > value(settle)) {
    forget_other_paths(flow);
  } else {
    return;
  }
  for (unsigned i = 0; i < flow.announced.count; ++i) {
    if (queue_of(flow, flow.announced.paths[i]) == no_queue) flow.paths_known = false;
  }
}

/// Paths beside the announced set go, unless something of theirs is still held.
void HeldPackets::forget_other_paths(Flow& flow) noexcept {
  const auto& set = flow.announced;
  const auto set_end = set.paths.begin() + set.count;
  unsigned kept = 0;
  flow.beside_set = flow.heap != none;
  for (unsigned i = 0; i < flow.path_count; ++i) {
    const bool announced = std::find(set.paths.begin(), set_end, flow.paths[i]) != set_end;
    if (!announced && flow.heads[i] == none) continue;
    flow.beside_set = flow.beside_set || !announced;
    flow.paths[kept] = flow.paths[i];
    flow.heads[kept] = flow.heads[i];
    flow.tails[kept] = flow.tails[i];
    ++kept;
  }
  flow.path_count = static_cast<std::uint8_t>(kept);
  flow.paths_known = true;
}

void HeldPackets::append(Index index) noexcept {
  const auto newest = nodes_[none].older;
  nodes_[index].older = newest;
  nodes_[index].newer = none;
  nodes_[newest].newer = index;
  nodes_[none].older = index;
}

void HeldPackets::put_off(Index index, Nanoseconds now) noexcept {
  Node& node = nodes_[index];
  nodes_[node.older].newer = node.newer;
  nodes_[node.newer].older = node.older;
  node.put_off = static_cast<std::uint32_t>(value(now) - value(node.arrival));
  append(index);
}

bool HeldPackets::hold(HeldFlowId id, const HeldPacket& packet, const SpraySet* set, Nanoseconds now,
                       Nanoseconds settle) noexcept {
  assert(!full());
  auto& flow = flows_[value(id)];
  announce(flow, set, now, settle);

  const auto index = free_nodes_.back();
  free_nodes_.pop_back();
  nodes_[index] = {.packet = packet, .arrival = now, .flow = id};
  append(index);
  ++flow.packets;
  ++packets_;
  bytes_ += packet.bytes;

  const auto known_before = flow.path_count;
  const auto queue = queue_of(flow, packet.path);
  if (flow.path_count != known_before || queue == no_queue) {
    flow.beside_set = true;
    flow.changed = now;
  }
  if (queue == no_queue) {
    flow.paths_known = false;
    flow.heap = merge(flow.heap, index);
    return true;
  }
  if (flow.heads[queue] == none) {
    flow.heads[queue] = flow.tails[queue] = index;
    return true;
  }
  if (lower(index, flow.tails[queue])) {
    flow.heap = merge(flow.heap, index);
    return false;
  }
  nodes_[flow.tails[queue]].next = index;
  flow.tails[queue] = index;
  return true;
}

HeldPackets::Index HeldPackets::lowest(HeldFlowId id) const noexcept {
  const auto& flow = flows_[value(id)];
  auto best = flow.heap;
  for (unsigned i = 0; i < flow.path_count; ++i) {
    const auto head = flow.heads[i];
    if (head != none && (best == none || lower(head, best))) best = head;
  }
  return best;
}

HeldPacket HeldPackets::take(HeldFlowId id, Index index) noexcept {
  auto& flow = flows_[value(id)];
  const auto& node = nodes_[index];
  if (index == flow.heap) {
    flow.heap = without_root(index);
  } else {
    const auto queue = std::find(flow.heads.begin(), flow.heads.begin() + flow.path_count, index);
    *queue = node.next;
  }
  nodes_[node.older].newer = node.newer;
  nodes_[node.newer].older = node.older;
  free_nodes_.push_back(index);
  --flow.packets;
  --packets_;
  bytes_ -= node.packet.bytes;
  return node.packet;
}

bool HeldPackets::lower(Index a, Index b) const noexcept {
  return before(nodes_[a].packet.sequence, nodes_[b].packet.sequence);
}

// The heap is a pairing heap (Fredman, Sedgewick, Sleator, Tarjan, 1986): a tree of nodes, no memory beside
// them, O(1) to add and O(log n) amortised to take the lowest.
HeldPackets::Index HeldPackets::merge(Index a, Index b) noexcept {
  if (a == none) return b;
  if (b == none) return a;
  if (lower(b, a)) std::swap(a, b);
  nodes_[b].next = nodes_[a].child;
  nodes_[a].child = b;
  return a;
}

HeldPackets::Index HeldPackets::without_root(Index root) noexcept {
  Index pairs = none;
  for (auto rest = nodes_[root].child; rest != none;) {
    const auto first = rest;
    const auto second = nodes_[first].next;
    rest = second == none ? none : nodes_[second].next;
    const auto pair = merge(first, second);
    nodes_[pair].next = pairs;
    pairs = pair;
  }
  Index result = none;
  while (pairs != none) {
    const auto pair = pairs;
    pairs = nodes_[pair].next;
    result = merge(result, pair);
  }
  return result;
}

}  // namespace braidway::lb
