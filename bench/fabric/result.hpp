// What a run came to: per flow, and in the few numbers that schemes are compared by.
// Values; any thread.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/fabric/fabric.hpp"

namespace braidway::bench::fabric {

struct FlowResult {
  Flow flow;
  Nanoseconds completion;  ///< from the start to the last ACK
  Nanoseconds ideal;       ///< the same on an empty fabric

  /// At least 1.
  [[nodiscard]] double slowdown() const noexcept {
    return completion <= ideal ? 1 : static_cast<double>(completion) / static_cast<double>(ideal);
  }
};

/// The mean and percentiles of flows' slowdown.
struct Slowdown {
  std::uint64_t flows = 0;
  double mean = 0;
  double p50 = 0;
  double p95 = 0;
  double p99 = 0;
  double p999 = 0;
};

/// Of a training job, ms.
struct IterationTimes {
  double mean_ms = 0;
  double p95_ms = 0;
};
/// `times`: of a run's iterations, ms; at least one.
[[nodiscard]] IterationTimes iteration_times(std::vector<double> times);

struct RunResult {
  std::string scheme;
  std::string variant;     ///< which of a scenario's cases; empty where there is one only
  std::uint64_t load = 0;  ///< percent, as the user named it; 0: not named
  std::uint64_t seed = 0;
  Slowdown slowdown;
  std::optional<double> jct_ratio;  ///< job completion over its fluid bound, the mean of all jobs
  std::optional<IterationTimes> iterations = {};  ///< where the scenario measures them
  Counters counters;
  std::uint64_t order_peak_bytes = 0;
  std::string remarks;            ///< the scheme's
  double seconds = 0;             ///< of processor time that the run took
  std::vector<FlowResult> flows;  ///< in order of completion

  [[nodiscard]] double hops_per_second() const noexcept {
    return seconds > 0 ? static_cast<double>(counters.hops) / seconds : 0;
  }
};

[[nodiscard]] std::vector<FlowResult> flow_results(const Fabric& fabric);
/// Of the flows that start at `from` or later. Percentile p of n is the smallest value that at least p
/// percent do not exceed.
[[nodiscard]] Slowdown slowdown_of(std::span<const FlowResult> flows, Nanoseconds from);

/// One line a flow: source destination sport dport bytes start(ns) fct(ns) ideal-fct(ns).
void write_completions(std::ostream& out, std::span<const FlowResult> flows);
/// {"runs":[...]}, a run a line.
void write_json(std::ostream& out, std::span<const RunResult> runs);

}  // namespace braidway::bench::fabric
