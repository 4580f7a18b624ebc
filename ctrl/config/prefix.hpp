// Addresses, and addresses that begin alike, as text. Pure, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <tl/expected.hpp>

#include "lb/flow_rules.hpp"

namespace braidway::ctrl {

/// "10.0.0.0/8", "fd00::/8", or one address. Error: what is wrong, and what would be right.
[[nodiscard]] tl::expected<lb::Prefix, std::string> parse_prefix(std::string_view text);

/// One IP address. Error: the same.
[[nodiscard]] tl::expected<lb::IpAddress, std::string> parse_address(std::string_view text);

/// "02:00:00:00:00:01". Error: the same.
[[nodiscard]] tl::expected<std::array<std::uint8_t, 6>, std::string> parse_mac(std::string_view text);

}  // namespace braidway::ctrl
