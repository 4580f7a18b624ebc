// The key files that a configuration names: 32 hexadecimal digits each, which make the 16 bytes that two
// gateways authenticate their messages by. A file that others may read is refused. Any thread; reads files.
#pragma once

#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "ctrl/config/config.hpp"
#include "telemetry/message.hpp"

namespace braidway::ctrl {

/// Error: what is wrong with the file and what would be right, in one sentence.
[[nodiscard]] tl::expected<telemetry::MessageKey, std::string> read_key(const std::string& path);

/// Puts the keys of all peers into `config`. Returns what is wrong, at the keys' places in the configuration.
[[nodiscard]] std::vector<ConfigError> read_keys(Config& config);

}  // namespace braidway::ctrl
