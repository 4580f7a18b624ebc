#include "bench/fabric/generated_topology.hpp"

#include <ostream>
#include <stdexcept>
#include <string>

namespace braidway::bench::fabric {
namespace {

/// What read_topology() takes.
constexpr std::uint64_t most_nodes = 65'536;
constexpr std::uint64_t most_links = 1'048'576;

}  // namespace

Topology leaf_spine(const LeafSpineShape& shape) {
  if (shape.hosts_per_leaf == 0 || shape.leaves == 0 || (shape.leaves > 1 && shape.spines == 0) ||
      shape.rate == 0)
    throw std::invalid_argument("a leaf-spine topology with nothing of something");
  const std::uint64_t nodes = (std::uint64_t{shape.hosts_per_leaf} + 1) * shape.leaves + shape.spines;
  const std::uint64_t links = (std::uint64_t{shape.hosts_per_leaf} + shape.spines) * shape.leaves;
  if (nodes > most_nodes || links > most_links) {
    throw std::invalid_argument("a leaf-spine topology of " + std::to_string(nodes) + " nodes and " +
                                std::to_string(links) + " links: there may be " + std::to_string(most_nodes) +
                                " and " + std::to_string(most_links));
  }
  Topology topology;
  const NodeIndex hosts = shape.hosts_per_leaf * shape.leaves;
  topology.is_switch.resize(hosts + shape.leaves + shape.spines, true);
  for (NodeIndex host = 0; host < hosts; ++host) {
    topology.is_switch[host] = false;
    topology.links.push_back({host, hosts + host / shape.hosts_per_leaf, shape.rate, shape.delay, 0});
  }
  for (NodeIndex leaf = 0; leaf < shape.leaves; ++leaf) {
    for (NodeIndex spine = 0; spine < shape.spines; ++spine) {
      topology.links.push_back({hosts + leaf, hosts + shape.leaves + spine, shape.rate, shape.delay, 0});
    }
  }
  return topology;
}

std::size_t uplink(const LeafSpineShape& shape, NodeIndex leaf, NodeIndex spine) {
  return std::size_t{shape.hosts_per_leaf} * shape.leaves + std::size_t{leaf} * shape.spines + spine;
}

Topology fat_tree(NodeIndex ports, std::uint64_t rate, Nanoseconds delay) {
  constexpr NodeIndex most_ports = 48;
  if (ports % 2 != 0) throw std::invalid_argument("a fat tree of switches with an odd number of ports");
  if (ports < 2 || ports > most_ports || rate == 0)
    throw std::invalid_argument(
        "a fat tree of switches with less than 2 or more than 48 ports, or without a rate");
  const NodeIndex half = ports / 2;
  const NodeIndex hosts = ports * half * half;
  const NodeIndex first_leaf = hosts;
  const NodeIndex first_aggregation = first_leaf + ports * half;
  const NodeIndex first_core = first_aggregation + ports * half;
  Topology topology;
  topology.is_switch.resize(first_core + half * half, true);
  const auto join = [&](NodeIndex a, NodeIndex b) { topology.links.push_back({a, b, rate, delay, 0}); };
  for (NodeIndex host = 0; host < hosts; ++host) {
    topology.is_switch[host] = false;
    join(host, first_leaf + host / half);
  }
  for (NodeIndex leaf = 0; leaf < ports * half; ++leaf) {
    for (NodeIndex i = 0; i < half; ++i) join(first_leaf + leaf, first_aggregation + leaf / half * half + i);
  }
  for (NodeIndex aggregation = 0; aggregation < ports * half; ++aggregation) {
    for (NodeIndex i = 0; i < half; ++i)
      join(first_aggregation + aggregation, first_core + aggregation % half * half + i);
  }
  return topology;
}

void write_topology(std::ostream& out, const Topology& topology) {
  std::size_t switches = 0;
  for (const bool is_switch : topology.is_switch) switches += is_switch ? 1 : 0;
  out << topology.node_count() << ' ' << switches << ' ' << topology.links.size() << '\n';
  const char* separator = "";
  for (NodeIndex node = 0; node < topology.node_count(); ++node) {
    if (!topology.is_switch[node]) continue;
    out << separator << node;
    separator = " ";
  }
  out << '\n';
  for (const Link& link : topology.links) {
    out << link.a << ' ' << link.b << ' ' << link.rate << "bps " << link.delay << "ns " << link.error_rate
        << '\n';
  }
}

}  // namespace braidway::bench::fabric
