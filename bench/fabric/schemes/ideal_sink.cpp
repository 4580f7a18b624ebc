#include "bench/fabric/schemes/ideal_sink.hpp"

#include <algorithm>

namespace braidway::bench::fabric {

bool IdealSink::on_arrival(NodeIndex node, PacketIndex index) {
  Packet& packet = fabric_.packet(index);
  if (packet.kind != PacketKind::data || fabric_.routing().leaf_of(packet.destination) != node) return false;
  State& state = flows_[packet.flow];
  std::uint64_t& held = held_[packet.destination];
  if (packet.sequence > state.expected) {
    PacketIndex* place = &state.first;
    while (*place != nobody && fabric_.packet(*place).sequence <= packet.sequence) {
      place = &fabric_.packet(*place).next;
    }
    packet.next = *place;
    *place = index;
    held += packet.bytes;
    peak_ = std::max(peak_, held);
    return true;
  }
  state.expected = std::max(state.expected, packet.sequence + packet.payload);
  fabric_.forward(node, index);
  while (state.first != nobody && fabric_.packet(state.first).sequence <= state.expected) {
    const PacketIndex next = state.first;
    const Packet& follower = fabric_.packet(next);
    state.first = follower.next;
    state.expected = std::max(state.expected, follower.sequence + follower.payload);
    held -= follower.bytes;
    fabric_.forward(node, next);
  }
  return true;
}

}  // namespace braidway::bench::fabric
