// The scenario that says whether the simulator can be trusted: published schemes on the inputs of the
// ConWeave authors' simulator, compared with what that one made of them. It holds if the means over the seeds
// come as near as Tolerance says, and the schemes rank alike.
#pragma once

#include <iosfwd>

#include "bench/fabric/scenarios/scenario.hpp"

namespace braidway::bench::fabric {

/// By default 16 seeds, both loads and all of the published schemes; PFC is leaky, as it was there.
ScenarioOutcome run_anchors(const Options& options, std::ostream& out);

}  // namespace braidway::bench::fabric
