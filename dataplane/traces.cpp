#include "dataplane/traces.hpp"

#include <algorithm>

#include <rte_mbuf_core.h>

#include "telemetry/big_endian.hpp"

namespace braidway::dataplane {
namespace {

constexpr std::uint64_t ns_per_second = 1'000'000'000;
constexpr std::uint64_t ns_per_us = 1000;

std::uint16_t least_fabric_mtu(const GatewaySettings& settings) {
  std::uint16_t least = UINT16_MAX;
  for (const PortSettings& port : settings.ports) {
    if (port.role == PortRole::fabric) least = std::min(least, port.mtu);
  }
  return least;
}

std::uint16_t host_port_of(const GatewaySettings& settings) {
  const auto host = std::ranges::find(settings.ports, PortRole::host, &PortSettings::role);
  return static_cast<std::uint16_t>(host - settings.ports.begin());
}

std::array<bool, Treatments::most> wanted_by(const PeerSettings& peer) {
  std::array<bool, Treatments::most> wanted{};
  wanted.fill(peer.stamping == Stamping::none);
  for (std::size_t i = 0; i < peer.rules.size(); ++i) wanted[i] = peer.rules[i].treatment.traced;
  return wanted;
}

/// A strand is a port of its own.
std::vector<std::optional<lb::PathId>> paths_by_port(const GatewaySettings& settings) {
  std::vector<std::optional<lb::PathId>> paths(settings.ports.size());
  const std::vector<PathSettings>& of_peer = settings.peers.front().paths;
  for (std::size_t i = 0; i < of_peer.size(); ++i) paths[of_peer[i].port] = static_cast<lb::PathId>(i);
  return paths;
}

const TraceSettings& trace_of(const PeerSettings& peer) {
  assert(peer.trace);
  // NOLINTNEXTLINE(bugprone-unchecked-optional-access): made only where there is one
  return *peer.trace;
}

bool is_ipv6(const telemetry::FrameInBuffer& frame) noexcept {
  return frame.l3_offset + telemetry::ipv6_header_bytes <= frame.contiguous() &&
         std::to_integer<unsigned>(frame.begin()[frame.l3_offset]) >> 4U == 6;
}

}  // namespace

telemetry::IoamSettings ioam_settings(const TraceSettings& trace, std::uint16_t mtu) noexcept {
  return {.source = trace.source,
          .destination = trace.destination,
          .trace_type = trace.type,
          .namespace_id = trace.namespace_id,
          .nodes = trace.nodes,
          .mtu = mtu};
}

std::size_t most_trace_bytes() noexcept { return RTE_PKTMBUF_HEADROOM; }

Traces::Traces(const GatewaySettings& settings) : Traces(settings, trace_of(settings.peers.front())) {}

Traces::Traces(const GatewaySettings& settings, const TraceSettings& trace)
    : source_(trace.source),
      destination_(trace.destination),
      namespace_id_(trace.namespace_id),
      host_port_(host_port_of(settings)),
      self_(settings.id),
      own_node_(trace.own_node),
      mtu_(least_fabric_mtu(settings)),
      headers_(ioam_settings(trace, mtu_)),
      paths_(paths_by_port(settings)),
      wanted_(wanted_by(settings.peers.front())) {}

telemetry::IoamRewritten Traces::add(const telemetry::FrameInBuffer& frame, std::uint64_t flow_hash,
                                     std::uint16_t egress, lb::Nanoseconds now) const noexcept {
  constexpr std::uint32_t flow_label_bits = 0xfffff;
  if (!is_ipv6(frame)) return {.fault = telemetry::IoamFault::not_ipv6};
  // What stands behind the packet counts, too: the frame is to fit its port.
  if (frame.frame_bytes - frame.l3_offset + headers_.added_bytes() > mtu_) {
    return {.fault = telemetry::IoamFault::exceeds_mtu};
  }
  const auto ns = static_cast<std::uint64_t>(lb::value(now));
  const telemetry::IoamNode own{
      .node_id = lb::value(self_),
      .ingress = host_port_,
      .egress = egress,
      .seconds = static_cast<std::uint32_t>(ns / ns_per_second),
      .fraction = static_cast<std::uint32_t>(ns % ns_per_second / ns_per_us),
      .node_id_wide = lb::value(self_),
      .ingress_wide = host_port_,
      .egress_wide = egress,
  };
  return headers_.add(frame, static_cast<std::uint32_t>(flow_hash) & flow_label_bits,
                      own_node_ ? &own : nullptr);
}

bool Traces::has_ends(const telemetry::FrameInBuffer& frame, const lb::IpAddress& source,
                      const lb::IpAddress& destination) noexcept {
  constexpr std::size_t next_header = 6;
  if (!is_ipv6(frame)) return false;
  const std::byte* ip = frame.begin() + frame.l3_offset;
  return ip[next_header] == std::byte{telemetry::next_header_hop_by_hop} && lb::load_ipv6(ip + 8) == source &&
         lb::load_ipv6(ip + 24) == destination;
}

}  // namespace braidway::dataplane
