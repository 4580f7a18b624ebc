// What tunnels to a peer begin and end with: a stamp for each path and rule, and the link header of packets
// that come out of them. Made once from the settings; read by the lane's worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "dataplane/settings.hpp"
#include "lb/flow_rules.hpp"
#include "telemetry/tunnel.hpp"

namespace braidway::dataplane {

telemetry::LinkHeader link_header_of(const LinkSettings& link);

/// Bytes that a stamp of the peer's adds to the IP packet, without hops' metadata: the most of its paths.
std::size_t stamp_bytes(const PeerSettings& peer) noexcept;
/// The most that is written in front of a packet's layer-3 header, all of it in the headroom; our own hop's
/// metadata included.
std::size_t headroom_bytes(const GatewaySettings& settings) noexcept;

class Tunnels {
 public:
  /// None if the peer's paths are strands.
  explicit Tunnels(const GatewaySettings& settings);

  [[nodiscard]] bool any() const noexcept { return !stamps_.empty(); }
  [[nodiscard]] const telemetry::TunnelStamp& stamp(std::uint8_t rule, lb::PathId path) const noexcept {
    const std::size_t row = rule == lb::FlowRules::none ? rules_ : rule;
    return stamps_[row * paths_ + value(path)];
  }

 private:
  std::size_t paths_;
  std::size_t rules_;
  std::vector<telemetry::TunnelStamp> stamps_;  ///< by rule (the last: of none) and path
};

}  // namespace braidway::dataplane
