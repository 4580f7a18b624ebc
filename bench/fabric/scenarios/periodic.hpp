// The scenario of other jobs' periodic bursts, where foresight could pay. Any thread.
//
// Two racks, eight paths. Others take 80 % of four of these in bursts, 1.5 ms each 5 ms with 5 % jitter, of
// two paths in the first half of each period, of the other two in the second: six are always free, and no
// message lasts from one burst to the next. Our training job computes for 0.6 ms; then three quarters of the
// hosts send a message of about the same time each, over a queue pair of its own, and the next iteration
// begins when all are there.
#pragma once

#include <iosfwd>

#include "bench/fabric/scenarios/scenario.hpp"

namespace braidway::bench::fabric {

/// Iteration time (mean and 95th percentile of a run, medians over seeds), and over that of the same scheme
/// without foresight, paired by seed.
ScenarioOutcome run_periodic(const Options& options, std::ostream& out);

}  // namespace braidway::bench::fabric
