#include "bench/fabric/fabric.hpp"

#include <algorithm>

namespace braidway::bench::fabric {
namespace {

Nanoseconds first_start(std::span<const Flow> flows, std::span<const Job> jobs) {
  Nanoseconds first = flows.empty() ? when_ready : flows.front().start;
  for (const Job& job : jobs) first = std::min(first, job.start);
  return first == when_ready ? 0 : first;
}

}  // namespace

Fabric::Fabric(const Topology& topology, const Routing& routing, std::span<const Flow> flows,
               const Config& config, SchemeFactory make_scheme, std::span<const Job> jobs)
    : topology_(&topology),
      routing_(&routing),
      flows_(flows),
      core_(topology, config, first_start(flows, jobs)),
      switches_(core_, topology, routing),
      rnics_(core_, topology, routing, flows),
      jobs_(jobs, flows),
      network_events_(core_, topology, routing, core_.config.network_events),
      port_meters_(core_),
      scheme_(make_scheme(*this)) {
  core_.scheme = scheme_.get();
}

void Fabric::run() {
  core_.events.schedule(core_.now(), {EventKind::flow_start, 0, 0});
  core_.events.schedule(core_.now() + core_.config.stall_limit, {EventKind::stall_check, 0, 0});
  jobs_.begin(core_.events);
  network_events_.begin();
  if (scheme_->hooks().utilisation) read_ports();
  while (rnics_.completed().size() < flows_.size() || !jobs_.done()) dispatch(core_.events.pop());
}

void Fabric::dispatch(const Event& event) {
  switch (event.kind) {
    case EventKind::arrival:
      return arrive(event.b, event.a);
    case EventKind::port_free: {
      core_.ports[event.a].will_be_free = false;
      return send_next(event.a);
    }
    case EventKind::pause_expiry: {
      Port& port = core_.ports[event.a];
      if (port.paused && core_.now() >= port.paused_until) resume(event.a);
      return;
    }
    case EventKind::host_wake:
      return rnics_.wake(event.a);
    case EventKind::flow_start:
      return start_flows();
    case EventKind::rate_cut:
      return rnics_.cut_rate(event.a);
    case EventKind::rate_raise:
      return rnics_.raise_rate(event.a);
    case EventKind::retransmit:
      return rnics_.retransmit(event.a);
    case EventKind::stall_check:
      return check_stall();
    case EventKind::network_event:
      return apply_network_event(event.a);
    case EventKind::port_reading:
      return read_ports();
    case EventKind::task_ready: {
      const FlowIndex flow = jobs_.ready(event.a, core_.events);
      if (flow != nobody) start_flow(flow);
      return;
    }
    case EventKind::scheme_timer:
      return scheme_->on_timer(event.a, event.b);
  }
}

void Fabric::arrive(PortIndex port, PacketIndex index) {
  const PacketKind kind = core_.packets[index].kind;
  if (kind == PacketKind::pfc_pause || kind == PacketKind::pfc_resume) {
    core_.packets.give_back(index);
    ++core_.counters.pfc_frames;
    if (kind == PacketKind::pfc_pause) return pause(port);
    return resume(port);
  }
  if (topology_->is_switch[core_.ports[port].node]) return switches_.receive(port, index);
  rnics_.receive(port, index);
  if (completed_ < rnics_.completed().size()) finish_flows();
}

void Fabric::send_next(PortIndex port) {
  if (topology_->is_switch[core_.ports[port].node]) return switches_.send_next(port);
  rnics_.send_next(port);
}

void Fabric::pause(PortIndex index) {
  Port& port = core_.ports[index];
  if (!port.paused) port.paused_at = core_.now();
  port.paused = true;
  if (core_.config.pfc == PfcMode::leaky) {
    port.paused_until = core_.now() + core_.config.leaky_pause;
    core_.events.schedule(port.paused_until, {EventKind::pause_expiry, index, 0});
  }
}

void Fabric::resume(PortIndex index) {
  Port& port = core_.ports[index];
  if (!port.paused) return;
  port.paused = false;
  if (topology_->is_switch[port.node] && topology_->is_switch[port.peer_node]) {
    core_.counters.switch_pause_time += core_.now() - port.paused_at;
  }
  send_next(index);
}

void Fabric::apply_network_event(std::uint32_t number) {
  // No pause survives a link's end: what is sent onto a dead one must not fill its switch for ever.
  for (const PortIndex port : network_events_.apply(number)) {
    core_.ports[port].has_paused_peer = false;
    resume(port);
  }
}

void Fabric::read_ports() {
  port_meters_.read(core_, network_events_);
  core_.events.schedule(core_.now() + PortMeters::window, {EventKind::port_reading, 0, 0});
}

void Fabric::start_flows() {
  while (next_timed_ < flows_.size() && flows_[next_timed_].start <= core_.now()) start_flow(next_timed_++);
  if (next_timed_ < flows_.size() && flows_[next_timed_].start != when_ready) {
    core_.events.schedule(flows_[next_timed_].start, {EventKind::flow_start, 0, 0});
  }
}

void Fabric::start_flow(FlowIndex flow) {
  ++started_;
  rnics_.start(flow);
}

void Fabric::finish_flows() {
  while (completed_ < rnics_.completed().size()) {
    jobs_.flow_complete(rnics_.completed()[completed_++], core_.events);
  }
}

PacketIndex Fabric::make_control(NodeIndex source, NodeIndex destination, std::uint16_t source_port,
                                 std::uint16_t destination_port) {
  const PacketIndex index = core_.packets.take();
  Packet& made = core_.packets[index];
  made.flow = nobody;
  made.kind = PacketKind::control;
  made.source = source;
  made.destination = destination;
  made.source_port = source_port;
  made.destination_port = destination_port;
  made.bytes = control_bytes;
  return index;
}

void Fabric::check_stall() {
  const bool idle = rnics_.completed().size() == started_;
  const Nanoseconds limit = rnics_.progressed_at() + core_.config.stall_limit;
  if (!idle && core_.now() >= limit) throw Stuck(stuck_flows());
  core_.events.schedule(idle ? core_.now() + core_.config.stall_limit : limit,
                        {EventKind::stall_check, 0, 0});
}

std::string Fabric::stuck_flows() const {
  constexpr std::size_t shown = 5;
  std::string flows;
  std::size_t count = 0;
  for (FlowIndex i = 0; i < flows_.size(); ++i) {
    if (!rnics_.is_started(i) || rnics_.is_completed(i) || ++count > shown) continue;
    const Flow& flow = flows_[i];
    flows += "\n  " + std::to_string(flow.source) + " -> " + std::to_string(flow.destination) +
             ", started at " + std::to_string(rnics_.started_at(i)) +
             " ns: " + std::to_string(rnics_.acknowledged_bytes(i)) + " of " + std::to_string(flow.bytes) +
             " bytes acknowledged";
  }
  if (count > shown) flows += "\n  and " + std::to_string(count - shown) + " more";
  std::string ports;
  for (const Port& port : core_.ports) {
    if (!port.paused) continue;
    ports += "\n  port " + std::to_string(port.node) + " -> " + std::to_string(port.peer_node) +
             " is paused since " + std::to_string(port.paused_at) + " ns with " +
             std::to_string(port.data_bytes) + " bytes waiting";
  }
  return "at " + std::to_string(core_.now()) + " ns nothing has been acknowledged for " +
         std::to_string((core_.now() - rnics_.progressed_at()) / 1'000'000) + " ms; " +
         std::to_string(count) + " flows of " + std::to_string(flows_.size()) + " are stuck:" + flows + ports;
}

}  // namespace braidway::bench::fabric
