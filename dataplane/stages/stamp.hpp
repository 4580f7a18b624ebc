// stamp: writes the number that steering gave a packet into it, with INT; or puts its IP packet into a tunnel
// that carries both. Headers move into the headroom,
// the payload stays where it is, and so does what comes behind it (padding, trailers). Drops nothing: steer
// numbers no packet that has no room for a stamp. As a hop we know who we are, our ports by their place in
// the configuration, and when the burst came; what waits in a device before and after us we do not.
#pragma once

#include <cassert>
#include <string_view>

#include "dataplane/burst.hpp"
#include "dataplane/flow_steering.hpp"
#include "dataplane/frame_view.hpp"
#include "dataplane/lane_context.hpp"
#include "dataplane/sent_counts.hpp"
#include "telemetry/stamp.hpp"

namespace braidway::dataplane::stages {

struct Stamp {
  static constexpr std::string_view name = "stamp";

  static void run(Burst& burst, LaneContext& lane) noexcept {
    if (lane.steering == nullptr || !lane.steering->stamps()) {
      return;
    }
    const auto departure = static_cast<std::uint32_t>(lb::value(lane.now_ns));
    const Tunnels& tunnels = lane.steering->tunnels();
    telemetry::HopMetadata own{.node_id = lb::value(lane.steering->self()),
                               .level1_ingress = lane.host_port,
                               .ingress_time = static_cast<std::uint64_t>(lb::value(lane.now_ns))};
    SentCounts& sent = lane.link->lane_news[lb::value(lane.lane)]->sent;
    sent.begin(lane.now_ns);
    std::uint64_t stamped = 0;
    for (std::uint16_t i = 0, count = burst.count; i < count; ++i) {
      const lb::Decision& decision = burst.decisions[i];
      if (!decision.numbered) {
        continue;
      }
      rte_mbuf* packet = burst.packets[i];
      const telemetry::OrderWords words{
          .tag = {decision.sequence, lane.steering->self(), decision.path, lane.lane, decision.epoch},
          .departure = departure};
      const PacketMeta& meta = burst.meta[i];
      const FlowSteering::Stamp& stamp = lane.steering->stamp(meta.rule);
      own.level1_egress = meta.egress;
      const telemetry::HopMetadata* hop = stamp.own_hop ? &own : nullptr;
      if (tunnels.any()) [[unlikely]] {
        put_into(tunnels.stamp(meta.rule, decision.path), packet, meta, words, hop);
      } else {
        const auto done = stamp.write.stamp(frame_in(packet, meta), words, hop);
        assert(done.fault == telemetry::IntFault::none);
        rte_pktmbuf_prepend(packet, done.front_moved);
      }
      sent.count(decision.path);
      ++stamped;
    }
    lane.order_counts->add(OrderCount::stamped, stamped);
  }

 private:
  /// The IP packet alone goes on: what stood behind it (padding) is of the link that it came by.
  static void put_into(const telemetry::TunnelStamp& tunnel, rte_mbuf* packet, const PacketMeta& meta,
                       const telemetry::OrderWords& words, const telemetry::HopMetadata* hop) noexcept {
    const auto done = tunnel.stamp(frame_in(packet, meta), words, hop);
    assert(done.fault == telemetry::IntFault::none);
    rte_pktmbuf_prepend(packet, done.front_moved);
    rte_pktmbuf_trim(packet, static_cast<std::uint16_t>(packet->pkt_len - done.frame_bytes));
  }
};

}  // namespace braidway::dataplane::stages
