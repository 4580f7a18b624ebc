// A receiver that takes a flow's packets in any order, at no cost and with no limit on memory: what the
// anchors call a sink that restores order perfectly. Keeps the packets that came before their predecessors
// until those have come, to know how much memory such a sink would need.
// Owner: the thread of its simulation.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "bench/fabric/packet.hpp"
#include "bench/fabric/types.hpp"

namespace braidway::bench::fabric {

class IdealOrder {
 public:
  IdealOrder(PacketPool& packets, std::size_t flows, std::size_t nodes)
      : packets_(&packets), first_(flows, nobody), held_(nodes) {}

  /// Takes a data packet for good. `expected`: the flow's first missing byte; the answer is that after it.
  std::uint32_t take(PacketIndex index, std::uint32_t expected) {
    Packet& packet = (*packets_)[index];
    PacketIndex& first = first_[packet.flow];
    std::uint64_t& held = held_[packet.destination];
    if (packet.sequence > expected) {
      keep(first, index);
      held += packet.bytes;
      peak_bytes_ = std::max(peak_bytes_, held);
      return expected;
    }
    expected = pass(index, expected);
    while (first != nobody && (*packets_)[first].sequence <= expected) {
      const PacketIndex next = first;
      first = (*packets_)[next].next;
      held -= (*packets_)[next].bytes;
      expected = pass(next, expected);
    }
    return expected;
  }

  /// The first byte of those kept; nobody if none are.
  [[nodiscard]] std::uint32_t first_kept(FlowIndex flow) const noexcept {
    return first_[flow] == nobody ? nobody : (*packets_)[first_[flow]].sequence;
  }
  /// The most bytes of one host's packets kept at once.
  [[nodiscard]] std::uint64_t peak_bytes() const noexcept { return peak_bytes_; }

 private:
  void keep(PacketIndex& first, PacketIndex index) {
    Packet& packet = (*packets_)[index];
    PacketIndex* place = &first;
    while (*place != nobody && (*packets_)[*place].sequence <= packet.sequence)
      place = &(*packets_)[*place].next;
    packet.next = *place;
    *place = index;
  }
  std::uint32_t pass(PacketIndex index, std::uint32_t expected) {
    const Packet& packet = (*packets_)[index];
    expected = std::max(expected, packet.sequence + packet.payload);
    packets_->give_back(index);
    return expected;
  }

  PacketPool* packets_;
  std::vector<PacketIndex> first_;   ///< of those kept, by sequence; by flow
  std::vector<std::uint64_t> held_;  ///< by destination
  std::uint64_t peak_bytes_ = 0;
};

}  // namespace braidway::bench::fabric
