// What has to hold between the values of a configuration: references, uniqueness, the rules of a mode.
// Plain values, any thread.
#pragma once

#include <vector>

#include "ctrl/config/draft.hpp"
#include "ctrl/config/yaml.hpp"

namespace braidway::ctrl {

/// Values that were not given or not right are passed over: decoding has reported them.
void validate(const Draft& draft, std::vector<Problem>& problems);

}  // namespace braidway::ctrl
