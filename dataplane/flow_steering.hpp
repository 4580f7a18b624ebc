// What a lane needs to send RC and UC flows by a policy other than `pinned`: lb's decisions, and the stamp
// that carries their numbers.
//
// A path's share is its weight in the path table times what the peer's messages say that it may be given;
// where there are none they say nothing, and its delay counts as that of the others.
//
// Owner: the lane's worker. All memory at construction.
#pragma once

#include <cstdint>
#include <vector>

#include <rte_mbuf.h>

#include "dataplane/burst.hpp"
#include "dataplane/order_counts.hpp"
#include "dataplane/peer_link.hpp"
#include "dataplane/settings.hpp"
#include "dataplane/treatments.hpp"
#include "dataplane/tunnels.hpp"
#include "lb/path_table.hpp"
#include "lb/steering.hpp"
#include "telemetry/stamp.hpp"

namespace braidway::dataplane {

class FlowSteering {
 public:
  /// `link` outlives this.
  FlowSteering(const GatewaySettings& settings, const PeerLink& link);

  /// Puts to use what has changed in the table, or is known of the peer. Called once a burst.
  void renew(const lb::PathTable& table) noexcept {
    const std::uint32_t version = link_.version.load(std::memory_order_acquire);
    if (table.generation() != generation_ || version != version_) [[unlikely]] {
      version_ = version;
      heed(table);
    }
  }
  void decide(const lb::SteerBurst& burst, const lb::PathTable& table, lb::Nanoseconds now,
              std::span<lb::Decision> out) noexcept {
    steering_.decide(burst, table, waits_ns_, now, out);
  }
  void sweep(lb::Nanoseconds now) noexcept { steering_.sweep(now); }

  /// Packets may be numbered, and then stamped.
  [[nodiscard]] bool stamps() const noexcept { return stamps_; }
  /// There is room for a stamp: in front of the frame, and in every path's MTU.
  [[nodiscard]] bool has_room(const rte_mbuf* packet, const PacketMeta& meta) const noexcept {
    return rte_pktmbuf_headroom(packet) >= most_headroom_ &&
           packet->data_len >= meta.l4_offset + telemetry::udp_header_bytes + telemetry::bth_bytes &&
           packet->pkt_len - meta.l3_offset <= most_ip_bytes_;
  }
  [[nodiscard]] const Treatments& treatments() const noexcept { return treatments_; }
  /// The stamp for packets of a rule, or of none; and whether it tells of us as of a hop.
  struct Stamp {
    telemetry::StrandStamp write;
    bool own_hop;
  };
  [[nodiscard]] const Stamp& stamp(std::uint8_t rule) const noexcept { return stamp_by_rule_[rule]; }
  [[nodiscard]] const Tunnels& tunnels() const noexcept { return tunnels_; }
  [[nodiscard]] lb::GatewayId self() const noexcept { return self_; }

  void tell(OrderCounts& counts) const noexcept;

 private:
  void heed(const lb::PathTable& table) noexcept;

  const PeerLink& link_;
  lb::Steering steering_;
  Treatments treatments_;
  Tunnels tunnels_;
  std::vector<Stamp> stamp_by_rule_;  ///< by rule
  std::size_t most_headroom_;         ///< of any of them, our own hop included
  std::uint32_t most_ip_bytes_;       ///< of a packet before it is stamped
  lb::GatewayId self_;
  bool stamps_;
  std::uint64_t generation_ = 0;  ///< of the path table that the shares are of
  std::uint32_t version_ = 0;     ///< of `link_` the same
  std::vector<float> shares_;     ///< by path
  std::vector<float> delays_ns_;  ///< by path
  /// By port: how long what waits there takes to leave. Always 0: while a fabric port refuses packets its
  /// worker takes none in.
  std::vector<float> waits_ns_;
};

}  // namespace braidway::dataplane
