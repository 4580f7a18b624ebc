// strip: takes off the tags that measure has read, so that packets are again what they were at the source;
// and counts the NAKs that the far hosts send, by which the policy is judged. Drops nothing.
#pragma once

#include <string_view>

#include "dataplane/burst.hpp"
#include "dataplane/frame_view.hpp"
#include "dataplane/lane_context.hpp"
#include "telemetry/roce.hpp"
#include "telemetry/strip.hpp"

namespace braidway::dataplane::stages {

struct Strip {
  static constexpr std::string_view name = "strip";

  static void run(Burst& burst, LaneContext& lane) noexcept {
    if (burst.all_flows) {
      return;  // none is tagged
    }
    std::uint64_t stripped = 0;
    std::uint64_t naks = 0;
    for (std::uint16_t i = 0, count = burst.count; i < count; ++i) {
      if (burst.meta[i].traffic_class != TrafficClass::tagged) {
        continue;
      }
      rte_mbuf* packet = burst.packets[i];
      const auto done = telemetry::strip(frame_in(packet, burst.meta[i]), burst.tags[i], lane.host_link);
      rte_pktmbuf_adj(packet, done.front_moved);
      if (lane.npt == telemetry::Npt::tunnel) [[unlikely]] {
        out_of_tunnel(packet, burst.meta[i], burst.tags[i], done.frame_bytes, lane.host_link);
      }
      naks += is_nak(frame_in(packet, burst.meta[i])) ? 1 : 0;
      ++stripped;
    }
    lane.order_counts->add(OrderCount::stripped, stripped);
    lane.link->lane_news[lb::value(lane.lane)]->naks.add(naks);
  }

 private:
  static void out_of_tunnel(rte_mbuf* packet, PacketMeta& meta, const telemetry::Tagged& tag,
                            std::uint32_t bytes, const telemetry::LinkHeader& link) noexcept {
    rte_pktmbuf_trim(packet, static_cast<std::uint16_t>(packet->pkt_len - bytes));
    const bool ipv4 = tag.header.original_protocol() == telemetry::protocol_ipv4;
    meta.l3_offset = static_cast<std::uint16_t>(link.bytes());
    meta.l4_offset = static_cast<std::uint16_t>(
        link.bytes() + (ipv4 ? telemetry::ipv4_header_bytes : telemetry::ipv6_header_bytes));
  }
  /// "PSN sequence error".
  static bool is_nak(const telemetry::FrameInBuffer& frame) noexcept {
    const std::size_t bth = frame.l4_offset + telemetry::udp_header_bytes;
    const std::size_t aeth = bth + telemetry::bth_bytes;
    return aeth < frame.contiguous() &&
           std::to_integer<std::uint8_t>(frame.begin()[bth]) ==
               static_cast<std::uint8_t>(telemetry::Opcode::rc_acknowledge) &&
           std::to_integer<std::uint8_t>(frame.begin()[aeth]) == telemetry::aeth_nak_sequence;
  }
};

}  // namespace braidway::dataplane::stages
