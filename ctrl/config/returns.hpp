// What heeding hosts' return traffic must keep to, and new entropy with it. Plain values, any thread.
#pragma once

#include <vector>

#include "ctrl/config/draft.hpp"
#include "ctrl/config/yaml.hpp"

namespace braidway::ctrl {

/// Reports both where a gateway is at the far end, or no flow may move, and entropy that nothing would
/// change.
void check_returns(const Draft& draft, std::vector<Problem>& problems);

}  // namespace braidway::ctrl
