// Addresses that begin alike, as text. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "lb/flow_rules.hpp"

namespace braidway::ctrl {

/// "10.0.0.0/8", "fd00::/8", or one address. Error: what is wrong, and what would be right.
[[nodiscard]] tl::expected<lb::Prefix, std::string> parse_prefix(std::string_view text);

}  // namespace braidway::ctrl
