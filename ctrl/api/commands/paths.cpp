#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "ctrl/api/commands/commands.hpp"
#include "ctrl/api/received.hpp"
#include "ctrl/api/table.hpp"
#include "lb/slot_table.hpp"

namespace braidway::ctrl::api {
namespace {

constexpr std::uint32_t max_weight = 10'000;

/// What comes from the peer by the path.
Json received_by(const dataplane::ReceivedByPath& path, bool dead) {
  Json out{{"state", dead ? "dead" : "live"}};
  out.update(received_json(path));
  return out;
}

/// Null: nobody tells.
Json utilisation_of(const dataplane::PathCondition& condition) {
  return condition.utilisation ? Json(*condition.utilisation) : Json();
}

/// What keeps it from being used, the link before what messages tell.
std::string_view state_of(const dataplane::Gateway::PathState& path) {
  return path.record.live || !path.condition.usable() ? path.condition.name() : "dead";
}

tl::expected<Json, std::string> show(Session& session, const Arguments& /*arguments*/) {
  const auto& settings = session.gateway.settings();
  const auto& peer = settings.peers.front();
  const auto states = session.gateway.path_states();
  const auto counted = session.gateway.statistics();
  Json list = Json::array();
  for (std::size_t i = 0; i < states.size(); ++i) {
    list.push_back({{"name", peer.paths[i].name},
                    {"peer", peer.name},
                    {"port", settings.ports[peer.paths[i].port].name},
                    {"state", state_of(states[i])},
                    {"weight", states[i].record.weight},
                    {"slots", states[i].slots},
                    {"share", states[i].condition.share},
                    {"lost", states[i].condition.lost},
                    {"utilisation", utilisation_of(states[i].condition)},
                    {"packets", counted.path_packets[i]},
                    {"bytes", session.gateway.port_statistics(peer.paths[i].port).tx_bytes},
                    {"received", received_by(counted.received[i], states[i].condition.from_dead)}});
    if (!counted.returned.empty()) list.back()["returned"] = returned_json(counted.returned[i]);
  }
  return Json{{"generation", session.gateway.table_generation()},
              {"slots", lb::SlotTable::slots},
              {"paths", std::move(list)}};
}

std::string percentage(const Json& share) {
  return share.is_null() ? "-" : fmt::format("{:.0f}%", 100.0 * share.get<double>());
}

std::string render(const Json& json) {
  Table table({"path", "peer", "port", "state", "from peer", "weight", "slots", "share", "lost",
               "utilisation", "packets", "bytes"});
  const auto all = json.at("slots").get<double>();
  for (const auto& path : json.at("paths")) {
    const auto slots = path.at("slots").get<std::uint64_t>();
    table.add(
        {path.at("name"), path.at("peer"), path.at("port"), path.at("state"), path.at("received").at("state"),
         std::to_string(path.at("weight").get<std::uint64_t>()), std::to_string(slots),
         fmt::format("{:.2f}%", 100.0 * static_cast<double>(slots) / all * path.at("share").get<double>()),
         std::to_string(path.at("lost").get<std::uint64_t>()), percentage(path.at("utilisation")),
         std::to_string(path.at("packets").get<std::uint64_t>()),
         std::to_string(path.at("bytes").get<std::uint64_t>())});
  }
  const std::string hops = render_hops(json.at("paths"));
  const std::string returned = render_returned(json.at("paths"));
  return table.to_string() + "\n" + render_received(json.at("paths")) + (hops.empty() ? "" : "\n") + hops +
         (returned.empty() ? "" : "\n") + returned +
         fmt::format("path table generation {}\n", json.at("generation").get<std::uint64_t>());
}

tl::expected<Json, std::string> set_weight(Session& session, const Arguments& arguments) {
  const auto& paths = session.gateway.settings().peers.front().paths;
  const std::string& name = arguments.at("path");
  const auto path = std::ranges::find(paths, name, &dataplane::PathSettings::name);
  if (path == paths.end()) {
    return tl::unexpected("there is no path '" + name + "'; braidwayctl show paths lists them");
  }
  const std::string& text = arguments.at("weight");
  std::uint32_t weight = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), weight);
  if (error != std::errc{} || end != text.data() + text.size() || weight > max_weight) {
    return tl::unexpected("'" + text + "' is no weight; 0 (no new packets) to 10000 is");
  }
  if (auto done = session.gateway.set_weight(static_cast<std::size_t>(path - paths.begin()), weight); !done) {
    return tl::unexpected(done.error());
  }
  return Json{{"path", name}, {"weight", weight}, {"generation", session.gateway.table_generation()}};
}

std::string render_weight(const Json& json) {
  return fmt::format("path {} has weight {} from path table generation {} on\n",
                     json.at("path").get<std::string>(), json.at("weight").get<std::uint64_t>(),
                     json.at("generation").get<std::uint64_t>());
}

}  // namespace

std::vector<Command> paths() {
  return {{.name = "show paths",
           .help = "paths: state, weight, slots of the path table, packets sent over each and received by it",
           .answer = show,
           .render = render},
          {.name = "set weight",
           .help = "give a path another weight until the next start; 0 drains it",
           .changes = true,
           .arguments = {{.name = "path", .help = "name of the path", .positional = true},
                         {.name = "weight", .help = "0 to 10000", .positional = true}},
           .answer = set_weight,
           .render = render_weight}};
}

}  // namespace braidway::ctrl::api
