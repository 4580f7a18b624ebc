// classify: ends here what must never be forwarded: pause frames, link-local protocols the gateway was told
// to consume, what other gateways say to this one; and what hosts must not send: tags and messages, which are
// gateways' alone. What the peer says goes to the lane that handles messages.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include <rte_ring.h>

#include "dataplane/burst.hpp"
#include "dataplane/drops.hpp"
#include "dataplane/lane_context.hpp"

namespace braidway::dataplane::stages {

struct Classify {
  static constexpr std::string_view name = "classify";
  enum class Drop : std::uint8_t {
    pause_frame,
    lldp_consumed,
    lacp_consumed,
    stp_consumed,
    eapol_consumed,
    message_consumed,    ///< of another gateway; none are configured
    message_queue_full,  ///< more messages than the lane that handles them reads
    tag_from_host,       ///< INT and an order tag that no gateway wrote
    message_from_host,   ///< that no gateway wrote
    none
  };
  static constexpr std::array<std::string_view, 9> drops{
      "pause_frame",      "lldp_consumed",      "lacp_consumed", "stp_consumed",     "eapol_consumed",
      "message_consumed", "message_queue_full", "tag_from_host", "message_from_host"};

  static void run(Burst& burst, const LaneContext& lane, Drops<Classify> dropped) noexcept {
    if (burst.all_flows) [[likely]] {
      return;
    }
    for (std::uint16_t i = 0; i < burst.count; ++i) {
      const Drop why = fate_of(burst.meta[i].traffic_class, burst.direction, lane.link_local);
      if (why == Drop::message_consumed && lane.message_inbox != nullptr) {
        pass_on(burst, i, lane, dropped);
      } else if (why != Drop::none) {
        dropped.count(why);
        burst.discard(i);
      }
    }
  }

 private:
  static void pass_on(Burst& burst, std::uint16_t i, const LaneContext& lane,
                      Drops<Classify> dropped) noexcept {
    PacketMeta& meta = handed_over(burst.packets[i]).meta;
    meta = burst.meta[i];
    meta.egress = burst.ingress;  // where it came from, which tells of loops
    if (rte_ring_mp_enqueue(lane.message_inbox, burst.packets[i]) == 0) {
      burst.release(i);
    } else {
      dropped.count(Drop::message_queue_full);
      burst.discard(i);
    }
  }

  static Drop fate_of(TrafficClass traffic_class, Direction direction,
                      const LinkLocalSettings& settings) noexcept {
    switch (traffic_class) {
      case TrafficClass::pause:
        return Drop::pause_frame;
      case TrafficClass::lldp:
        return settings.lldp == LinkLocal::consume ? Drop::lldp_consumed : Drop::none;
      case TrafficClass::lacp:
        return settings.lacp == LinkLocal::consume ? Drop::lacp_consumed : Drop::none;
      case TrafficClass::stp:
        return settings.stp == LinkLocal::consume ? Drop::stp_consumed : Drop::none;
      case TrafficClass::eapol:
        return settings.eapol == LinkLocal::consume ? Drop::eapol_consumed : Drop::none;
      case TrafficClass::tagged:
        return direction == Direction::source ? Drop::tag_from_host : Drop::none;
      case TrafficClass::message:
        return direction == Direction::source ? Drop::message_from_host : Drop::message_consumed;
      default:
        return Drop::none;
    }
  }
};

}  // namespace braidway::dataplane::stages
