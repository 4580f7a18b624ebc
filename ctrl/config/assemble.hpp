// From a draft to the settings that the gateway runs by. Plain values, any thread.
#pragma once

#include "ctrl/config/config.hpp"
#include "ctrl/config/draft.hpp"

namespace braidway::ctrl {

/// Of a draft in which nothing was found wrong: references become indices, defaults are filled in.
[[nodiscard]] Config assemble(const Draft& draft);

}  // namespace braidway::ctrl
