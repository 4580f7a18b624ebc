#include "bench/fabric/schemes/gateway_source.hpp"

#include <algorithm>
#include <array>

namespace braidway::bench::fabric {
namespace {

constexpr std::uint64_t hash_seed = 0x6272'6169'6477'6179ULL;
/// Traffic to a peer has ended when nothing was sent for so long.
constexpr Nanoseconds quiet = 5'000'000;

/// The records of every leaf's paths, egress numbers instead of ports.
std::vector<std::vector<lb::PathRecord>> records_of(const LeafPaths& paths, std::uint32_t leaf,
                                                    const GatewayConfig& config,
                                                    std::vector<PortIndex>& egresses) {
  std::vector<std::vector<lb::PathRecord>> records(paths.leaf_count());
  for (std::uint32_t peer = 0; peer < paths.leaf_count(); ++peer) {
    if (peer == leaf) continue;
    const auto& to = paths.paths(leaf * paths.leaf_count() + peer);
    const std::size_t count = config.at_edge ? config.tunnels : to.size();
    for (std::size_t i = 0; i < count; ++i) {
      const PortIndex port = to[i % to.size()].ports[0];
      auto place = std::ranges::find(egresses, port);
      if (place == egresses.end()) place = egresses.insert(egresses.end(), port);
      records[peer].push_back(
          {.egress = static_cast<std::uint16_t>(place - egresses.begin()), .live = true, .weight = 1});
    }
  }
  return records;
}

std::vector<std::size_t> sizes(const std::vector<std::vector<lb::PathRecord>>& records) {
  std::vector<std::size_t> counts;
  for (const auto& of : records) counts.push_back(std::max<std::size_t>(of.size(), 1));
  return counts;
}

}  // namespace

GatewaySource::Peer::Peer(std::size_t paths)
    : health(paths), weights(std::vector<float>(paths, 1.0F)), shares(paths, 1.0F), delays_ns(paths) {}

GatewaySource::GatewaySource(Fabric& fabric, const LeafPaths& paths, std::uint32_t leaf,
                             const GatewayConfig& config)
    : fabric_(fabric),
      paths_(paths),
      leaf_(leaf),
      config_(config),
      table_(lb::PathTable::initial(records_of(paths, leaf, config, egresses_),
                                    hash_seed + fabric.config().seed)) {
  waits_ns_.resize(egresses_.size());
  std::vector<PortIndex> ignored;
  const auto records = records_of(paths, leaf, config, ignored);
  lb::Steering::Parameters parameters;
  parameters.flows = std::max<std::size_t>(fabric.flows().size(), 1);
  for (std::uint32_t lane = 0; lane < config.lanes; ++lane) {
    lb::Steering& steering = lanes_.emplace_back(sizes(records), parameters);
    for (std::uint16_t peer = 0; peer < paths.leaf_count(); ++peer) {
      steering.set_policy(peer, config.policy);
      steering.set_restores_order(peer, true);
    }
  }
  for (const auto& of : records) peers_.push_back(of.empty() ? nullptr : std::make_unique<Peer>(of.size()));
  const lb::FlowHasher hasher{table_.hash_seed()};
  for (std::size_t i = 0; i < fabric.flows().size(); ++i) {
    const Flow& flow = fabric.flows()[i];
    keys_.push_back(lb::rocev2_key(lb::ipv4(flow.source), lb::ipv4(flow.destination),
                                   lb::Qpn{static_cast<std::uint32_t>(i)}));
    hashes_.push_back(hasher.hash(keys_.back()));
  }
}

GatewayTag GatewaySource::steer(const Packet& packet) {
  const Nanoseconds now = fabric_.now();
  const auto peer = static_cast<std::uint16_t>(paths_.leaf_of(packet.destination));
  if (!config_.at_edge) {
    for (std::size_t i = 0; i < egresses_.size(); ++i) {
      const Port& port = fabric_.port(egresses_[i]);
      waits_ns_[i] = static_cast<float>(transmission_time(port.queued(), port.rate));
    }
  }
  const std::uint32_t bytes = packet.bytes;
  const lb::PacketClass data = lb::PacketClass::data;
  lb::Decision decision;
  lanes_[lane_of(packet.flow)].decide({.hashes = {&hashes_[packet.flow], 1},
                                       .keys = {&keys_[packet.flow], 1},
                                       .bytes = {&bytes, 1},
                                       .classes = {&data, 1},
                                       .peers = {&peer, 1}},
                                      table_, waits_ns_, lb::Nanoseconds{now}, {&decision, 1});
  const std::uint16_t egress = table_.peer(peer).record(decision.path).egress;
  const Nanoseconds departure = now + static_cast<Nanoseconds>(waits_ns_[egress]);
  peers_[peer]->health.sent(decision.path, lb::Nanoseconds{departure}, lb::Nanoseconds{now});
  peers_[peer]->last_sent = now;
  return {.departure = departure,
          .sequence = decision.sequence,
          .path = lb::value(decision.path),
          .epoch = decision.epoch,
          .numbered = decision.numbered};
}

void GatewaySource::receive(std::uint32_t index, const GatewayMessage& message) {
  Peer& peer = *peers_[index];
  peer.weights.update(message.delays);
  peer.health.received(message.receipts, lb::Nanoseconds{fabric_.now()});
  for (const lb::PathDelay& path : message.delays) {
    peer.delays_ns[lb::value(path.path)] = peer.weights.relative_delay_ns(path.path);
  }
  publish(index);
}

bool GatewaySource::check(std::uint32_t index) {
  Peer& peer = *peers_[index];
  peer.health.advance(lb::Nanoseconds{fabric_.now()});
  publish(index);
  return fabric_.now() - peer.last_sent < quiet;
}

void GatewaySource::publish(std::uint32_t index) {
  Peer& peer = *peers_[index];
  for (std::size_t i = 0; i < peer.shares.size(); ++i) {
    peer.shares[i] = peer.health.usable(static_cast<lb::PathId>(i)) ? peer.weights.shares()[i] : 0;
  }
  const auto number = static_cast<std::uint16_t>(index);
  for (lb::Steering& lane : lanes_) lane.set_paths(number, peer.shares, peer.delays_ns);
}

}  // namespace braidway::bench::fabric
