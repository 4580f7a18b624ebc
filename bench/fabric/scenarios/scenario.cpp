#include "bench/fabric/scenarios/scenario.hpp"

#include <algorithm>
#include <array>

#include "bench/fabric/scenarios/anchors.hpp"
#include "bench/fabric/scenarios/collective_jobs.hpp"
#include "bench/fabric/scenarios/periodic.hpp"
#include "bench/fabric/scenarios/permutation.hpp"
#include "bench/fabric/scenarios/poisson_load.hpp"
#include "bench/fabric/scenarios/uplink_faults.hpp"

namespace braidway::bench::fabric {
namespace {

constexpr std::array entries{
    ScenarioEntry{"anchors", "published schemes on their published inputs, against their published results",
                  run_anchors, true},
    ScenarioEntry{"load", "random flows of the published sizes at 50 and 80 %, over ConWeave's slowdown",
                  run_load, true},
    ScenarioEntry{"slow-uplinks", "the same at 50 % with two of sixteen uplinks at a quarter of their rate",
                  run_slow_uplinks, true},
    ScenarioEntry{"uplink-dies", "the same at 50 %, and an uplink dies silently", run_uplink_dies, true},
    ScenarioEntry{"gray-loss", "the same at 50 %, and an uplink loses 0.1 %", run_gray_loss, true},
    ScenarioEntry{"permutation", "128 hosts, each sends 2 MB to another, full bisection", run_permutation},
    ScenarioEntry{"permutation-slow", "the same with eight uplinks at a tenth of their rate",
                  run_permutation_slow},
    ScenarioEntry{
        "incast",
        "1 MB from each of 32 hosts to one, four of these at once, with and without oversubscription",
        run_incast},
    ScenarioEntry{"all-to-all", "32 hosts, 1 MB from each to each, with and without oversubscription",
                  run_all_to_all},
    ScenarioEntry{"ring-all-reduce", "eight rings over eight racks, with and without oversubscription",
                  run_ring_all_reduce},
    ScenarioEntry{"tree-all-reduce", "eight trees over eight racks, with and without oversubscription",
                  run_tree_all_reduce},
    ScenarioEntry{"training", "two jobs with pipeline and data parallelism and gaps of computation",
                  run_training},
    ScenarioEntry{"periodic", "a training job among other jobs' periodic bursts, with and without foresight",
                  run_periodic, false, true},
};

}  // namespace

std::span<const ScenarioEntry> scenarios() noexcept { return entries; }

const ScenarioEntry* find_scenario(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(entries, name, &ScenarioEntry::name);
  return found == entries.end() ? nullptr : found;
}

}  // namespace braidway::bench::fabric
