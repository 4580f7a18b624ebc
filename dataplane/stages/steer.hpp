// steer: gives each packet of a host port its path, by the policy and the path table of this burst; and where
// packets of a flow may take several paths, a number in its flow.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "dataplane/burst.hpp"
#include "dataplane/drops.hpp"
#include "dataplane/flow_steering.hpp"
#include "dataplane/lane_context.hpp"
#include "lb/path_table.hpp"
#include "lb/pinned.hpp"

namespace braidway::dataplane::stages {

struct Steer {
  static constexpr std::string_view name = "steer";
  enum class Drop : std::uint8_t { no_live_path };  ///< every path to the peer is dead
  static constexpr std::array<std::string_view, 1> drops{"no_live_path"};

  static void run(Burst& burst, LaneContext& lane, Drops<Steer> dropped) noexcept {
    const lb::PeerPaths& paths = lane.table->peers().front();
    const auto first_live = paths.first_live();
    if (!first_live) [[unlikely]] {
      for (std::uint16_t i = 0; i < burst.count; ++i) {
        dropped.count(Drop::no_live_path);
        burst.discard(i);
      }
      return;
    }
    if (lane.steering != nullptr) {
      steer_flows(burst, lane, paths, *first_live);
      return;
    }
    const auto records = paths.records();
    const bool all_flows = burst.all_flows;
    for (std::uint16_t i = 0, count = burst.count; i < count; ++i) {
      const bool has_flow = all_flows || burst.meta[i].l3_offset != 0;
      const lb::PathId path = has_flow ? lb::Pinned::decide(burst.hashes[i], paths) : *first_live;
      burst.meta[i].egress = records[lb::value(path)].egress;
    }
  }

 private:
  static constexpr std::array<std::uint16_t, burst_size> one_peer{};

  static void steer_flows(Burst& burst, LaneContext& lane, const lb::PeerPaths& paths,
                          lb::PathId first_live) noexcept {
    FlowSteering& steering = *lane.steering;
    std::array<std::uint32_t, burst_size> bytes;
    std::array<lb::Policy, burst_size> limits;
    const Treatments& treatments = steering.treatments();
    const lb::Policy usual = treatments.limit(lb::FlowRules::none);
    const bool ruled = treatments.has_rules();
    const std::uint16_t count = burst.count;
    std::uint64_t unstampable = 0;
    for (std::uint16_t i = 0; i < count; ++i) {
      const rte_mbuf* packet = burst.packets[i];
      PacketMeta& meta = burst.meta[i];
      bytes[i] = packet->pkt_len;
      meta.rule = ruled ? treatments.rule_for(meta.traffic_class, burst.keys[i]) : lb::FlowRules::none;
      const bool rdma = meta.traffic_class == TrafficClass::rdma;
      limits[i] = meta.rule != lb::FlowRules::none ? treatments.limit(meta.rule)
                  : rdma                           ? usual
                                                   : lb::Policy::pinned;
      if (limits[i] > lb::Policy::idle_move && steering.stamps() && !steering.has_room(packet, meta))
          [[unlikely]] {
        limits[i] = lb::Policy::pinned;
        ++unstampable;
      }
    }
    steering.renew(*lane.table);
    steering.decide({.hashes = std::span{burst.hashes}.first(count),
                     .keys = std::span{burst.keys}.first(count),
                     .bytes = std::span{bytes}.first(count),
                     .limits = std::span{limits}.first(count),
                     .peers = std::span{one_peer}.first(count)},
                    *lane.table, lane.now_ns, std::span{burst.decisions}.first(count));
    const auto records = paths.records();
    for (std::uint16_t i = 0; i < count; ++i) {
      PacketMeta& meta = burst.meta[i];
      const lb::PathId path = meta.l3_offset != 0 ? burst.decisions[i].path : first_live;
      meta.egress = records[lb::value(path)].egress;
    }
    lane.order_counts->add(OrderCount::unstampable, unstampable);
    steering.tell(*lane.order_counts);
  }
};

}  // namespace braidway::dataplane::stages
