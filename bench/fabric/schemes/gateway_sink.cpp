#include "bench/fabric/schemes/gateway_sink.hpp"

#include <algorithm>
#include <utility>

namespace braidway::bench::fabric {
namespace {

/// A path from which nothing has come for so long while others of the same source were heard is not waited
/// for.
constexpr Nanoseconds dead_after = 3'000'000;

lb::OrderWindow::Parameters parameters_for(std::size_t flows, std::size_t hosts, std::size_t leaves) {
  lb::OrderWindow::Parameters parameters;
  parameters.flows = std::max<std::size_t>(flows, 1);
  parameters.bytes *= hosts;  // for each of their ports
  parameters.packets = parameters.bytes / full_packet_bytes;
  parameters.sources = leaves;
  return parameters;
}

lb::Handle handle_of(PacketIndex index) noexcept {
  // A number in a pointer's place; nobody follows it. NOLINTNEXTLINE(performance-no-int-to-ptr)
  return reinterpret_cast<lb::Handle>(static_cast<std::uintptr_t>(index) + 1);
}
PacketIndex index_of(lb::Handle handle) noexcept {
  return static_cast<PacketIndex>(reinterpret_cast<std::uintptr_t>(handle) - 1);
}

}  // namespace

GatewaySink::GatewaySink(Fabric& fabric, NodeIndex node, std::size_t hosts,
                         std::span<const std::size_t> paths_from)
    : fabric_(fabric),
      node_(node),
      window_(parameters_for(fabric.flows().size(), hosts, paths_from.size())),
      held_(fabric.topology().node_count()) {
  for (const std::size_t paths : paths_from) meters_.emplace_back(paths);
  heard_.resize(paths_from.size());
  lateness_.resize(paths_from.size());
  out_.resize(window_.most_out(1));
}

void GatewaySink::take(PacketIndex index, std::uint32_t from, const lb::SpraySet& spray_set) {
  const Packet& packet = fabric_.packet(index);
  const auto tag = packet.read_tag<GatewayTag>();
  greet(from);
  measure(meters_[from][tag.path], tag);
  meters_[from][tag.path].bytes += packet.bytes;
  if (!tag.numbered) return fabric_.forward(node_, index);
  const Flow& flow = fabric_.flows()[packet.flow];
  const lb::FlowKey key =
      lb::rocev2_key(lb::ipv4(flow.source), lb::ipv4(flow.destination), lb::Qpn{packet.flow});
  const std::uint64_t hash = lb::hash(key, 1);
  std::uint64_t& held = held_[packet.destination];
  held += packet.bytes;
  const lb::Arrival arrival{.handle = handle_of(index),
                            .spray_set = &spray_set,
                            .sequence = tag.sequence,
                            .bytes = packet.bytes,
                            .source = static_cast<lb::GatewayId>(from),
                            .path = static_cast<lb::PathId>(tag.path),
                            .epoch = tag.epoch,
                            .departure = {.known = true, .time = static_cast<std::uint32_t>(tag.departure)}};
  hand_on(window_.push({&hash, 1}, {&key, 1}, {&arrival, 1}, lb::Nanoseconds{fabric_.now()}, out_));
  peak_bytes_ = std::max(peak_bytes_, held);
}

void GatewaySink::hand_on(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const PacketIndex index = index_of(out_[i]);
    const Packet& packet = fabric_.packet(index);
    held_[packet.destination] -= packet.bytes;
    fabric_.forward(node_, index);
  }
}

bool GatewaySink::poll() {
  hand_on(window_.poll(lb::Nanoseconds{fabric_.now()}, out_));
  return holds();
}

/// The silence of its paths counts from when a source speaks again, not from when it fell silent itself.
void GatewaySink::greet(std::uint32_t from) {
  if (fabric_.now() - heard_[from] > dead_after) {
    for (Meter& meter : meters_[from]) meter.heard = fabric_.now();
  }
  heard_[from] = fabric_.now();
}

void GatewaySink::measure(Meter& meter, const GatewayTag& tag) {
  const Nanoseconds delay = fabric_.now() - tag.departure;
  meter.least = std::min(meter.least, delay);
  meter.delays += delay;
  meter.longest = std::max(meter.longest, delay);
  meter.shortest = std::min(meter.shortest, delay);
  meter.heard = fabric_.now();
  meter.utilisation = tag.utilisation;
  ++meter.recent;
  meter.received.count(lb::Nanoseconds{tag.departure});
}

GatewaySink::Meter& GatewaySink::meter_of_control(std::uint32_t from, const ControlTag& tag) {
  greet(from);
  Meter& meter = meters_[from][tag.path];
  meter.heard = fabric_.now();
  meter.utilisation = tag.utilisation;
  return meter;
}

void GatewaySink::take_probe(std::uint32_t from, const ControlTag& tag) {
  meter_of_control(from, tag).probed = true;
}

void GatewaySink::take_message(std::uint32_t from, const ControlTag& tag) {
  meter_of_control(from, tag).told = true;
}

bool GatewaySink::tell(std::uint32_t from, GatewayMessage& message) {
  auto& meters = meters_[from];
  message.delays.clear();
  message.receipts.clear();
  message.arrivals.clear();
  bool any = false;
  for (std::size_t i = 0; i < meters.size(); ++i) {
    Meter& meter = meters[i];
    const auto path = static_cast<lb::PathId>(i);
    const bool asks = meter.recent > 0 || meter.probed;
    const bool heard = asks || meter.told;
    any = any || asks;
    if (heard && meter.dead) {
      meter.dead = false;
      window_.path_up(static_cast<lb::GatewayId>(from), path);
    } else if (!heard && !meter.dead && fabric_.now() - meter.heard > dead_after) {
      meter.dead = true;
      window_.path_down(static_cast<lb::GatewayId>(from), path);
    }
    if (meter.recent > 0) {
      const Nanoseconds mean = meter.delays / meter.recent;
      message.delays.push_back({.path = path,
                                .mean_ns = static_cast<float>(mean - meter.least),
                                .max_ns = static_cast<float>(meter.longest - meter.least)});
    }
    message.receipts.push_back({.path = path,
                                .heard = heard,
                                .period = meter.received.complete(),
                                .received = meter.received.through()});
    message.arrivals.push_back({.bytes = std::exchange(meter.bytes, 0),
                                .least_delay = meter.recent > 0 ? meter.shortest - meter.least : -1,
                                .utilisation = std::exchange(meter.utilisation, not_told)});
    meter.shortest = std::numeric_limits<Nanoseconds>::max();
    meter.recent = 0;
    meter.delays = 0;
    meter.longest = 0;
    meter.probed = false;
    meter.told = false;
  }
  const lb::Nanoseconds now{fabric_.now()};
  const lb::Lateness told = lb::lateness(message.delays);
  all_.late += told.late - lateness_[from].late;
  all_.heard += told.heard - lateness_[from].heard;
  lateness_[from] = told;
  if (all_.congested()) window_.congested(static_cast<lb::GatewayId>(from), now);
  return any;
}

}  // namespace braidway::bench::fabric
