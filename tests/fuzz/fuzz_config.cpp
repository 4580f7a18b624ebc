// libFuzzer over the configuration: any text is refused with a place and a reason, or decoded into settings
// that keep every limit that the dataplane relies on.
#include <algorithm>
#include <bit>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "ctrl/config/config.hpp"
#include "tests/fuzz/require.hpp"

namespace braidway::tests {
namespace {

using dataplane::GatewaySettings;
using dataplane::PortRole;

constexpr const char* file_name = "fuzz.yaml";

template <typename Values, typename Of>
bool all_differ(const Values& values, Of of) {
  std::set<std::decay_t<decltype(of(*values.begin()))>> seen;
  return std::ranges::all_of(values, [&](const auto& each) { return seen.insert(of(each)).second; });
}

void check_ports(const GatewaySettings& settings) {
  require(std::ranges::count(settings.ports, PortRole::host, &dataplane::PortSettings::role) == 1,
          "wire mode has one host port");
  require(all_differ(settings.ports, [](const auto& port) { return port.name; }), "port names differ");
  for (const auto& port : settings.ports) {
    require(!port.name.empty(), "a port has a name");
    require(port.queues >= 1 && port.queues <= 16, "1 to 16 queues");
    require(port.mtu >= 68 && port.mtu <= 9600, "MTU within its limits");
    require(std::has_single_bit(port.descriptors) && port.descriptors >= 64 && port.descriptors <= 32768,
            "descriptors are a power of two within their limits");
  }
}

void check_paths(const GatewaySettings& settings) {
  require(settings.peers.size() == 1, "wire mode has one peer");
  const auto& paths = settings.peers.front().paths;
  require(!paths.empty() && paths.size() <= lb::max_paths_per_peer, "1 to 256 paths");
  require(all_differ(paths, [](const auto& path) { return path.name; }), "path names differ");
  for (const auto& path : paths) {
    require(path.port < settings.ports.size(), "a path's port exists");
    require(settings.ports[path.port].role == PortRole::fabric, "a path's port is a fabric port");
    require(path.weight >= 1 && path.weight <= 10'000, "a path's weight is within its limits");
  }
}

void check_settings(const GatewaySettings& settings) {
  require(!settings.name.empty(), "the gateway has a name");
  require(lb::value(settings.id) != 0, "the gateway has an id");
  require(!settings.workers.empty() && settings.workers.size() <= lb::max_lanes, "1 to 16 workers");
  require(all_differ(settings.workers, [](const auto& worker) { return worker.core; }), "cores differ");
  require(std::ranges::none_of(settings.control_cores,
                               [&](std::uint16_t core) {
                                 return std::ranges::find(settings.workers, core,
                                                          &dataplane::WorkerSettings::core) !=
                                        settings.workers.end();
                               }),
          "no core is a worker's and control's");
  check_ports(settings);
  check_paths(settings);
}

void check_errors(const std::vector<ctrl::ConfigError>& errors, std::string_view text) {
  require(!errors.empty(), "a refusal has a reason");
  // Line breaks of YAML are \n, \r and both.
  const auto breaks =
      static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return c == '\n' || c == '\r'; }));
  for (const auto& error : errors) {
    require(error.file == file_name, "an error names the file");
    require(error.line >= 1 && error.line <= breaks + 1, "an error's line is in the file");
    require(error.column >= 1 && error.column <= text.size() + 1, "an error's column is in the file");
    require(!error.what.empty() && error.what.find('\n') == std::string::npos, "an error is one line");
  }
  require(std::ranges::is_sorted(errors, {}, &ctrl::ConfigError::line), "errors come in file order");
}

void check(std::string_view text) {
  const auto config = ctrl::parse_config(text, file_name);
  if (!config) {
    check_errors(config.error(), text);
    return;
  }
  check_settings(config->gateway);
  require(config->text == text, "the text is kept as read");
  require(!config->api.socket.empty() && config->api.socket.size() <= 107,
          "the socket's path fits an address");
  require(config->port_locations.size() == config->gateway.ports.size(), "each port has its place");
  require(ctrl::parse_config(config->text, config->file).has_value(), "the same text is accepted again");
}

}  // namespace
}  // namespace braidway::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  braidway::tests::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
