// vary: where the far end is no gateway, gives flows that fare badly new entropy, so that a fabric's ECMP
// sends them another way. All packets of a flow get the same, ACKs too. What cannot be rewritten goes as it
// is, and is counted.
#pragma once

#include <array>
#include <string_view>

#include "dataplane/burst.hpp"
#include "dataplane/entropy.hpp"
#include "dataplane/frame_view.hpp"
#include "dataplane/lane_context.hpp"

namespace braidway::dataplane::stages {

struct Vary {
  static constexpr std::string_view name = "vary";

  static void run(const Burst& burst, LaneContext& lane) noexcept {
    if (lane.entropy == nullptr) {
      return;
    }
    std::array<std::uint16_t, burst_size> places;
    std::array<std::uint64_t, burst_size> hashes;
    std::array<lb::FlowKey, burst_size> keys;
    std::array<std::uint32_t, burst_size> entropies;
    std::size_t count = 0;
    for (std::uint16_t i = 0; i < burst.count; ++i) {
      if (burst.meta[i].traffic_class != TrafficClass::rdma) {
        continue;
      }
      hashes[count] = burst.hashes[i];
      keys[count] = burst.keys[i];
      places[count++] = i;
    }
    Entropy& entropy = *lane.entropy;
    entropy.flows.decide(std::span{hashes}.first(count), std::span{keys}.first(count), lane.now_ns,
                         std::span{entropies}.first(count),
                         [&](std::size_t i) { return lane.returns->take_trouble(hashes[i]); });
    std::uint64_t varied = 0;
    std::uint64_t unvaried = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (entropies[i] == 0) {
        continue;
      }
      const std::uint16_t at = places[i];
      const bool done = entropy.write(frame_in(burst.packets[at], burst.meta[at]), entropies[i]);
      varied += done ? 1 : 0;
      unvaried += done ? 0 : 1;
    }
    lane.order_counts->add(OrderCount::varied, varied);
    lane.order_counts->add(OrderCount::unvaried, unvaried);
    lane.order_counts->set(OrderCount::entropy_changes, entropy.flows.changes());
  }
};

}  // namespace braidway::dataplane::stages
