// Runs every model over a workload and says by how much each was wrong, against the best of the naive ones
// and against the oracle. One run is one thread's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/forecast/workload.hpp"
#include "ctrl/model/forecaster.hpp"

namespace braidway::bench::forecast {

struct Verdict {
  std::string workload;
  double horizon_ms = 0;
  std::string model;
  double error = 0;              ///< mean absolute, part of the capacity
  double relative_error = 0;     ///< over that of the best naive model
  double oracle_share = 0;       ///< of the way from the best naive to the oracle; NaN: there is no oracle
  double clairvoyant_share = 0;  ///< of the way to no error at all
  double gate_open_share = 0;    ///< of paths and time; of the ensemble
};

/// Ticks from a fifth of the workload on count; before, models learn.
[[nodiscard]] std::vector<Verdict> judge(const Workload& workload, const std::vector<unsigned>& horizons,
                                         std::uint64_t seed);

}  // namespace braidway::bench::forecast
