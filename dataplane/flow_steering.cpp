#include "dataplane/flow_steering.hpp"

#include <algorithm>
#include <array>

namespace braidway::dataplane {
namespace {

lb::Steering steering_for(const GatewaySettings& settings) {
  const std::array paths{settings.peers.front().paths.size()};
  lb::Steering::Parameters parameters;
  parameters.flows = settings.memory.flows;
  parameters.held = lb::Nanoseconds{std::int64_t{settings.peers.front().hold_us} * 1000};
  return lb::Steering(paths, parameters);
}

std::uint16_t fabric_mtu(const GatewaySettings& settings) {
  std::uint16_t least = UINT16_MAX;
  for (const PortSettings& port : settings.ports) {
    least = port.role == PortRole::fabric ? std::min(least, port.mtu) : least;
  }
  return least;
}

std::vector<FlowSteering::Stamp> stamps_for(const GatewaySettings& settings) {
  const PeerSettings& peer = settings.peers.front();
  const auto stamp = [&](const HopSettings& hops) {
    return FlowSteering::Stamp{.write = telemetry::StrandStamp({.udp_port = settings.int_port,
                                                                .bitmap = hops.instructions,
                                                                .hops = hops.hops,
                                                                .mtu = fabric_mtu(settings)}),
                               .own_hop = hops.own};
  };
  std::vector<FlowSteering::Stamp> stamps(Treatments::most, stamp(peer.hops));
  for (std::size_t i = 0; i < peer.rules.size(); ++i) stamps[i] = stamp(peer.rules[i].treatment.hops);
  return stamps;
}

}  // namespace

FlowSteering::FlowSteering(const GatewaySettings& settings, const PeerLink& link)
    : link_(link),
      steering_(steering_for(settings)),
      treatments_(settings.peers.front()),
      tunnels_(settings),
      stamp_by_rule_(stamps_for(settings)),
      most_headroom_(headroom_bytes(settings)),
      most_ip_bytes_(fabric_mtu(settings) - static_cast<std::uint32_t>(stamp_bytes(settings.peers.front()))),
      self_(settings.id),
      stamps_(settings.peers.front().stamping == Stamping::int_md),
      shares_(settings.peers.front().paths.size()),
      delays_ns_(shares_.size()),
      waits_ns_(settings.ports.size()) {}

void FlowSteering::heed(const lb::PathTable& table) noexcept {
  generation_ = table.generation();
  const auto records = table.peer(0).records();
  std::uint32_t heaviest = 1;
  for (const lb::PathRecord& record : records) {
    heaviest = std::max(heaviest, record.weight);
  }
  for (std::size_t i = 0; i < records.size(); ++i) {
    const PathSignal& signal = link_.paths[i];
    shares_[i] = static_cast<float>(records[i].weight) / static_cast<float>(heaviest) *
                 signal.share.load(std::memory_order_relaxed);
    delays_ns_[i] = signal.delay_ns.load(std::memory_order_relaxed);
  }
  steering_.set_policy(0, link_.policy.load(std::memory_order_relaxed));
  steering_.set_restores_order(0, stamps_ && link_.restores_order.load(std::memory_order_relaxed));
  steering_.set_paths(0, shares_, delays_ns_);
}

void FlowSteering::tell(OrderCounts& counts) const noexcept {
  const lb::SteeringCounters& of = steering_.counters();
  counts.set(OrderCount::moved, of.moved);
  counts.set(OrderCount::unnumbered, of.unnumbered);
  counts.set(OrderCount::epochs, of.epochs);
}

}  // namespace braidway::dataplane
