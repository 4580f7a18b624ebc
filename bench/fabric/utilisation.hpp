// What a run's ports sent over time, as a file to draw from. Any thread.
#pragma once

#include <iosfwd>

#include "bench/fabric/fabric.hpp"

namespace braidway::bench::fabric {

/// One line a bin and port between switches, both given by their beginning and their nodes:
///   time(ns) from to utilisation
/// Utilisation is the data sent over what the link could have, by the rate it has in the topology.
void write_utilisation(std::ostream& out, const Fabric& fabric);

}  // namespace braidway::bench::fabric
