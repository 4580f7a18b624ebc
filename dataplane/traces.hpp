// What traces to a peer and from it need: the headers that they begin with, and how the peer's are known.
// Packets that are traced are those of RC and UC flows over IPv6; a trace bears no number of a flow, so that
// these are never on several paths at once.
//
// Our own data, where configured: gateway id, ports by their place in the configuration, and when the burst
// came: seconds and, as Linux has it, microseconds of the gateway's clock.
//
// Owner: the lane's worker. No memory of its own after construction.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "dataplane/settings.hpp"
#include "dataplane/treatments.hpp"
#include "lb/types.hpp"
#include "telemetry/ioam_source.hpp"

namespace braidway::dataplane {

/// As the codec takes them; `mtu`: of the egress, bytes.
telemetry::IoamSettings ioam_settings(const TraceSettings& trace, std::uint16_t mtu) noexcept;

/// The most that traces may put in front of a packet: the headroom of every buffer, bytes.
std::size_t most_trace_bytes() noexcept;

class Traces {
 public:
  /// The peer has `trace`.
  explicit Traces(const GatewaySettings& settings);

  /// Packets of the rule, or of none, get traces.
  [[nodiscard]] bool wanted(std::uint8_t rule) const noexcept { return wanted_[rule]; }
  /// Puts a packet of `frame_bytes`, padding and all, behind a trace. Faults: those of IoamSource::add();
  /// not_ipv6. Nothing is changed then.
  telemetry::IoamRewritten add(const telemetry::FrameInBuffer& frame, std::uint64_t flow_hash,
                               std::uint16_t egress, lb::Nanoseconds now) const noexcept;

  /// It has a Hop-by-Hop header, and goes from us to the peer.
  [[nodiscard]] bool is_to_peer(const telemetry::FrameInBuffer& frame) const noexcept {
    return has_ends(frame, source_, destination_);
  }
  /// The same, from the peer to us.
  [[nodiscard]] bool is_from_peer(const telemetry::FrameInBuffer& frame) const noexcept {
    return has_ends(frame, destination_, source_);
  }
  [[nodiscard]] std::uint16_t namespace_id() const noexcept { return namespace_id_; }
  /// By which of the peer's paths a packet comes that comes by this port: a trace does not say.
  [[nodiscard]] std::optional<lb::PathId> path_by(std::uint16_t port) const noexcept { return paths_[port]; }

 private:
  static bool has_ends(const telemetry::FrameInBuffer& frame, const lb::IpAddress& source,
                       const lb::IpAddress& destination) noexcept;

  Traces(const GatewaySettings& settings, const TraceSettings& trace);

  lb::IpAddress source_;  ///< ours
  lb::IpAddress destination_;
  std::uint16_t namespace_id_;
  std::uint16_t host_port_;
  lb::GatewayId self_;
  bool own_node_;
  std::uint16_t mtu_;  ///< the least of the fabric
  telemetry::IoamSource headers_;
  std::vector<std::optional<lb::PathId>> paths_;  ///< by port index
  std::array<bool, Treatments::most> wanted_;     ///< by rule
};

}  // namespace braidway::dataplane
