// untrace: takes packets out from behind the trace that the peer put them behind, and looks at them again:
// from here on they are what they were at the source. Hop-by-Hop headers that are none of the peer's traces
// cross untouched; those between the gateways' addresses are counted. What the nodes on the way have written
// goes to the meters of the path's hops.
#pragma once

#include <array>
#include <string_view>

#include "dataplane/burst.hpp"
#include "dataplane/drops.hpp"
#include "dataplane/first_header.hpp"
#include "dataplane/frame_view.hpp"
#include "dataplane/lane_context.hpp"
#include "dataplane/stages/parse.hpp"
#include "telemetry/ioam_sink.hpp"

namespace braidway::dataplane::stages {

struct Untrace {
  static constexpr std::string_view name = "untrace";
  enum class Drop : std::uint8_t {
    trace_malformed,      ///< the header, the trace or the packet in it is wrong
    trace_ce_on_not_ect,  ///< marked as congested on its way, and of those that may not be (RFC 6040, 4.2)
    trace_scattered,      ///< the headers lie in several buffers, and do not fit into one
    none
  };
  static constexpr std::array<std::string_view, 3> drops{"trace_malformed", "trace_ce_on_not_ect",
                                                         "trace_scattered"};

  static void run(Burst& burst, const LaneContext& lane, Drops<Untrace> dropped) noexcept {
    if (lane.traces == nullptr) {
      return;
    }
    for (std::uint16_t i = 0, count = burst.count; i < count; ++i) {
      const PacketMeta& meta = burst.meta[i];
      if (meta.traffic_class != TrafficClass::other || meta.l4_offset != 0 ||
          !lane.traces->is_from_peer(FirstHeader(burst.packets[i], meta).frame())) {
        continue;
      }
      const Drop why = take_out(burst, i, lane);
      if (why != Drop::none) [[unlikely]] {
        dropped.count(why);
        burst.discard(i);
      }
    }
  }

 private:
  static Drop take_out(Burst& burst, std::uint16_t i, const LaneContext& lane) noexcept {
    using telemetry::IoamFault;
    rte_mbuf* packet = burst.packets[i];
    telemetry::Traced traced;
    const auto examine = [&] {
      return telemetry::examine_ioam(frame_in(packet, burst.meta[i]), lane.traces->namespace_id(), traced);
    };
    IoamFault fault = examine();
    if (fault == IoamFault::headers_scattered && rte_pktmbuf_linearize(packet) == 0) [[unlikely]] {
      fault = examine();
    }
    if (fault == IoamFault::no_trace || fault == IoamFault::other_namespace) {
      lane.order_counts->add(OrderCount::traces_foreign, 1);
      return Drop::none;
    }
    if (fault != IoamFault::none) [[unlikely]] {
      return fault == IoamFault::ce_on_not_ect       ? Drop::trace_ce_on_not_ect
             : fault == IoamFault::headers_scattered ? Drop::trace_scattered
                                                     : Drop::trace_malformed;
    }
    lane.order_counts->add(OrderCount::trace_nodes, traced.node_count);
    if (const auto path = lane.traces->path_by(burst.ingress); path && lane.meters != nullptr) {
      lane.meters->measure_trace(lane.meters->index(0, *path), traced.nodes, traced.node_count);
    }
    lane.order_counts->add(OrderCount::traces_full, traced.trace.overflowed() ? 1 : 0);
    const auto done = telemetry::strip_ioam(frame_in(packet, burst.meta[i]), traced);
    rte_pktmbuf_adj(packet, done.front_moved);
    if (!Parse::again(burst, i, lane)) [[unlikely]] {
      return Drop::trace_malformed;
    }
    lane.order_counts->add(OrderCount::untraced, 1);
    return Drop::none;
  }
};

}  // namespace braidway::dataplane::stages
