#include "dataplane/tunnels.hpp"

#include <algorithm>
#include <array>

namespace braidway::dataplane {
namespace {

constexpr std::uint16_t vlan_ethertype = 0x8100;
constexpr std::size_t vlan_bytes = 4;

bool is_ipv4(const lb::IpAddress& address) noexcept {
  return lb::ipv4(static_cast<std::uint32_t>(address.low)) == address;
}

std::size_t outer_bytes(const TunnelPath& tunnel) noexcept {
  return telemetry::udp_header_bytes +
         (is_ipv4(tunnel.source) ? telemetry::ipv4_header_bytes : telemetry::ipv6_header_bytes);
}

std::size_t own_hop_bytes(const HopSettings& hops) noexcept {
  return hops.own ? 4 * telemetry::int_hop_words(hops.instructions) : 0;
}

}  // namespace

telemetry::LinkHeader link_header_of(const LinkSettings& link) {
  std::array<std::byte, telemetry::ethernet_header_bytes + vlan_bytes> bytes{};
  const auto put = [&](std::size_t at, const auto& octets) {
    std::ranges::transform(octets, bytes.begin() + static_cast<std::ptrdiff_t>(at),
                           [](std::uint8_t octet) { return std::byte{octet}; });
  };
  put(0, link.destination);
  put(6, link.source);
  if (link.vlan == 0) {
    return telemetry::LinkHeader{std::span{bytes}.first(telemetry::ethernet_header_bytes)};
  }
  telemetry::store_be16(bytes.data() + 12, vlan_ethertype);
  telemetry::store_be16(bytes.data() + 14, link.vlan);
  return telemetry::LinkHeader{bytes};
}

std::size_t stamp_bytes(const PeerSettings& peer) noexcept {
  std::size_t most = 0;
  for (const PathSettings& path : peer.paths) {
    most = std::max(most, path.tunnel ? outer_bytes(*path.tunnel) : 0);
  }
  return telemetry::int_min_bytes + most;
}

std::size_t headroom_bytes(const GatewaySettings& settings) noexcept {
  const PeerSettings& peer = settings.peers.front();
  std::size_t hop = own_hop_bytes(peer.hops);
  for (const RuleSettings& rule : peer.rules) hop = std::max(hop, own_hop_bytes(rule.treatment.hops));
  // A strand's link header moves along; a tunnel's own may be longer than that of the packet, by a VLAN tag.
  return stamp_bytes(peer) + hop + (by_tunnels(peer) ? vlan_bytes : 0);
}

Tunnels::Tunnels(const GatewaySettings& settings)
    : paths_(settings.peers.front().paths.size()), rules_(settings.peers.front().rules.size()) {
  const PeerSettings& peer = settings.peers.front();
  if (!by_tunnels(peer)) return;
  const auto add_row = [&](const HopSettings& hops) {
    for (const PathSettings& path : peer.paths) {
      const PortSettings& port = settings.ports[path.port];
      const TunnelPath tunnel = path.tunnel.value_or(TunnelPath{});
      stamps_.emplace_back(
          telemetry::TunnelSettings{.telemetry = {.udp_port = settings.int_port,
                                                  .bitmap = hops.instructions,
                                                  .hops = hops.hops,
                                                  .mtu = port.mtu},
                                    .link = link_header_of(port.link.value_or(LinkSettings{})),
                                    .source = tunnel.source,
                                    .destination = tunnel.destination,
                                    .source_port = tunnel.source_port,
                                    .flow_label = tunnel.source_port});
    }
  };
  for (const RuleSettings& rule : peer.rules) add_row(rule.treatment.hops);
  add_row(peer.hops);
}

}  // namespace braidway::dataplane
