// Scenarios of a permutation of 128 hosts (16 leaves x 8 hosts, 8 spines, full bisection): each sends 2 MB to
// one other, ECN between 400 and 1600 kB. What hashing cannot do and spraying should.
#pragma once

#include <iosfwd>

#include "bench/fabric/scenarios/scenario.hpp"

namespace braidway::bench::fabric {

/// The tail's and the median's completion over ideal.
ScenarioOutcome run_permutation(const Options& options, std::ostream& out);
/// With eight uplinks at a tenth of their rate: the last completion over the fluid bound.
ScenarioOutcome run_permutation_slow(const Options& options, std::ostream& out);

}  // namespace braidway::bench::fabric
