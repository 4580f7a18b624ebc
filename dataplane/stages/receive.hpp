// receive: takes a burst from a receive queue. Drops nothing.
#pragma once

#include <string_view>

#include <rte_cycles.h>
#include <rte_ethdev.h>

#include "dataplane/burst.hpp"
#include "dataplane/lane_context.hpp"

namespace braidway::dataplane::stages {

struct Receive {
  static constexpr std::string_view name = "receive";

  using Entry = RxQueue;

  static void run(Burst& burst, const RxQueue& from) noexcept {
    burst.count = rte_eth_rx_burst(from.port_id, from.queue, burst.packets.data(), burst_size);
    burst.ingress = from.port;
    burst.direction = from.direction;
    burst.spread = from.spread;
    if (burst.count > 0 && from.tap->active()) [[unlikely]] {
      from.tap->take_received(burst.packets.data(), burst.count, rte_rdtsc());
    }
  }
};

}  // namespace braidway::dataplane::stages
