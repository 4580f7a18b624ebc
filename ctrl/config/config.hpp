// The configuration file of a gateway: one YAML document, decoded into typed, validated settings, or refused
// with every error found, each at its file, line and column. The keys, their limits and defaults are
// described for editors and other tools in braidway.schema.json beside this file. Plain values, any thread;
// nothing here throws, whatever the bytes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "dataplane/settings.hpp"

namespace braidway::ctrl {

/// Where the gateway answers braidwayctl.
struct ApiSettings {
  std::string socket;  ///< path of the UNIX socket, at most 107 bytes; /run/braidway/NAME.sock unless given
};

/// A place in the configuration file.
struct Location {
  std::size_t line = 1;    ///< from 1
  std::size_t column = 1;  ///< from 1, in characters
};

/// The key that messages with a peer are authenticated by: see key_file.hpp.
struct KeyFile {
  std::string path;
  Location at;
};

struct Config {
  dataplane::GatewaySettings gateway;  ///< without the keys of messages
  ApiSettings api;
  std::string file;  ///< name as given
  std::string text;  ///< as read
  std::vector<Location>
      port_locations;  ///< of gateway.ports, same order: for errors found when a device is opened
  std::vector<std::optional<KeyFile>> key_files;  ///< of gateway.peers, same order
  std::vector<std::string> collectors;            ///< of reports: ADDRESS:PORT
};

struct ConfigError {
  std::string file;
  std::size_t line = 1;    ///< from 1
  std::size_t column = 1;  ///< from 1, in characters
  std::string what;        ///< "what is wrong; what would be right"

  /// `file:line:column: what`
  [[nodiscard]] std::string to_string() const;
};

/// Reads and decodes `file`; refuses directories, unreadable files and files over 1 MiB.
/// Errors: at least one, in file order.
[[nodiscard]] tl::expected<Config, std::vector<ConfigError>> load_config(const std::string& file);

/// The same for text already read; `file_name` appears in errors only. Any bytes are answered, none throw.
[[nodiscard]] tl::expected<Config, std::vector<ConfigError>> parse_config(std::string_view text,
                                                                          const std::string& file_name);

}  // namespace braidway::ctrl
