#include "ctrl/transit_command.hpp"

#include <array>
#include <charconv>
#include <fmt/format.h>
#include <fstream>
#include <iostream>
#include <string_view>

#include <nlohmann/json.hpp>

#include "ctrl/api/table.hpp"
#include "dataplane/transit_replay.hpp"

namespace braidway::ctrl {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint32_t most_queue_bytes = 0xff'fffe;  // 24 bits, of which all ones are "unknown"

}  // namespace

tl::expected<telemetry::HopMetadata, std::string> parse_hop(const std::string& text) {
  std::array<std::uint32_t, 3> numbers{};
  std::size_t count = 0;
  std::string_view rest = text;
  bool good = true;
  while (good && count < numbers.size()) {
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), numbers[count]);
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
    good = error == std::errc{} && numbers[count] != UINT32_MAX && (rest.empty() || rest.front() == ',');
    ++count;
    if (rest.empty()) break;
    rest.remove_prefix(1);
  }
  if (!good || !rest.empty() || (count == 3 && numbers[2] > most_queue_bytes)) {
    return tl::unexpected(fmt::format(
        "--hop '{}' is not NODE[,LATENCY_NS[,QUEUE_BYTES]], as 7,1500,20000; a queue has at most {} bytes",
        text, most_queue_bytes));
  }
  telemetry::HopMetadata hop{.node_id = numbers[0]};
  if (count > 1) hop.hop_latency = numbers[1];
  if (count > 2) hop.queue = numbers[2];
  return hop;
}

int run_transit(const Config& config, const std::vector<dataplane::ReplayInput>& inputs,
                const telemetry::HopMetadata& hop, const std::string& folder, const std::string& json_file) {
  const auto result = dataplane::replay_transit(config.gateway, inputs, hop, folder);
  if (!result) {
    std::cerr << "braidway: " << result.error() << "\n";
    return 1;
  }
  Json ports = Json::object();
  Table table({"port", "frames", "pushed", "others"});
  for (const dataplane::ReplayInput& input : inputs) {
    const auto& counts = (*result)[input.port];
    Json port{{"frames", counts.frames}};
    for (std::size_t i = 0; i < counts.outcomes.size(); ++i) {
      port[std::string(dataplane::transit_outcome_names[i])] = counts.outcomes[i];
    }
    const std::string& name = config.gateway.ports[input.port].name;
    table.add({name, std::to_string(counts.frames), std::to_string(counts.outcomes[0]),
               std::to_string(counts.frames - counts.outcomes[0])});
    ports[name] = std::move(port);
  }
  std::cout << table.to_string();
  if (json_file.empty()) {
    return 0;
  }
  std::ofstream file(json_file);
  file << Json{{"ports", std::move(ports)}}.dump(2) << "\n";
  if (!file.flush()) {
    std::cerr << "braidway: " << json_file << ": cannot be written\n";
    return 1;
  }
  return 0;
}

}  // namespace braidway::ctrl
