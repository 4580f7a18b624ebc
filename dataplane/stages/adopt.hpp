// adopt: takes packets that other workers handed over because their flows belong to this lane. Drops nothing.
#pragma once

#include <string_view>

#include <rte_ring.h>

#include "dataplane/burst.hpp"
#include "dataplane/lane_context.hpp"

namespace braidway::dataplane::stages {

struct Adopt {
  static constexpr std::string_view name = "adopt";
  using Entry = Inbox;

  static void run(Burst& burst, const Inbox& from) noexcept {
    const unsigned taken = rte_ring_sc_dequeue_burst(
        from.ring, reinterpret_cast<void**>(burst.packets.data()), burst_size, nullptr);
    burst.count = static_cast<std::uint16_t>(taken);
    burst.direction = from.direction;
    burst.spread = false;
    burst.all_flows = true;
    burst.all_fit = false;  // not known
    for (std::uint16_t i = 0; i < burst.count; ++i) {
      const HandedOver& of = handed_over(burst.packets[i]);
      burst.hashes[i] = of.flow_hash;
      burst.meta[i] = of.meta;
      if (from.keys) {
        burst.keys[i] = of.key;
      }
      burst.all_flows = burst.all_flows && of.meta.traffic_class < TrafficClass::non_ip;
    }
  }
};

}  // namespace braidway::dataplane::stages
