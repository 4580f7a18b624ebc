#include "bench/fabric/network_events.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace braidway::bench::fabric {
namespace {

/// Kinds that are one way only, from the node named first.
bool is_one_way(NetworkEvent::Kind kind) {
  return kind == NetworkEvent::Kind::divert || kind >= NetworkEvent::Kind::background;
}

[[noreturn]] void refuse(const NetworkEvent& event, const std::string& why) {
  throw std::invalid_argument("network event " + describe(event) + ": " + why);
}

constexpr std::uint64_t random_stream = 0x6e65'7477'6f72'6b21;

}  // namespace

NetworkEvents::NetworkEvents(Core& core, const Topology& topology, const Routing& routing,
                             std::span<const NetworkEvent> events)
    : core_(&core), topology_(&topology), seed_(core.config.seed ^ random_stream), random_(seed_) {
  if (events.empty()) return;
  for (const Port& port : core.ports)
    conditions_.push_back({.rate = port.rate, .loss = port.error_rate, .since = core.now()});
  for (const NetworkEvent& event : events) {
    Entry entry{.event = &event, .ports = ports_between(event.a, event.b, !is_one_way(event.kind))};
    if (entry.ports.empty())
      refuse(event, "no link joins " + std::to_string(event.a) + " and " + std::to_string(event.b));
    if (event.kind == Kind::divert) {
      const auto others = ports_between(event.a, event.c, false);
      if (others.empty())
        refuse(event, "no link joins " + std::to_string(event.a) + " and " + std::to_string(event.c));
      entry.other = others.front();
      check_divert(entry, routing);
    }
    entries_.push_back(std::move(entry));
  }
  check_load();
}

std::vector<PortIndex> NetworkEvents::ports_between(NodeIndex from, NodeIndex to, bool both_ways) const {
  std::vector<PortIndex> ports;
  for (PortIndex port = 0; port < topology_->port_count(); ++port) {
    const NodeIndex a = topology_->node_of(port);
    const NodeIndex b = topology_->node_of(peer_of(port));
    if ((a == from && b == to) || (both_ways && a == to && b == from)) ports.push_back(port);
  }
  return ports;
}

/// Otherwise packets could come back and go round for ever.
void NetworkEvents::check_divert(const Entry& entry, const Routing& routing) const {
  const NetworkEvent& event = *entry.event;
  for (const NodeIndex host : routing.hosts()) {
    const auto ways = routing.candidates(event.a, host);
    const bool leads = std::ranges::find(ways, entry.ports.front()) != ways.end();
    if (leads && std::ranges::find(ways, entry.other) == ways.end()) {
      refuse(event, "node " + std::to_string(event.c) + " is not on an equal way to host " +
                        std::to_string(host) + ", where " + std::to_string(event.b) + " leads");
    }
  }
}

void NetworkEvents::check_load() const {
  std::vector<double> taken(topology_->port_count());
  for (const Entry& entry : entries_) {
    if (entry.event->kind < Kind::background) continue;
    for (const PortIndex port : entry.ports) {
      taken[port] += entry.event->share;
      if (taken[port] >= 1)
        refuse(*entry.event, "with what others take already, nothing of the rate is left");
    }
  }
}

void NetworkEvents::begin() {
  for (std::uint32_t i = 0; i < entries_.size(); ++i) {
    entries_[i].next_period = entries_[i].event->at;
    core_->events.schedule(entries_[i].event->at, {EventKind::network_event, i, 0});
  }
}

std::span<const PortIndex> NetworkEvents::apply(std::uint32_t number) {
  const Entry& entry = entries_[number];
  const NetworkEvent& event = *entry.event;
  if (event.kind == Kind::on_off || event.kind == Kind::periodic) {
    burst(number);
    return {};
  }
  for (const PortIndex port : entry.ports) {
    Condition& condition = changing(port);
    switch (event.kind) {
      case Kind::down:
      case Kind::up:
        condition.down = event.kind == Kind::down;
        break;
      case Kind::rate:
        condition.rate = event.rate;
        break;
      case Kind::delay:
        core_->ports[port].delay = event.delay;
        break;
      case Kind::loss:
        condition.loss = event.share;
        break;
      case Kind::divert:
        core_->ports[port].diverted_to = entry.other;
        break;
      default:
        condition.taken += event.share;
    }
    refresh(port);
  }
  const bool link_changed = event.kind == Kind::down || event.kind == Kind::up;
  return link_changed ? std::span<const PortIndex>{entry.ports} : std::span<const PortIndex>{};
}

/// A burst begins or ends.
void NetworkEvents::burst(std::uint32_t number) {
  Entry& entry = entries_[number];
  const NetworkEvent& event = *entry.event;
  const bool waits_for_jitter = event.kind == Kind::periodic && !entry.in_burst && event.jitter > 0 &&
                                core_->now() == entry.next_period;
  if (waits_for_jitter) {
    core_->events.schedule(core_->now() + lateness(number, entry.next_period),
                           {EventKind::network_event, number, 0});
    return;
  }
  entry.in_burst = !entry.in_burst;
  for (const PortIndex port : entry.ports) {
    changing(port).taken += entry.in_burst ? event.share : -event.share;
    refresh(port);
  }
  Nanoseconds next = 0;
  if (event.kind == Kind::on_off) {
    next = core_->now() + exponential(entry.in_burst ? event.on : event.off);
  } else if (entry.in_burst) {
    next = core_->now() + event.on;
  } else {
    next = entry.next_period += event.period;
  }
  core_->events.schedule(next, {EventKind::network_event, number, 0});
}

/// By how much the burst of the period that begins then is late: never by nothing, or it would wait again.
Nanoseconds NetworkEvents::lateness(std::size_t number, Nanoseconds period) const {
  const NetworkEvent& event = *entries_[number].event;
  if (event.jitter == 0) return 0;
  Random drawn{seed_ ^ lb::detail::scramble(number + 1) ^ static_cast<std::uint64_t>(period)};
  return 1 + static_cast<Nanoseconds>(drawn.uniform() * static_cast<double>(event.jitter));
}

double NetworkEvents::periodic_load(PortIndex port, Nanoseconds from, Nanoseconds to) const {
  double taken = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const NetworkEvent& event = *entries_[i].event;
    if (event.kind != Kind::periodic || std::ranges::find(entries_[i].ports, port) == entries_[i].ports.end())
      continue;
    Nanoseconds period =
        event.at + std::max<Nanoseconds>((from - event.at) / event.period - 1, 0) * event.period;
    for (; period < to; period += event.period) {
      const Nanoseconds begins = period + lateness(i, period);
      const Nanoseconds within = std::min(begins + event.on, to) - std::max(begins, from);
      taken += event.share * static_cast<double>(std::max<Nanoseconds>(within, 0));
    }
  }
  return taken / static_cast<double>(to - from);
}

/// What others have sent since the port's condition was last changed, bytes.
double NetworkEvents::background_since(const Condition& condition) const noexcept {
  const auto passed = static_cast<double>(core_->now() - condition.since);
  return condition.taken * static_cast<double>(condition.rate) / 8e9 * passed;
}

double NetworkEvents::background_bytes(PortIndex port) const noexcept {
  return conditions_.empty() ? 0 : conditions_[port].background + background_since(conditions_[port]);
}

/// The condition, for who will change it now.
NetworkEvents::Condition& NetworkEvents::changing(PortIndex port) noexcept {
  Condition& condition = conditions_[port];
  condition.background += background_since(condition);
  condition.since = core_->now();
  return condition;
}

void NetworkEvents::refresh(PortIndex index) {
  const Condition& condition = conditions_[index];
  Port& port = core_->ports[index];
  port.rate = static_cast<std::uint64_t>(static_cast<double>(condition.rate) * (1 - condition.taken));
  port.error_rate = condition.down ? 1 : condition.loss;
}

Nanoseconds NetworkEvents::exponential(Nanoseconds mean) {
  return 1 + static_cast<Nanoseconds>(-std::log(1 - random_.uniform()) * static_cast<double>(mean));
}

}  // namespace braidway::bench::fabric
