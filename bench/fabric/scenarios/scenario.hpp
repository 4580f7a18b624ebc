// Ready-made experiments by name. A new one is listed in scenario.cpp, once. Immutable; any thread.
#pragma once

#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/fabric/options.hpp"
#include "bench/fabric/result.hpp"

namespace braidway::bench::fabric {

struct ScenarioOutcome {
  std::vector<RunResult> runs;
  bool as_promised = true;  ///< what the scenario checks holds
  /// Braidway::write_foresight() of the first run, where it has foresight.
  std::string foresight = {};
};

struct ScenarioEntry {
  std::string_view name;
  std::string_view what;  ///< for --help
  /// Prints its table on `out`. Throws as simulate() and the readers of files do.
  ScenarioOutcome (*run)(const Options& options, std::ostream& out);
  bool has_loads = false;      ///< Options::load chooses among them
  bool has_foresight = false;  ///< ScenarioOutcome::foresight is made
};

[[nodiscard]] std::span<const ScenarioEntry> scenarios() noexcept;
/// The name that stands for a list of all others.
inline constexpr std::string_view list_scenarios = "list";
/// Null if there is none of that name.
[[nodiscard]] const ScenarioEntry* find_scenario(std::string_view name) noexcept;

}  // namespace braidway::bench::fabric
