#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "ctrl/api/commands/commands.hpp"
#include "ctrl/api/table.hpp"
#include "lb/slot_table.hpp"

namespace braidway::ctrl::api {
namespace {

constexpr std::uint32_t max_weight = 10'000;

/// p50, p99 and the largest, ns; null: there was none.
Json quantiles_of(const telemetry::HistogramCounts& counts) {
  Json out = Json::object();
  for (const auto& [name, share] : {std::pair{"p50", 0.5}, {"p99", 0.99}, {"max", 1.0}}) {
    const auto value = counts.quantile(share);
    out[name] = value ? Json(*value) : Json();
  }
  return out;
}

/// What comes from the peer by the path.
Json received_by(const dataplane::ReceivedByPath& path, bool dead) {
  return {{"state", dead ? "dead" : "live"},
          {"packets", path.totals.packets},
          {"bytes", path.totals.bytes},
          {"ce_marked", path.totals.ce_marked},
          {"late", path.totals.late},
          {"repeated", path.totals.repeated},
          {"overtaken", path.totals.overtaken},
          {"untimed", path.totals.untimed},
          {"delay_ns", quantiles_of(path.delay)},
          {"hold_ns", quantiles_of(path.hold)}};
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
                    {"packets", counted.path_packets[i]},
                    {"bytes", session.gateway.port_statistics(peer.paths[i].port).tx_bytes},
                    {"received", received_by(counted.received[i], states[i].condition.from_dead)}});
  }
  return Json{{"generation", session.gateway.table_generation()},
              {"slots", lb::SlotTable::slots},
              {"paths", std::move(list)}};
}

std::string render(const Json& json) {
  Table table({"path", "peer", "port", "state", "weight", "slots", "share", "lost", "packets", "bytes"});
  const auto all = json.at("slots").get<double>();
  for (const auto& path : json.at("paths")) {
    const auto slots = path.at("slots").get<std::uint64_t>();
    table.add(
        {path.at("name"), path.at("peer"), path.at("port"), path.at("state"),
         std::to_string(path.at("weight").get<std::uint64_t>()), std::to_string(slots),
         fmt::format("{:.2f}%", 100.0 * static_cast<double>(slots) / all * path.at("share").get<double>()),
         std::to_string(path.at("lost").get<std::uint64_t>()),
         std::to_string(path.at("packets").get<std::uint64_t>()),
         std::to_string(path.at("bytes").get<std::uint64_t>())});
  }
  Table received({"from peer", "state", "packets", "CE", "late", "delay p50", "p99", "hold p99"});
  const auto microseconds = [](const Json& ns) {
    return ns.is_null() ? std::string("-") : fmt::format("{:.1f} us", ns.get<double>() / 1000);
  };
  for (const auto& path : json.at("paths")) {
    const auto& of = path.at("received");
    received.add({path.at("name"), of.at("state"), std::to_string(of.at("packets").get<std::uint64_t>()),
                  std::to_string(of.at("ce_marked").get<std::uint64_t>()),
                  std::to_string(of.at("late").get<std::uint64_t>()),
                  microseconds(of.at("delay_ns").at("p50")), microseconds(of.at("delay_ns").at("p99")),
                  microseconds(of.at("hold_ns").at("p99"))});
  }
  return table.to_string() + "\n" + received.to_string() +
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
           .help = "paths: state, weight, slots of the path table, packets sent over each",
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
