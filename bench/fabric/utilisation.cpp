#include "bench/fabric/utilisation.hpp"

#include <ostream>

namespace braidway::bench::fabric {

void write_utilisation(std::ostream& out, const Fabric& fabric) {
  const PortSeries& series = fabric.series();
  const Topology& topology = fabric.topology();
  const auto seconds = static_cast<double>(fabric.config().series_bin) / 1e9;
  for (std::size_t bin = 0; bin < series.bins(); ++bin) {
    for (PortIndex port = 0; port < topology.port_count(); ++port) {
      const NodeIndex from = topology.node_of(port);
      const NodeIndex to = topology.node_of(peer_of(port));
      if (!topology.is_switch[from] || !topology.is_switch[to]) continue;
      const Link& link = topology.links[port / 2];
      const auto room = static_cast<double>(link.rate) / 8 * seconds;
      out << series.at(bin) << ' ' << from << ' ' << to << ' '
          << static_cast<double>(series.bytes(bin, port)) / room << '\n';
    }
  }
}

}  // namespace braidway::bench::fabric
