#include "dataplane/wiring.hpp"

#include <algorithm>
#include <array>

#include "telemetry/int_md.hpp"

namespace braidway::dataplane {
namespace {

/// A turn takes microseconds. After more than this the worker was not there to see what a port would have
/// taken.
constexpr std::uint64_t longest_turn_ms = 2;
constexpr std::uint64_t ns_per_ms = 1'000'000;

std::uint16_t host_port_of(const GatewaySettings& settings) {
  const auto host = std::ranges::find(settings.ports, PortRole::host, &PortSettings::role);
  return static_cast<std::uint16_t>(host - settings.ports.begin());
}

/// Hops of a path that may tell what they are metered by, in the peer's stamps or traces. Of those our own
/// configuration speaks: whoever wants to see hops has both gateways ask them.
std::size_t metered_hops(const PeerSettings& peer) {
  constexpr std::uint16_t metered =
      telemetry::int_node_id | telemetry::int_hop_latency | telemetry::int_queue;
  std::size_t most = peer.trace ? peer.trace->nodes : 0;
  const auto add = [&](Stamping stamping, const HopSettings& hops) {
    if (stamping != Stamping::none && (hops.instructions & metered) != 0) {
      most = std::max<std::size_t>(most, hops.hops);
    }
  };
  add(peer.stamping, peer.hops);
  for (const RuleSettings& rule : peer.rules) {
    add(rule.treatment.stamping, rule.treatment.hops);
  }
  return std::min(most, telemetry::max_metered_hops);
}

void add_flow_state(LaneContext& context, const GatewaySettings& settings) {
  const PeerSettings& peer = settings.peers.front();
  // Rules are looked up where flows are steered.
  if (boldest_policy(peer) != lb::Policy::pinned || (peer.trace && !peer.rules.empty())) {
    context.steering = std::make_unique<FlowSteering>(settings, *context.link);
  }
  if (peer.stamping != Stamping::none || peer.messages || peer.trace) {
    const std::array from{
        telemetry::PathMeters::Peer{.paths = peer.paths.size(), .source = &context.link->clock}};
    context.meters = std::make_unique<telemetry::PathMeters>(from, metered_hops(peer));
  }
  if (peer.stamping != Stamping::none) {
    context.order = std::make_unique<OrderBuffer>(settings, *context.link, *context.meters);
  }
  // Which path a packet took is known where flows are steered.
  if (context.steering != nullptr) {
    context.returns = context.link->lane_news[lb::value(context.lane)]->returns.get();
  }
  if (context.returns != nullptr && peer.entropy != EntropyField::none) {
    context.entropy = std::make_unique<Entropy>(peer.entropy, settings.memory.flows);
  }
  if (peer.trace) {
    context.traces = std::make_unique<const Traces>(settings);
  }
  context.keeps_keys = context.steering != nullptr || context.order != nullptr;
}

/// The first lane's, for no other reason than that there always is one.
void add_messages(std::vector<WorkerWiring>& wirings, const GatewaySettings& settings,
                  const SharedByLanes& shared) {
  if (shared.rings.messages() == nullptr) {
    return;
  }
  std::vector<telemetry::PathMeters*> meters;
  meters.reserve(wirings.size());
  for (const WorkerWiring& wiring : wirings) {
    meters.push_back(wiring.lane.meters.get());
  }
  const MessageMeans means{.inbox = shared.rings.messages(),
                           .pool = shared.pool,
                           .boot = shared.boot,
                           .feedbacks = shared.rings.feedbacks()};
  wirings.front().lane.messages = std::make_unique<PeerMessages>(settings, means, shared.link, meters);
}

std::vector<std::vector<RxQueue>> share_out_rx_queues(const GatewaySettings& settings,
                                                      const std::vector<WiredPort>& ports) {
  std::vector<std::vector<RxQueue>> by_worker(settings.workers.size());
  std::size_t next = 0;
  for (const PortRole role : {PortRole::host, PortRole::fabric}) {
    for (std::size_t port = 0; port < settings.ports.size(); ++port) {
      const PortSettings& of = settings.ports[port];
      if (of.role != role) {
        continue;
      }
      for (std::uint16_t queue = 0; queue < of.queues; ++queue) {
        by_worker[next].push_back({.port = static_cast<std::uint16_t>(port),
                                   .port_id = ports[port].port_id,
                                   .queue = queue,
                                   .direction = role == PortRole::host ? Direction::source : Direction::sink,
                                   .spread = of.queues > 1,
                                   .tap = ports[port].tap});
        next = (next + 1) % by_worker.size();
      }
    }
  }
  return by_worker;
}

}  // namespace

std::vector<WorkerWiring> wire_workers(const GatewaySettings& settings, const std::vector<WiredPort>& ports,
                                       const SharedByLanes& shared, std::uint64_t ticks_per_ms) {
  auto rx_queues = share_out_rx_queues(settings, ports);
  const auto lanes = static_cast<std::uint8_t>(settings.workers.size());
  std::vector<WorkerWiring> wirings(lanes);
  for (std::uint8_t lane = 0; lane < lanes; ++lane) {
    WorkerWiring& wiring = wirings[lane];
    wiring.rx_queues = std::move(rx_queues[lane]);
    LaneContext& context = wiring.lane;
    context.hasher = lb::FlowHasher(settings.hash_seed);
    context.longest_turn = longest_turn_ms * ticks_per_ms;
    context.host_port = host_port_of(settings);
    context.lane = lb::Lane{lane};
    context.lanes = lanes;
    context.ns_per_tick = (ns_per_ms << 32U) / ticks_per_ms;
    context.link_local = settings.link_local;
    context.own_ports.int_md = settings.int_port;
    context.link = &shared.link;
    if (by_tunnels(settings.peers.front())) {
      context.npt = telemetry::Npt::tunnel;
      context.host_link = link_header_of(settings.ports[context.host_port].link.value_or(LinkSettings{}));
    }
    add_flow_state(context, settings);
    context.inboxes = shared.rings.inboxes();
    context.message_inbox = shared.rings.messages();
    if (context.order != nullptr && shared.rings.reports() != nullptr) {
      context.reports = std::make_unique<ReportTap>(settings, shared.rings.reports());
    }
    context.tx = std::vector<TxQueue>(ports.size());
    context.batches.resize(ports.size());
    context.batched.resize(ports.size());
    context.fits_all_bytes = std::ranges::min(ports, {}, &WiredPort::max_frame_bytes).max_frame_bytes;
    for (std::size_t port = 0; port < ports.size(); ++port) {
      TxQueue& tx = context.tx[port];
      tx.port_id = ports[port].port_id;
      tx.queue = lane;
      tx.max_frame_bytes = ports[port].max_frame_bytes;
      tx.flat_only = ports[port].flat_only;
      tx.up = ports[port].up;
      tx.tap = ports[port].tap;
      tx.patience = settings.ports[port].stall_ms * ticks_per_ms;
    }
    for (const Direction direction : {Direction::source, Direction::sink}) {
      if (rte_ring* ring = context.inboxes[static_cast<std::size_t>(direction)][lane]; ring != nullptr) {
        wiring.inboxes.push_back({.ring = ring, .direction = direction, .keys = context.keeps_keys});
      }
    }
  }
  add_messages(wirings, settings, shared);
  if (settings.peers.front().heeds_returns) {
    wirings.front().lane.return_control =
        std::make_unique<ReturnControl>(settings.peers.front(), shared.link);
  }
  return wirings;
}

lb::PathTable first_path_table(const GatewaySettings& settings, const std::vector<WiredPort>& ports) {
  std::vector<std::vector<lb::PathRecord>> peers;
  for (const auto& peer : settings.peers) {
    auto& records = peers.emplace_back();
    for (const auto& path : peer.paths) {
      records.push_back({.egress = path.port, .live = ports[path.port].up->load(), .weight = path.weight});
    }
  }
  return lb::PathTable::initial(peers, settings.hash_seed);
}

}  // namespace braidway::dataplane
