// Scenarios of generated flow lists with the anchors' sizes on the anchors' fabric: each seed is another
// list, the same for every scheme. Slowdown is of flows between racks, after half a millisecond of warm-up.
#pragma once

#include <iosfwd>

#include "bench/fabric/generated_topology.hpp"
#include "bench/fabric/scenarios/comparison.hpp"
#include "bench/fabric/scenarios/scenario.hpp"

namespace braidway::bench::fabric {

/// 10 seeds of 10 ms at 50 and 80 %, schemes' slowdown over ConWeave's.
ScenarioOutcome run_load(const Options& options, std::ostream& out);
/// Two of the sixteen uplinks at a quarter of their rate, at 50 %: p99 over that of the whole fabric.
ScenarioOutcome run_slow_uplinks(const Options& options, std::ostream& out);

/// The fabric of the anchors.
inline constexpr LeafSpineShape anchors_shape{};
/// As generated from each seed; `load` in percent.
[[nodiscard]] std::vector<std::vector<Flow>> poisson_lists(const Options& options, const Network& network,
                                                           std::uint64_t seeds, std::uint64_t load,
                                                           Nanoseconds duration);
inline constexpr Nanoseconds warm_up = 500'000;

}  // namespace braidway::bench::fabric
