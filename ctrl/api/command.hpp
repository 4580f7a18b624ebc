// A command of braidwayctl, the HTTP route behind it and its place in DPDK's telemetry: registered once,
// here.
//
// The daemon answers with JSON; braidwayctl prints it, or with -j passes it on. Both are built from the same
// list.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>
#include <tl/expected.hpp>

#include "ctrl/config/config.hpp"
#include "ctrl/forecast/loop.hpp"
#include "ctrl/reporter.hpp"
#include "dataplane/gateway.hpp"

namespace braidway::ctrl {

using Json = nlohmann::ordered_json;
using Arguments = std::map<std::string, std::string>;

/// What a command may ask. Owner: the daemon; used by its API threads.
struct Session {
  const Config& config;
  dataplane::Gateway& gateway;
  const Reporter& reporter;
  forecast::Loop* forecasts = nullptr;  ///< none: nothing is forecast
};

struct Argument {
  std::string_view name;
  std::string_view help;
  bool positional = false;
  bool required = true;
};

struct Command {
  std::string_view name;  ///< words of the command line: "show ports"
  std::string_view help;
  bool changes = false;  ///< POST instead of GET, and not offered to DPDK's telemetry
  std::vector<Argument> arguments = {};
  /// Error: one sentence saying what is wrong and what would be right.
  tl::expected<Json, std::string> (*answer)(Session&, const Arguments&) = nullptr;
  /// The answer for a person, with a newline at the end.
  std::string (*render)(const Json&) = nullptr;
};

/// All commands, in the order of the help.
std::span<const Command> commands();

/// "/v1/show/ports" for "show ports".
std::string route_of(const Command& command);
/// "/braidway/ports" for "show ports": DPDK's telemetry.
std::string telemetry_name_of(const Command& command);

}  // namespace braidway::ctrl
