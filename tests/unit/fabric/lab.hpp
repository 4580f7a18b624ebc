// Small fabrics for tests, and what happens on them.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "bench/fabric/fabric.hpp"
#include "bench/fabric/result.hpp"
#include "bench/fabric/run.hpp"
#include "bench/fabric/schemes/ecmp.hpp"

namespace braidway::bench::fabric {

inline constexpr std::uint64_t gigabit = 1'000'000'000;
inline constexpr std::uint64_t hundred_gigabit = 100 * gigabit;

/// `hosts` hosts (0 and up) on one switch (the last node).
inline Topology star(NodeIndex hosts, std::uint64_t rate = hundred_gigabit, Nanoseconds delay = 1'000) {
  Topology topology;
  topology.is_switch.resize(hosts + 1);
  topology.is_switch[hosts] = true;
  for (NodeIndex host = 0; host < hosts; ++host) topology.links.push_back({host, hosts, rate, delay, 0});
  return topology;
}

/// Hosts first, then leaves, then spines; all links alike.
inline Topology leaf_spine(NodeIndex hosts_a_leaf, NodeIndex leaves, NodeIndex spines,
                           std::uint64_t rate = hundred_gigabit, Nanoseconds delay = 1'000) {
  Topology topology;
  const NodeIndex hosts = hosts_a_leaf * leaves;
  topology.is_switch.resize(hosts + leaves + spines);
  for (NodeIndex node = hosts; node < topology.node_count(); ++node) topology.is_switch[node] = true;
  for (NodeIndex host = 0; host < hosts; ++host) {
    topology.links.push_back({host, hosts + host / hosts_a_leaf, rate, delay, 0});
  }
  for (NodeIndex leaf = 0; leaf < leaves; ++leaf) {
    for (NodeIndex spine = 0; spine < spines; ++spine) {
      topology.links.push_back({hosts + leaf, hosts + leaves + spine, rate, delay, 0});
    }
  }
  return topology;
}

/// Two pods of two leaves (two hosts each) and two aggregation switches, joined by four cores.
inline Topology three_tier() {
  Topology topology;
  topology.is_switch.resize(20);
  for (NodeIndex node = 8; node < 20; ++node) topology.is_switch[node] = true;
  const auto link = [&](NodeIndex a, NodeIndex b) {
    topology.links.push_back({a, b, hundred_gigabit, 1'000, 0});
  };
  for (NodeIndex host = 0; host < 8; ++host) link(host, 8 + host / 2);
  for (NodeIndex leaf = 8; leaf < 12; ++leaf) {
    const NodeIndex first = leaf < 10 ? 12 : 14;
    link(leaf, first);
    link(leaf, first + 1);
  }
  for (NodeIndex aggregation = 12; aggregation < 16; ++aggregation) {
    const NodeIndex first = aggregation % 2 == 0 ? 16 : 18;
    link(aggregation, first);
    link(aggregation, first + 1);
  }
  return topology;
}

inline Flow flow(NodeIndex source, NodeIndex destination, std::uint32_t bytes, Nanoseconds start = 0) {
  return {.source = source,
          .destination = destination,
          .bytes = bytes,
          .start = start,
          .source_port = 0,
          .destination_port = 0};
}

template <typename Made>
std::unique_ptr<Scheme> make(Fabric& fabric) {
  return std::make_unique<Made>(fabric);
}

/// A simulation with all it refers to.
class Lab {
 public:
  Lab(Topology topology, std::vector<Flow> flows, const Config& config = {},
      SchemeFactory scheme = make<Ecmp>)
      : network_(std::move(topology)),
        flows_(arranged(std::move(flows))),
        fabric_(network_.topology, network_.routing, flows_, config, scheme) {}

  Fabric& run() {
    fabric_.run();
    return fabric_;
  }
  [[nodiscard]] Fabric& fabric() noexcept { return fabric_; }
  [[nodiscard]] const Network& network() const noexcept { return network_; }
  /// From start to last ACK. Flows are numbered by start.
  [[nodiscard]] Nanoseconds completion(FlowIndex index) const noexcept {
    return fabric_.rnics().completed_at(index) - flows_[index].start;
  }

  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

 private:
  static std::vector<Flow> arranged(std::vector<Flow> flows) {
    arrange(flows);
    return flows;
  }

  Network network_;
  std::vector<Flow> flows_;
  Fabric fabric_;
};

}  // namespace braidway::bench::fabric
