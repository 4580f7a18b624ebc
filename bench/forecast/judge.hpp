// Runs every model over a workload and says by how much each was wrong, against the best of the naive ones
// and against the oracle. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/forecast/workload.hpp"

namespace braidway::bench::forecast {

struct Verdict {
  std::string workload;
  double horizon_ms = 0;
  std::string model;
  double error = 0;              ///< mean absolute, part of the capacity, where anything is known of it
  double relative_error = 0;     ///< over that of the best naive model; NaN: that was never wrong
  double oracle_share = 0;       ///< of the way from the best naive to the oracle; NaN: there is no oracle
  double clairvoyant_share = 0;  ///< of the way to no error at all
  double gate_open_share = 0;    ///< of paths and time; of the ensemble
};

/// Ticks from there on count; before, models learn.
[[nodiscard]] constexpr std::size_t first_judged_tick(const Workload& workload) { return workload.ticks / 5; }

[[nodiscard]] std::vector<Verdict> judge(const Workload& workload, const std::vector<unsigned>& horizons,
                                         std::uint64_t seed);

}  // namespace braidway::bench::forecast
