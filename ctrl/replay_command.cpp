#include "ctrl/replay_command.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <string_view>

#include <nlohmann/json.hpp>

#include "ctrl/api/received.hpp"
#include "ctrl/api/table.hpp"
#include "ctrl/transit_command.hpp"
#include "dataplane/replay.hpp"

namespace braidway::ctrl {
namespace {

using Json = nlohmann::ordered_json;

tl::expected<std::vector<dataplane::ReplayInput>, std::string> parse_inputs(
    const Config& config, const std::vector<std::string>& texts, std::string_view role) {
  std::vector<dataplane::ReplayInput> inputs;
  const auto& ports = config.gateway.ports;
  for (const auto& text : texts) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == text.size()) {
      return tl::unexpected("--in '" + text + "' is not PORT=FILE");
    }
    const std::string name = text.substr(0, equals);
    const auto port = std::ranges::find(ports, name, &dataplane::PortSettings::name);
    if (port == ports.end()) {
      std::string known;
      for (const auto& each : ports) {
        known += (known.empty() ? "" : ", ") + each.name;
      }
      return tl::unexpected(fmt::format("--in '{}': there is no port '{}'; there are {}", text, name, known));
    }
    const bool from_host = port->role == dataplane::PortRole::host;
    if (!role.empty() && from_host != (role == "source")) {
      return tl::unexpected(fmt::format("--in '{}': {} is a {} port; a {} takes what comes from the {}", text,
                                        name, from_host ? "host" : "fabric", role,
                                        from_host ? "fabric" : "host"));
    }
    inputs.push_back(
        {.port = static_cast<std::size_t>(port - ports.begin()), .file = text.substr(equals + 1)});
  }
  return inputs;
}

Json json_of(const Config& config, const dataplane::ReplayResult& result) {
  Json ports = Json::object();
  for (std::size_t i = 0; i < result.ports.size(); ++i) {
    ports[config.gateway.ports[i].name] = {{"received", result.ports[i].received},
                                           {"lost", result.ports[i].lost},
                                           {"transmitted", result.ports[i].transmitted}};
  }
  Json drops = Json::object();
  for (const auto& drop : result.statistics.drops) {
    drops[std::string(drop.name)] = drop.count;
  }
  std::uint64_t all = 0;
  for (const auto packets : result.statistics.path_packets) {
    all += packets;
  }
  Json paths = Json::array();
  for (std::size_t i = 0; i < result.statistics.path_packets.size(); ++i) {
    const auto packets = result.statistics.path_packets[i];
    paths.push_back({{"name", config.gateway.peers.front().paths[i].name},
                     {"packets", packets},
                     {"share", all == 0 ? 0.0 : static_cast<double>(packets) / static_cast<double>(all)},
                     {"received", api::received_json(result.statistics.received[i])}});
  }
  Json order = Json::object();
  for (const auto& count : result.statistics.order) {
    order[std::string(count.name)] = count.count;
  }
  return {{"ports", std::move(ports)},
          {"paths", std::move(paths)},
          {"drops", std::move(drops)},
          {"order", std::move(order)}};
}

void print(const Json& json) {
  Table ports({"port", "received", "transmitted"});
  for (const auto& [name, port] : json.at("ports").items()) {
    ports.add({name, port.at("received").dump(), port.at("transmitted").dump()});
  }
  std::cout << ports.to_string();
  for (const auto& [reason, count] : json.at("drops").items()) {
    if (count.get<std::uint64_t>() > 0) {
      std::cout << "dropped " << reason << ": " << count << "\n";
    }
  }
  for (const auto& [what, count] : json.at("order").items()) {
    if (count.get<std::uint64_t>() > 0) {
      std::cout << "order " << what << ": " << count << "\n";
    }
  }
  const auto& paths = json.at("paths");
  if (std::ranges::any_of(paths, [](const Json& path) { return path.at("received").at("packets") != 0; })) {
    std::cout << api::render_received(paths);
  }
  std::cout << api::render_hops(paths);
}

/// What is wrong with the options, taken together; empty: nothing.
std::string contradiction(const ReplayOptions& options) {
  const auto& texts = options.paths;
  if (options.role != "sink" && !(texts.delays.empty() && texts.losses.empty() && texts.cuts.empty())) {
    return "--path-delay, --path-loss and --path-cut are of what a sink takes; write --role sink";
  }
  if ((options.role == "transit") == options.hop.empty()) {
    return "--hop and --role transit belong together: --role transit --hop NODE[,LATENCY_NS[,QUEUE_BYTES]]";
  }
  return {};
}

/// Error: the exit code, what is wrong having been said.
tl::expected<void, int> make_folder(const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) {
    return {};
  }
  std::cerr << "braidway: " << folder << ": " << error.message() << "\n";
  return tl::unexpected(1);
}

}  // namespace

int run_replay(const Config& config, const ReplayOptions& options) {
  const auto refuse = [](const std::string& why) {
    std::cerr << "braidway: " << why << "\n";
    return 2;
  };
  const auto inputs = parse_inputs(config, options.inputs, options.role);
  if (!inputs) {
    return refuse(inputs.error());
  }
  if (const std::string why = contradiction(options); !why.empty()) {
    return refuse(why);
  }
  if (!options.hop.empty()) {
    const auto hop = parse_hop(options.hop);
    if (!hop) {
      return refuse(hop.error());
    }
    const auto folder = make_folder(options.folder);
    return folder ? run_transit(config, *inputs, *hop, options.folder, options.json) : folder.error();
  }
  const auto paths = parse_replay_paths(config.gateway, options.paths);
  if (!paths) {
    return refuse(paths.error());
  }
  if (const auto folder = make_folder(options.folder); !folder) {
    return folder.error();
  }
  const auto result = dataplane::replay(config.gateway, *inputs, *paths, options.folder);
  if (!result) {
    std::cerr << "braidway: " << result.error() << "\n";
    return 1;
  }
  const Json json = json_of(config, *result);
  print(json);
  if (!options.json.empty()) {
    std::ofstream file(options.json);
    file << json.dump(2) << "\n";
    if (!file.flush()) {
      std::cerr << "braidway: " << options.json << ": cannot be written\n";
      return 1;
    }
  }
  return 0;
}

}  // namespace braidway::ctrl
