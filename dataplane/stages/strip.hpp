// strip: takes tags off, so that packets are again what they were at the source, and keeps what they said for
// order. A tag that cannot be right has the packet dropped, under the reason's name.
#pragma once

#include <array>
#include <string_view>

#include "dataplane/burst.hpp"
#include "dataplane/drops.hpp"
#include "dataplane/frame_view.hpp"
#include "dataplane/lane_context.hpp"
#include "dataplane/order_buffer.hpp"
#include "telemetry/strip.hpp"

namespace braidway::dataplane::stages {

struct Strip {
  static constexpr std::string_view name = "strip";
  enum class Drop : std::uint8_t {
    tag_unexpected,   ///< the configuration has no stamping with the peer
    unknown_gateway,  ///< the tag is of a gateway that is not the peer
    tag_for_tunnel,   ///< wire mode has no tunnels
    int_discard,      ///< INT's D bit: made for the telemetry's sake
    tag_scattered,    ///< the headers lie in several buffers, and do not fit into one
    none,
  };
  static constexpr std::array<std::string_view, 5> drops{"tag_unexpected", "unknown_gateway",
                                                         "tag_for_tunnel", "int_discard", "tag_scattered"};

  static void run(Burst& burst, LaneContext& lane, Drops<Strip> dropped) noexcept {
    if (burst.all_flows) {
      return;  // none is tagged
    }
    std::uint64_t stripped = 0;
    for (std::uint16_t i = 0, count = burst.count; i < count; ++i) {
      if (burst.meta[i].traffic_class != TrafficClass::tagged) {
        continue;
      }
      const Drop why = strip_packet(burst, i, lane);
      if (why != Drop::none) [[unlikely]] {
        dropped.count(why);
        burst.discard(i);
      } else {
        ++stripped;
      }
    }
    lane.order_counts->add(OrderCount::stripped, stripped);
  }

 private:
  static Drop strip_packet(Burst& burst, std::uint16_t i, LaneContext& lane) noexcept {
    rte_mbuf* packet = burst.packets[i];
    if (lane.order == nullptr) [[unlikely]] {
      return Drop::tag_unexpected;
    }
    telemetry::Tagged tagged;
    auto fault = telemetry::examine(frame_in(packet, burst.meta[i]), lane.own_ports.int_md, tagged);
    if (fault == telemetry::IntFault::headers_scattered && rte_pktmbuf_linearize(packet) == 0) [[unlikely]] {
      fault = telemetry::examine(frame_in(packet, burst.meta[i]), lane.own_ports.int_md, tagged);
    }
    // The parser has seen to it that it can be nothing else.
    if (fault != telemetry::IntFault::none) [[unlikely]] {
      return fault == telemetry::IntFault::int_discard         ? Drop::int_discard
             : fault == telemetry::IntFault::headers_scattered ? Drop::tag_scattered
                                                               : Drop::tag_for_tunnel;
    }
    if (tagged.header.npt() != telemetry::Npt::port) [[unlikely]] {
      return Drop::tag_for_tunnel;
    }
    if (tagged.words.tag.source() != lane.order->peer()) [[unlikely]] {
      return Drop::unknown_gateway;
    }
    const auto done = telemetry::strip(frame_in(packet, burst.meta[i]), tagged, {});
    rte_pktmbuf_adj(packet, done.front_moved);
    burst.tags[i] = tagged.words;
    return Drop::none;
  }
};

}  // namespace braidway::dataplane::stages
