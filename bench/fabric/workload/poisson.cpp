#include "bench/fabric/workload/poisson.hpp"

#include <cmath>
#include <stdexcept>
#include <string>

namespace braidway::bench::fabric {
namespace {

/// So that a simulation of the same seed makes other choices.
constexpr std::uint64_t random_stream = 0x706f'6973'736f'6e21;

}  // namespace

std::vector<Flow> poisson_flows(const Topology& topology, const Routing& routing,
                                const SizeDistribution& sizes, const PoissonLoad& load, std::uint64_t seed) {
  const auto mean_gap = [&](NodeIndex source) {
    const Link& link = topology.links[routing.ports_of(source).front() / 2];
    return sizes.mean() * 8e9 / (static_cast<double>(link.rate) * load.load / 200);
  };
  double expected = 0;
  for (const NodeIndex host : routing.hosts()) {
    expected += static_cast<double>(load.duration) / mean_gap(host);
  }
  if (expected > static_cast<double>(max_flows)) {
    throw std::invalid_argument("that load makes " + std::to_string(std::llround(expected / 1e6)) +
                                " million flows in that time, and a list has at most " +
                                std::to_string(max_flows / 1'000'000) + " million: take a shorter time");
  }
  std::vector<Flow> flows;
  Random random{seed ^ random_stream};
  for (const NodeIndex source : routing.hosts()) {
    std::vector<NodeIndex> destinations;
    for (const NodeIndex host : routing.hosts()) {
      const bool same_rack = routing.leaf_of(host) == routing.leaf_of(source);
      if (host != source && !(same_rack && load.between_racks_only)) destinations.push_back(host);
    }
    if (destinations.empty()) {
      throw std::invalid_argument("host " + std::to_string(source) + " has no other host to send to");
    }
    double at = 0;
    for (;;) {
      at -= std::log(1 - random.uniform()) * mean_gap(source);
      if (at >= static_cast<double>(load.duration)) break;
      const NodeIndex destination =
          destinations[random.below(static_cast<std::uint32_t>(destinations.size()))];
      flows.push_back({.source = source,
                       .destination = destination,
                       .bytes = sizes.sample(random),
                       .start = static_cast<Nanoseconds>(at),
                       .source_port = 0,
                       .destination_port = 0});
    }
  }
  if (flows.empty()) {
    throw std::invalid_argument("at that load no flow starts within " + std::to_string(load.duration) +
                                " ns: take a longer time");
  }
  arrange(flows);
  return flows;
}

}  // namespace braidway::bench::fabric
