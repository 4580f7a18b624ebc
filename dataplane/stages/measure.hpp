// measure: reads the tags of what comes from the fabric, for strip and order, meters the paths by them, and
// picks packets to be reported on. A tag that cannot be right has the packet dropped, under the reason's
// name.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "dataplane/burst.hpp"
#include "dataplane/drops.hpp"
#include "dataplane/frame_view.hpp"
#include "dataplane/lane_context.hpp"
#include "dataplane/order_buffer.hpp"
#include "telemetry/ip_packet.hpp"
#include "telemetry/path_meter.hpp"
#include "telemetry/strip.hpp"

namespace braidway::dataplane::stages {

struct Measure {
  static constexpr std::string_view name = "measure";
  enum class Drop : std::uint8_t {
    tag_unexpected,    ///< the configuration has no stamping with the peer
    unknown_gateway,   ///< the tag is of a gateway that is not the peer
    tag_for_tunnel,    ///< the packet is in a tunnel, and the peer's paths are strands
    tag_for_strand,    ///< the other way round
    tunnel_malformed,  ///< what is in the tunnel is no IP packet, or not of the length that it must have
    ce_on_not_ect,     ///< marked as congested on its way, and of those that may not be (RFC 6040, 4.2)
    int_discard,       ///< INT's D bit: made for the telemetry's sake
    tag_scattered,     ///< the headers lie in several buffers, and do not fit into one
    none,
  };
  static constexpr std::array<std::string_view, 8> drops{
      "tag_unexpected",   "unknown_gateway", "tag_for_tunnel", "tag_for_strand",
      "tunnel_malformed", "ce_on_not_ect",   "int_discard",    "tag_scattered"};

  static void run(Burst& burst, LaneContext& lane, Drops<Measure> dropped) noexcept {
    if (burst.all_flows) {
      return;  // none is tagged
    }
    std::array<telemetry::PathSample, burst_size> samples;
    std::uint16_t sampled = 0;
    for (std::uint16_t i = 0, count = burst.count; i < count; ++i) {
      if (burst.meta[i].traffic_class != TrafficClass::tagged) {
        continue;
      }
      const Drop why = examine(burst, i, lane);
      if (why != Drop::none) [[unlikely]] {
        dropped.count(why);
        burst.discard(i);
        continue;
      }
      const telemetry::Tagged& tag = burst.tags[i];
      if (lane.reports != nullptr) {
        lane.reports->look(burst.hashes[i], burst.keys[i], tag, burst.packets[i], lane.now_ns);
      }
      const lb::PathId path = tag.words.tag.path();
      if (lane.order->is_path(path)) [[likely]] {
        samples[sampled++] = {.meter = lane.meters->index(0, path),
                              .departure = tag.words.departure,
                              .bytes = tag.ip_bytes,
                              .ce = (tag.traffic_class & telemetry::ecn_mask) == telemetry::ecn_ce,
                              .stack = tag.stack};
      }
    }
    if (sampled > 0) {
      lane.meters->measure(std::span{samples}.first(sampled), lane.now_ns);
    }
    if (lane.reports != nullptr) {
      lane.reports->tell();
    }
  }

 private:
  static Drop examine(Burst& burst, std::uint16_t i, const LaneContext& lane) noexcept {
    if (lane.order == nullptr) [[unlikely]] {
      return Drop::tag_unexpected;
    }
    rte_mbuf* packet = burst.packets[i];
    telemetry::Tagged& tag = burst.tags[i];
    auto fault = telemetry::examine(frame_in(packet, burst.meta[i]), lane.own_ports.int_md, tag);
    if (fault == telemetry::IntFault::headers_scattered && rte_pktmbuf_linearize(packet) == 0) [[unlikely]] {
      fault = telemetry::examine(frame_in(packet, burst.meta[i]), lane.own_ports.int_md, tag);
    }
    if (fault == telemetry::IntFault::int_discard || fault == telemetry::IntFault::headers_scattered)
        [[unlikely]] {
      return fault == telemetry::IntFault::int_discard ? Drop::int_discard : Drop::tag_scattered;
    }
    if (tag.header.npt() != lane.npt) [[unlikely]] {
      return lane.npt == telemetry::Npt::port ? Drop::tag_for_tunnel : Drop::tag_for_strand;
    }
    // The parser has seen to it that it can be nothing else.
    if (fault != telemetry::IntFault::none) [[unlikely]] {
      return fault == telemetry::IntFault::ce_on_not_ect ? Drop::ce_on_not_ect : Drop::tunnel_malformed;
    }
    return tag.words.tag.source() == lane.order->peer() ? Drop::none : Drop::unknown_gateway;
  }
};

}  // namespace braidway::dataplane::stages
