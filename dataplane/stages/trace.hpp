// trace: puts RC and UC packets over IPv6, of which the configuration wants that, behind a new IPv6 header
// with room for what the nodes on the way tell (IOAM). IPv4, and what has no room for it in front or within
// the fabric's MTU, crosses as it is, and is counted. What a host sends as if it were such a packet of ours
// has the peer take for ours what is not.
#pragma once

#include <array>
#include <string_view>

#include "dataplane/burst.hpp"
#include "dataplane/drops.hpp"
#include "dataplane/first_header.hpp"
#include "dataplane/frame_view.hpp"
#include "dataplane/lane_context.hpp"

namespace braidway::dataplane::stages {

struct Trace {
  static constexpr std::string_view name = "trace";
  enum class Drop : std::uint8_t { trace_from_host };  ///< between the gateways' addresses, by no gateway
  static constexpr std::array<std::string_view, 1> drops{"trace_from_host"};

  static void run(Burst& burst, const LaneContext& lane, Drops<Trace> dropped) noexcept {
    if (lane.traces == nullptr) {
      return;
    }
    std::uint64_t traced = 0;
    std::uint64_t untraceable = 0;
    for (std::uint16_t i = 0, count = burst.count; i < count; ++i) {
      PacketMeta& meta = burst.meta[i];
      rte_mbuf* packet = burst.packets[i];
      if (meta.traffic_class == TrafficClass::other &&
          lane.traces->is_to_peer(FirstHeader(packet, meta).frame())) {
        dropped.count(Drop::trace_from_host);
        burst.discard(i);
        continue;
      }
      if (meta.traffic_class != TrafficClass::rdma || !lane.traces->wanted(meta.rule)) {
        continue;
      }
      const auto done = lane.traces->add(frame_in(packet, meta), burst.hashes[i], meta.egress, lane.now_ns);
      if (done.fault != telemetry::IoamFault::none) {
        ++untraceable;
        continue;
      }
      rte_pktmbuf_prepend(packet, done.front_moved);
      meta.l4_offset = 0;  // behind the extension header nothing is read
      ++traced;
    }
    lane.order_counts->add(OrderCount::traced, traced);
    lane.order_counts->add(OrderCount::untraceable, untraceable);
  }
};

}  // namespace braidway::dataplane::stages
