// Open-loop load: at each host messages arrive at random times (Poisson), of random sizes, for random other
// hosts, whatever has become of those before. Deterministic by seed. Any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/fabric/flow_list.hpp"
#include "bench/fabric/routing.hpp"
#include "bench/fabric/workload/size_distribution.hpp"

namespace braidway::bench::fabric {

struct PoissonLoad {
  /// Percent, as the ConWeave authors count it: "80" puts payload of 40 % of its link's rate on each host's
  /// link, each way on average.
  double load = 50;
  Nanoseconds duration = 10'000'000;
  bool between_racks_only = false;  ///< destinations are hosts of other leaves
};

/// Arranged; from time 0 on. Throws std::invalid_argument if there is no destination for some host, and if
/// there would be no flow at all or more than max_flows.
[[nodiscard]] std::vector<Flow> poisson_flows(const Topology& topology, const Routing& routing,
                                              const SizeDistribution& sizes, const PoissonLoad& load,
                                              std::uint64_t seed);

}  // namespace braidway::bench::fabric
