#include "bench/fabric/schemes/gateway_source.hpp"

#include <algorithm>
#include <utility>

namespace braidway::bench::fabric {
namespace {

constexpr std::uint64_t hash_seed = 0x6272'6169'6477'6179ULL;
/// Traffic to a peer has ended when nothing was sent for so long.
constexpr Nanoseconds quiet = 5'000'000;

/// What an operator would configure, who knows the links: the rate of a path's slowest, in Mbit/s. Of what
/// changes later, and of what lies behind a tunnel, gateways learn by feedback.
std::uint32_t configured_weight(const Fabric& fabric, const Path& path) {
  std::uint64_t rate = fabric.port(path.ports[0]).rate;
  for (std::uint32_t i = 1; i < path.hops; ++i) rate = std::min(rate, fabric.port(path.ports[i]).rate);
  return static_cast<std::uint32_t>(std::max<std::uint64_t>(rate / 1'000'000, 1));
}

/// The records of every leaf's paths, egress numbers instead of ports.
std::vector<std::vector<lb::PathRecord>> records_of(const Fabric& fabric, const LeafPaths& paths,
                                                    std::uint32_t leaf, const GatewayConfig& config,
                                                    std::vector<PortIndex>& egresses) {
  std::vector<std::vector<lb::PathRecord>> records(paths.leaf_count());
  for (std::uint32_t peer = 0; peer < paths.leaf_count(); ++peer) {
    if (peer == leaf) continue;
    const auto& to = paths.paths(leaf * paths.leaf_count() + peer);
    const std::size_t count = config.at_edge ? config.build.tunnels : to.size();
    for (std::size_t i = 0; i < count; ++i) {
      const PortIndex port = to[i % to.size()].ports[0];
      auto place = std::ranges::find(egresses, port);
      if (place == egresses.end()) place = egresses.insert(egresses.end(), port);
      records[peer].push_back({.egress = static_cast<std::uint16_t>(place - egresses.begin()),
                               .live = true,
                               .weight = config.at_edge ? 1 : configured_weight(fabric, to[i])});
    }
  }
  return records;
}

/// A path that flows are not placed on is not heard.
lb::PathWeights::Parameters weights_for(lb::Policy policy) {
  lb::PathWeights::Parameters parameters;
  if (policy == lb::Policy::idle_move) parameters.stale = lb::PathWeights::Parameters::stale_kept;
  return parameters;
}

/// How many paths each peer has; a gateway counts as a peer of its own with one, which is never taken.
std::vector<std::size_t> sizes(const lb::PathTable& table) {
  std::vector<std::size_t> counts;
  counts.reserve(table.peers().size());
  for (const auto& peer : table.peers()) counts.push_back(std::max<std::size_t>(peer.records().size(), 1));
  return counts;
}

}  // namespace

GatewaySource::Peer::Peer(std::span<const float> configured, lb::Policy policy,
                          std::unique_ptr<Foresight> foresees)
    : health(configured.size()),
      weights(configured, weights_for(policy)),
      foresight(std::move(foresees)),
      biased(configured),
      outlooks(configured.size()),
      shares(configured.begin(), configured.end()),
      delays_ns(configured.size()),
      sent_on(configured.size()),
      governor(policy) {}

GatewaySource::GatewaySource(Fabric& fabric, const LeafPaths& paths, std::uint32_t leaf,
                             const GatewayConfig& config)
    : fabric_(fabric),
      paths_(paths),
      config_(config),
      table_(lb::PathTable::initial(records_of(fabric, paths, leaf, config, egresses_),
                                    hash_seed + fabric.config().seed)) {
  waits_ns_.resize(egresses_.size());
  std::uint32_t heaviest = 1;
  for (const auto& peer : table_.peers()) {
    for (const lb::PathRecord& record : peer.records()) heaviest = std::max(heaviest, record.weight);
  }
  lb::Steering::Parameters parameters;
  if (!config.at_edge) parameters.spray.rate = static_cast<float>(heaviest) / 8000;
  parameters.flows = std::max<std::size_t>(2 * fabric.flows().size(), 1);
  for (std::uint32_t lane = 0; lane < config.build.lanes; ++lane) {
    lb::Steering& steering = lanes_.emplace_back(sizes(table_), parameters);
    const auto peers = static_cast<std::uint16_t>(paths.leaf_count());
    for (std::uint16_t peer = 0; peer < peers; ++peer) {
      steering.set_policy(peer, config.policy);
      steering.set_restores_order(peer, true);
    }
  }
  for (std::uint32_t peer = 0; peer < table_.peers().size(); ++peer) {
    std::vector<float> configured;
    for (const lb::PathRecord& record : table_.peer(peer).records()) {
      configured.push_back(static_cast<float>(record.weight) / static_cast<float>(heaviest));
    }
    if (configured.empty()) {
      peers_.push_back(nullptr);
      continue;
    }
    std::unique_ptr<Foresight> foresight;
    if (config.foresight) foresight = config.foresight(fabric, paths.paths(leaf * paths.leaf_count() + peer));
    peers_.push_back(std::make_unique<Peer>(configured, config.policy, std::move(foresight)));
    publish(peer);
  }
  const lb::FlowHasher hasher{table_.hash_seed()};
  for (std::size_t i = 0; i < fabric.flows().size(); ++i) {
    const Flow& flow = fabric.flows()[i];
    const auto qpn = lb::Qpn{static_cast<std::uint32_t>(i)};
    data_names_.add(lb::rocev2_key(lb::ipv4(flow.source), lb::ipv4(flow.destination), qpn), hasher);
    ack_names_.add(lb::rocev2_key(lb::ipv4(flow.destination), lb::ipv4(flow.source), qpn), hasher);
  }
}

GatewayTag GatewaySource::steer(const Packet& packet) {
  const Nanoseconds now = fabric_.now();
  const auto peer = static_cast<std::uint16_t>(paths_.leaf_of(packet.destination));
  const bool data = packet.kind == PacketKind::data;
  if (!config_.at_edge) {
    for (std::size_t i = 0; i < egresses_.size(); ++i) {
      const Port& port = fabric_.port(egresses_[i]);
      const std::uint64_t before_it = data ? port.queued() : port.high_bytes;
      waits_ns_[i] = static_cast<float>(transmission_time(before_it, port.rate));
    }
  }
  const FlowNames& names = data ? data_names_ : ack_names_;
  const std::uint32_t bytes = packet.bytes;
  const lb::Policy limit = lb::Policy::automatic;
  lb::Decision decision;
  lanes_[lane_of(packet.flow)].decide({.hashes = {&names.hashes[packet.flow], 1},
                                       .keys = {&names.keys[packet.flow], 1},
                                       .bytes = {&bytes, 1},
                                       .limits = {&limit, 1},
                                       .peers = {&peer, 1}},
                                      table_, waits_ns_, lb::Nanoseconds{now}, {&decision, 1});
  const std::uint16_t egress = table_.peer(peer).record(decision.path).egress;
  const Nanoseconds departure = now + static_cast<Nanoseconds>(waits_ns_[egress]);
  if (data) {
    peers_[peer]->health.sent(decision.path, lb::Nanoseconds{departure}, lb::Nanoseconds{now});
    peers_[peer]->sent_on[lb::value(decision.path)] = now;
    ++peers_[peer]->sent;
  }
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
  if (peer.foresight) peer.foresight->heard(fabric_.now(), message);
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
  govern(index);
  return fabric_.now() - peer.last_sent < quiet;
}

void GatewaySource::foresee() {
  for (std::uint32_t index = 0; index < peers_.size(); ++index) {
    if (!peers_[index] || !peers_[index]->foresight) continue;
    Peer& peer = *peers_[index];
    const auto reactive = peer.weights.reactive_shares();
    peer.foresight->expect(fabric_.now(), peer.outlooks);
    if (peer.biased.update(reactive, peer.outlooks)) {
      peer.weights.set_biases(peer.biased.biases());
      publish(index);
    }
    record(index);
  }
}

void GatewaySource::record(std::uint32_t index) {
  const Peer& peer = *peers_[index];
  for (std::size_t i = 0; i < peer.shares.size(); ++i) {
    foreseen_.push_back({.at = fabric_.now(),
                         .peer = index,
                         .path = static_cast<std::uint16_t>(i),
                         .share = peer.shares[i],
                         .view = peer.foresight->view(i)});
  }
}

void GatewaySource::govern(std::uint32_t index) {
  Peer& peer = *peers_[index];
  const lb::Nanoseconds now{fabric_.now()};
  peer.governor.count(std::exchange(peer.sent, 0), std::exchange(peer.naks, 0), now);
  std::size_t out = 0;
  for (std::size_t i = 0; i < peer.shares.size(); ++i) {
    const auto path = static_cast<lb::PathId>(i);
    out += peer.weights.outlying(path) || !peer.health.usable(path) ? 1 : 0;
  }
  const auto event = peer.governor.advance(out, peer.shares.size(), now);
  if (!event) return;
  policy_events_.push_back(*event);
  for (lb::Steering& lane : lanes_) lane.set_policy(static_cast<std::uint16_t>(index), event->to);
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
