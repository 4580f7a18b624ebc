// compose: takes the messages that are due to the peer, each for the port of the path that it is to go by.
// Drops nothing.
#pragma once

#include <string_view>

#include "dataplane/burst.hpp"
#include "dataplane/lane_context.hpp"
#include "dataplane/peer_messages.hpp"

namespace braidway::dataplane::stages {

struct Compose {
  static constexpr std::string_view name = "compose";
  using Entry = LaneContext;

  static void run(Burst& burst, const LaneContext& lane) noexcept {
    burst.count = 0;
    burst.direction = Direction::source;
    burst.spread = false;
    burst.all_flows = false;
    burst.all_fit = false;  // not known
    // A path that is dead is asked for, too; a port that takes nothing is not.
    const auto open = [&](std::uint16_t port) {
      return lane.tx[port].open() && lane.tx[port].up->load(std::memory_order_relaxed);
    };
    while (burst.count < burst_size) {
      const auto due = lane.messages->next(lane.now_ns, open);
      if (!due) {
        return;
      }
      burst.packets[burst.count] = due->packet;
      burst.meta[burst.count++] = {.egress = due->port, .traffic_class = TrafficClass::message};
    }
  }
};

}  // namespace braidway::dataplane::stages
