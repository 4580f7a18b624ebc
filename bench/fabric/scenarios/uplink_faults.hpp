// Scenarios of an uplink that fails while flows run (generated lists at 50 %, the anchors' fabric): dead
// without a word, or losing a packet in a thousand. Both ways of the link.
#pragma once

#include <iosfwd>

#include "bench/fabric/scenarios/scenario.hpp"

namespace braidway::bench::fabric {

/// Dead from 3 ms on, and in order again at 23 ms, so that schemes that never notice finish. How long after
/// its death data was still sent onto the link, and for how long flows stalled.
ScenarioOutcome run_uplink_dies(const Options& options, std::ostream& out);
/// 0.1 % lost from 2 ms on. When it was out: it carries less than a tenth of what the other links that it
/// shares the load with carry on average, for a millisecond.
ScenarioOutcome run_gray_loss(const Options& options, std::ostream& out);

}  // namespace braidway::bench::fabric
