#include "bench/fabric/core.hpp"

namespace braidway::bench::fabric {

Core::Core(const Topology& topology, const Config& configuration, Nanoseconds start)
    : config(configuration), events(start), ports(topology.port_count()), random(configuration.seed) {
  for (PortIndex index = 0; index < topology.port_count(); ++index) {
    const Link& link = topology.links[index / 2];
    Port& port = ports[index];
    port.node = topology.node_of(index);
    port.peer_node = topology.node_of(peer_of(index));
    port.rate = link.rate;
    port.delay = link.delay;
    port.error_rate = link.error_rate;
    port.free_at = start;
  }
}

}  // namespace braidway::bench::fabric
