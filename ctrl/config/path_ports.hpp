// Which port each path runs over. Plain values, any thread.
#pragma once

#include <vector>

#include "ctrl/config/draft.hpp"
#include "ctrl/config/yaml.hpp"

namespace braidway::ctrl {

/// Reports paths that share a fabric port or name none, and fabric ports without a path.
void check_path_ports(const Draft& draft, std::vector<Problem>& problems);

}  // namespace braidway::ctrl
