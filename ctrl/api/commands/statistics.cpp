#include <fmt/format.h>

#include "ctrl/api/commands/commands.hpp"
#include "ctrl/api/table.hpp"

namespace braidway::ctrl::api {
namespace {

tl::expected<Json, std::string> stats(Session& session, const Arguments& /*arguments*/) {
  const auto counted = session.gateway.statistics();
  Json stages = Json::array();
  for (const auto& stage : counted.stages) {
    stages.push_back({{"way", stage.way},
                      {"stage", stage.stage},
                      {"packets", stage.packets},
                      {"timed_packets", stage.timed_packets},
                      {"cycles", stage.cycles}});
  }
  Json workers = Json::array();
  const auto& settings = session.gateway.settings();
  for (std::size_t i = 0; i < counted.workers.size(); ++i) {
    workers.push_back({{"lane", i},
                       {"core", settings.workers[i].core},
                       {"turns", counted.workers[i].turns},
                       {"busy_turns", counted.workers[i].busy_turns},
                       {"idle_cycles", counted.workers[i].idle_cycles}});
  }
  Json order = Json::object();
  for (const auto& count : counted.order) {
    order[std::string(count.name)] = count.count;
  }
  return Json{{"gateway", settings.name},
              {"hugepages", session.gateway.hugepages()},
              {"stages", std::move(stages)},
              {"order", std::move(order)},
              {"workers", std::move(workers)}};
}

std::string render_stats(const Json& json) {
  Table stages({"way", "stage", "packets", "cycles/packet"});
  for (const auto& stage : json.at("stages")) {
    const auto packets = stage.at("packets").get<std::uint64_t>();
    const auto timed = stage.at("timed_packets").get<std::uint64_t>();
    const auto cycles = stage.at("cycles").get<double>();
    stages.add({stage.at("way"), stage.at("stage"), std::to_string(packets),
                timed == 0 ? "-" : fmt::format("{:.1f}", cycles / static_cast<double>(timed))});
  }
  Table workers({"lane", "core", "turns", "busy"});
  for (const auto& worker : json.at("workers")) {
    const auto turns = worker.at("turns").get<std::uint64_t>();
    const auto busy = worker.at("busy_turns").get<double>();
    workers.add({std::to_string(worker.at("lane").get<unsigned>()),
                 std::to_string(worker.at("core").get<unsigned>()), std::to_string(turns),
                 turns == 0 ? "-" : fmt::format("{:.1f}%", 100.0 * busy / static_cast<double>(turns))});
  }
  Table order({"stamps and order", "count"});
  for (const auto& [what, count] : json.at("order").items()) {
    order.add({what, std::to_string(count.get<std::uint64_t>())});
  }
  return stages.to_string() + "\n" + order.to_string() + "\n" + workers.to_string();
}

/// Drops of the gateway by reason, and what its devices dropped before it saw the packet.
tl::expected<Json, std::string> drops(Session& session, const Arguments& /*arguments*/) {
  Json out = Json::object();
  for (const auto& drop : session.gateway.statistics().drops) {
    out[std::string(drop.name)] = drop.count;
  }
  std::uint64_t missed = 0;
  std::uint64_t errors = 0;
  std::uint64_t no_mbuf = 0;
  std::uint64_t tx_errors = 0;
  for (std::size_t i = 0; i < session.gateway.settings().ports.size(); ++i) {
    const auto port = session.gateway.port_statistics(i);
    missed += port.rx_missed;
    errors += port.rx_errors;
    no_mbuf += port.rx_no_mbuf;
    tx_errors += port.tx_errors;
  }
  out["device_rx_missed"] = missed;
  out["device_rx_errors"] = errors;
  out["device_rx_no_mbuf"] = no_mbuf;
  out["device_tx_errors"] = tx_errors;
  return out;
}

std::string render_drops(const Json& json) {
  Table table({"reason", "packets"});
  for (const auto& [reason, count] : json.items()) {
    table.add({reason, std::to_string(count.get<std::uint64_t>())});
  }
  return table.to_string();
}

}  // namespace

std::vector<Command> statistics() {
  return {
      {.name = "show stats",
       .help = "packets and TSC cycles of every stage, what was stamped and put in order, and how busy the "
               "workers are",
       .answer = stats,
       .render = render_stats},
      {.name = "show drops", .help = "dropped packets by reason", .answer = drops, .render = render_drops}};
}

}  // namespace braidway::ctrl::api
