#include "bench/fabric/scenarios/scenario.hpp"

#include <algorithm>
#include <array>

#include "bench/fabric/scenarios/anchors.hpp"

namespace braidway::bench::fabric {
namespace {

constexpr std::array entries{
    ScenarioEntry{"anchors", "published schemes on their published inputs, against their published results",
                  run_anchors},
};

}  // namespace

std::span<const ScenarioEntry> scenarios() noexcept { return entries; }

const ScenarioEntry* find_scenario(std::string_view name) noexcept {
  const auto* const found = std::ranges::find(entries, name, &ScenarioEntry::name);
  return found == entries.end() ? nullptr : found;
}

}  // namespace braidway::bench::fabric
