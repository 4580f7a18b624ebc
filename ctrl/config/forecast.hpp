// What forecasting the paths' load must keep to. Plain values, any thread.
#pragma once

#include <vector>

#include "ctrl/config/draft.hpp"
#include "ctrl/config/yaml.hpp"

namespace braidway::ctrl {

/// Reports a forecast without messages or stamped packets to make it of, or with messages that come too
/// seldom; and a tick that is not made of whole bins.
void check_forecast(const Draft& draft, std::vector<Problem>& problems);

}  // namespace braidway::ctrl
