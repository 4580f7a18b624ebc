// handoff: gives a packet to the worker its flow belongs to, where the port spreads flows over queues by
// rules of its own. The owner is a function of our own flow hash; the hash that came with the packet is never
// trusted.
#pragma once

#include <array>
#include <string_view>

#include <rte_ring.h>

#include "dataplane/burst.hpp"
#include "dataplane/drops.hpp"
#include "dataplane/lane_context.hpp"

namespace braidway::dataplane::stages {

struct Handoff {
  static constexpr std::string_view name = "handoff";
  enum class Drop : std::uint8_t { handoff_full };  ///< the owner does not keep up, and its ring is full
  static constexpr std::array<std::string_view, 1> drops{"handoff_full"};

  static void run(Burst& burst, LaneContext& lane, Drops<Handoff> dropped) noexcept {
    if (!burst.spread || lane.lanes == 1) {
      return;
    }
    const auto& inboxes = lane.inboxes[static_cast<std::size_t>(burst.direction)];
    for (std::uint16_t i = 0; i < burst.count; ++i) {
      const lb::Lane owner = owner_of(burst.hashes[i], lane.lanes);
      if (owner == lane.lane) {
        continue;
      }
      HandedOver& with = handed_over(burst.packets[i]);
      with.flow_hash = burst.hashes[i];
      with.meta = burst.meta[i];
      if (lane.keeps_keys) {
        with.key = burst.keys[i];
      }
      if (rte_ring_mp_enqueue(inboxes[lb::value(owner)], burst.packets[i]) == 0) {
        burst.release(i);
      } else {
        dropped.count(Drop::handoff_full);
        burst.discard(i);
      }
    }
  }

 private:
  /// The low bits pick the lane, the high bits the slot (lb/slot_table.hpp), so that a lane's flows use all
  /// paths.
  static lb::Lane owner_of(std::uint64_t hash, std::uint8_t lanes) noexcept {
    return lb::Lane{static_cast<std::uint8_t>(((hash & 0xffffffffU) * lanes) >> 32U)};
  }
};

}  // namespace braidway::dataplane::stages
