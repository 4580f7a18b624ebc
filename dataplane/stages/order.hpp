// order: hands the tagged packets on in the order in which the source numbered them, holding back what is
// ahead of its turn. What had no tag goes on at once. Drops nothing.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "dataplane/burst.hpp"
#include "dataplane/lane_context.hpp"
#include "dataplane/order_buffer.hpp"

namespace braidway::dataplane::stages {

struct Order {
  static constexpr std::string_view name = "order";

  static void run(Burst& burst, LaneContext& lane) noexcept {
    if (burst.all_flows || lane.order == nullptr) {
      return;
    }
    OrderBuffer& order = *lane.order;
    std::array<lb::Arrival, burst_size> arrivals;
    std::uint16_t kept = 0;
    std::uint16_t count = 0;
    for (std::uint16_t i = 0, all = burst.count; i < all; ++i) {
      if (burst.meta[i].traffic_class != TrafficClass::tagged) {
        burst.packets[kept] = burst.packets[i];
        burst.meta[kept++] = burst.meta[i];
        continue;
      }
      if (!order.is_path(burst.tags[i].words.tag.path())) [[unlikely]] {
        order.distrust_paths(lane.order_ns);
        lane.order_counts->add(OrderCount::unknown_path, 1);
      }
      if (count != i) {
        burst.hashes[count] = burst.hashes[i];
        burst.keys[count] = burst.keys[i];
      }
      arrivals[count++] = order.arrival(burst.packets[i], burst.tags[i].words, lane.order_ns);
    }
    burst.count = kept;
    if (count == 0) {
      return;
    }
    const std::size_t held_before = order.held();
    order.push(std::span{burst.hashes}.first(count), std::span{burst.keys}.first(count),
               std::span{arrivals}.first(count), lane.order_ns);
    // What was held came in another burst, of which nothing is known any more.
    burst.all_fit = burst.all_fit && held_before == 0;
    const PacketMeta meta{.egress = lane.host_port, .traffic_class = TrafficClass::tagged};
    const std::uint16_t released = order.take(std::span{burst.packets}.subspan(kept));
    std::fill_n(burst.meta.begin() + kept, released, meta);
    burst.count = static_cast<std::uint16_t>(kept + released);
    order.tell(*lane.order_counts);
  }
};

}  // namespace braidway::dataplane::stages
