#include "ctrl/config/assemble.hpp"

#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

#include "ctrl/config/rules.hpp"
#include "ctrl/config/traces.hpp"
#include "ctrl/config/tunnels.hpp"
#include "dataplane/settings.hpp"

namespace braidway::ctrl {
namespace {

dataplane::MessageSettings messages_of(const MessagesDraft& draft) {
  dataplane::MessageSettings messages;
  messages.interval_us = draft.interval_us.value_or(messages.interval_us);
  messages.heartbeat_us = draft.heartbeat_us.value_or(messages.heartbeat_us);
  messages.suspect_us = draft.suspect_us.value_or(messages.suspect_us);
  messages.patience_us = draft.patience_us.value_or(messages.patience_us);
  return messages;
}

dataplane::ReportSettings reports_of(const ReportsDraft& draft) {
  dataplane::ReportSettings reports;
  reports.queue_bytes = draft.queue_bytes.value_or(reports.queue_bytes);
  reports.latency_step_ns = draft.latency_step_ns.value_or(reports.latency_step_ns);
  reports.per_second = draft.per_second.value_or(reports.per_second);
  return reports;
}

}  // namespace

Config assemble(const Draft& draft) {
  Config config;
  dataplane::GatewaySettings& gateway = config.gateway;
  gateway.name = draft.gateway.name.value;
  gateway.id = lb::GatewayId{draft.gateway.id.value};
  gateway.mode = draft.mode.value;
  gateway.idle = draft.idle.value_or(gateway.idle);
  gateway.hash_seed = draft.hash_seed.value_or(gateway.hash_seed);
  for (const WorkerDraft& worker : draft.workers) {
    gateway.workers.push_back({worker.core.value});
  }
  for (const auto& core : draft.control_cores) {
    gateway.control_cores.push_back(core.value);
  }
  std::map<std::string_view, std::uint16_t> indices;
  for (const PortDraft& port : draft.ports) {
    indices.emplace(port.name.value, static_cast<std::uint16_t>(gateway.ports.size()));
    dataplane::PortSettings settings;
    settings.name = port.name.value;
    settings.role = port.role.value;
    if (port.device.given) {
      settings.device = port.device.value;
    }
    settings.queues = port.queues.value_or(settings.queues);
    settings.mtu = port.mtu.value_or(settings.mtu);
    settings.descriptors = port.descriptors.value_or(settings.descriptors);
    settings.stall_ms = port.stall_ms.value_or(settings.stall_ms);
    settings.xdp_take = port.xdp_take.value_or(settings.xdp_take);
    settings.link = link_of(port.link);
    settings.own_ports.int_md = draft.telemetry.int_port.value_or(settings.own_ports.int_md);
    gateway.ports.push_back(std::move(settings));
    config.port_locations.push_back(port.device.given ? port.device.at : port.at);
  }
  for (const PeerDraft& peer : draft.peers) {
    dataplane::PeerSettings& settings = gateway.peers.emplace_back();
    settings.name = peer.name.value;
    settings.id = lb::GatewayId{peer.id.value};
    settings.policy = peer.policy.value_or(draft.policy.value_or(settings.policy));
    settings.stamping = peer.stamping.value_or(settings.stamping);
    settings.hold_us = peer.hold_us.value_or(settings.hold_us);
    settings.heeds_returns = peer.heeds_returns.value_or(settings.heeds_returns);
    settings.entropy = peer.entropy.value_or(settings.entropy);
    settings.hops = hops_of(peer.hops);
    settings.utilisation_full = peer.hops.utilisation_full.value_or(settings.utilisation_full);
    settings.rules = rules_of(peer, settings);
    settings.trace = trace_of(peer.trace);
    std::optional<KeyFile>& key_file = config.key_files.emplace_back();
    if (peer.messages.key_file.given) {
      key_file = KeyFile{peer.messages.key_file.value, peer.messages.key_file.at};
      settings.messages = messages_of(peer.messages);
    }
    for (const PathDraft& path : peer.paths) {
      settings.paths.push_back({path.name.value_or(path.port.value), indices.at(path.port.value),
                                path.weight.value_or(dataplane::PathSettings{}.weight),
                                tunnel_of(path.tunnel), path.rate_mbps.value_or(0)});
    }
  }
  gateway.link_local.lldp = draft.link_local.lldp.value_or(gateway.link_local.lldp);
  gateway.link_local.lacp = draft.link_local.lacp.value_or(gateway.link_local.lacp);
  gateway.link_local.stp = draft.link_local.stp.value_or(gateway.link_local.stp);
  gateway.link_local.eapol = draft.link_local.eapol.value_or(gateway.link_local.eapol);
  gateway.memory.hugepages = draft.memory.hugepages.value_or(gateway.memory.hugepages);
  gateway.memory.limit_mib = draft.memory.limit_mib.value_or(gateway.memory.limit_mib);
  gateway.memory.mbufs = draft.memory.mbufs.value_or(gateway.memory.mbufs);
  gateway.memory.flows = draft.memory.flows.value_or(gateway.memory.flows);
  gateway.int_port = draft.telemetry.int_port.value_or(gateway.int_port);
  for (const CollectorDraft& collector : draft.telemetry.reports.collectors) {
    config.collectors.push_back(collector.address.value);
    gateway.reports = reports_of(draft.telemetry.reports);
  }
  if (draft.forecast.applies.given) {
    dataplane::ForecastSettings& forecast = gateway.forecast.emplace();
    forecast.applies = draft.forecast.applies.value;
    forecast.tick_us = draft.forecast.tick_us.value_or(forecast.tick_us);
  }
  config.api.socket = draft.api.socket.value_or("/run/braidway/" + gateway.name + ".sock");
  return config;
}

}  // namespace braidway::ctrl
