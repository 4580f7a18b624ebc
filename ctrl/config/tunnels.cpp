#include "ctrl/config/tunnels.hpp"

#include <algorithm>
#include <string>

#include "ctrl/config/prefix.hpp"
#include "ctrl/config/words.hpp"

namespace braidway::ctrl {
namespace {

using dataplane::PortRole;

bool is_tunnel(const PathDraft& path) { return path.tunnel.source.given; }

bool is_ipv4(const lb::IpAddress& address) { return address.high == 0 && address.low >> 32U == 0xffff; }

void check_ends(const TunnelDraft& tunnel, std::vector<Problem>& problems) {
  const auto source = parse_address(tunnel.source.value);
  const auto destination = parse_address(tunnel.destination.value);
  if (!source || !destination) return;  // has been reported
  if (is_ipv4(*source) != is_ipv4(*destination)) {
    problems.push_back(
        {tunnel.destination.at, "source and destination are of different IP versions; give two of one"});
  } else if (*source == *destination) {
    problems.push_back({tunnel.destination.at,
                        "source and destination are the same address; the destination is the "
                        "peer's"});
  }
}

void check_paths(const PeerDraft& peer, std::vector<Problem>& problems) {
  const auto first = std::ranges::find_if(peer.paths, is_tunnel);
  if (first == peer.paths.end()) return;
  for (const PathDraft& path : peer.paths) {
    if (!is_tunnel(path)) {
      problems.push_back(
          {path.at, "this path is a strand, and the peer has a tunnel on line " +
                        std::to_string(first->tunnel.at.line) +
                        "; all of a peer's paths are of one kind: write tunnel here, too, or nowhere"});
      continue;
    }
    check_ends(path.tunnel, problems);
    const auto same = std::find_if(peer.paths.begin(), peer.paths.end(), [&](const PathDraft& other) {
      return is_tunnel(other) && other.tunnel.source.value == path.tunnel.source.value &&
             other.tunnel.destination.value == path.tunnel.destination.value &&
             other.tunnel.source_port.value == path.tunnel.source_port.value;
    });
    if (&*same != &path) {
      problems.push_back(
          {path.tunnel.at, "the tunnel on line " + std::to_string(same->tunnel.at.line) +
                               " has the same addresses and source_port; give each tunnel another"});
    }
  }
  if (peer.stamping.value_or(dataplane::Stamping::none) == dataplane::Stamping::none) {
    problems.push_back({first->tunnel.at,
                        "a tunnel carries what is stamped, and the peer has no stamping; write "
                        "stamping: int-md for the peer"});
  }
}

}  // namespace

void check_tunnels(const Draft& draft, std::vector<Problem>& problems) {
  bool any = false;
  for (const PeerDraft& peer : draft.peers) {
    any = any || std::ranges::any_of(peer.paths, is_tunnel);
    check_paths(peer, problems);
  }
  for (const PortDraft& port : draft.ports) {
    const bool needed = any && port.role.given;
    if (needed && !port.link.source.given) {
      problems.push_back({port.at, std::string("packets leave this port with a link header of its own, ") +
                                       (port.role.value == PortRole::host ? "out of tunnels" : "in tunnels") +
                                       "; write link: {source: MAC, destination: MAC}"});
    }
    if (!any && port.link.source.given) {
      problems.push_back({port.link.at, "link is of tunnels, and no path is one; leave it out"});
    }
  }
}

std::optional<dataplane::LinkSettings> link_of(const LinkDraft& draft) {
  if (!draft.source.given) return std::nullopt;
  dataplane::LinkSettings link;
  link.source = parse_mac(draft.source.value).value_or(link.source);
  link.destination = parse_mac(draft.destination.value).value_or(link.destination);
  link.vlan = draft.vlan.value_or(link.vlan);
  return link;
}

std::optional<dataplane::TunnelPath> tunnel_of(const TunnelDraft& draft) {
  if (!draft.source.given) return std::nullopt;
  return dataplane::TunnelPath{
      .source = parse_address(draft.source.value).value_or(lb::IpAddress{}),
      .destination = parse_address(draft.destination.value).value_or(lb::IpAddress{}),
      .source_port = draft.source_port.value};
}

}  // namespace braidway::ctrl
