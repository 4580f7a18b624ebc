#include "ctrl/api/received.hpp"

#include <fmt/format.h>
#include <utility>

#include "ctrl/api/table.hpp"

namespace braidway::ctrl::api {
namespace {

using Json = nlohmann::ordered_json;

Json quantiles_of(const telemetry::HistogramCounts& counts) {
  Json out = Json::object();
  for (const auto& [name, share] : {std::pair{"p50", 0.5}, {"p99", 0.99}, {"max", 1.0}}) {
    const auto value = counts.quantile(share);
    out[name] = value ? Json(*value) : Json();
  }
  return out;
}

std::string microseconds(const Json& ns) {
  return ns.is_null() ? "-" : fmt::format("{:.1f}", ns.get<double>() / 1000);
}

/// From the source on, to the last that has told anything.
Json hops_json(const std::vector<dataplane::ReceivedByHop>& hops) {
  Json out = Json::array();
  Json untold = Json::array();
  for (const dataplane::ReceivedByHop& hop : hops) {
    const bool named = hop.node_id != telemetry::not_measured;
    untold.push_back({{"node", named ? Json(hop.node_id) : Json()},
                      {"node_changes", hop.node_changes},
                      {"queue_bytes", quantiles_of(hop.queue)},
                      {"latency_ns", quantiles_of(hop.latency)}});
    if (!named && hop.queue.total() == 0 && hop.latency.total() == 0) continue;
    out.insert(out.end(), untold.begin(), untold.end());
    untold.clear();
  }
  return out;
}

std::string or_dash(const Json& number) { return number.is_null() ? "-" : number.dump(); }

}  // namespace

Json received_json(const dataplane::ReceivedByPath& path) {
  return {{"packets", path.totals.packets},     {"bytes", path.totals.bytes},
          {"ce_marked", path.totals.ce_marked}, {"late", path.totals.late},
          {"repeated", path.totals.repeated},   {"overtaken", path.totals.overtaken},
          {"untimed", path.totals.untimed},     {"delay_ns", quantiles_of(path.delay)},
          {"hold_ns", quantiles_of(path.hold)}, {"hops", hops_json(path.hops)}};
}

Json returned_json(const dataplane::ReturnedByPath& path) {
  return {{"requests", path.requests}, {"repeats", path.repeats}, {"rtt_ns", quantiles_of(path.rtt)},
          {"timed", path.rtt.total()}, {"cnps", path.cnps},       {"naks", path.naks}};
}

std::string render_returned(const Json& paths) {
  if (paths.empty() || !paths.front().contains("returned")) return {};
  Table table({"answered by hosts", "requests", "sent again", "timed", "RTT p50, us", "p99", "CNPs", "NAKs"});
  for (const auto& path : paths) {
    const auto& of = path.at("returned");
    table.add({path.at("name"), of.at("requests").dump(), of.at("repeats").dump(), of.at("timed").dump(),
               microseconds(of.at("rtt_ns").at("p50")), microseconds(of.at("rtt_ns").at("p99")),
               of.at("cnps").dump(), of.at("naks").dump()});
  }
  return table.to_string();
}

std::string render_hops(const Json& paths) {
  Table table(
      {"received by", "hop", "node", "changed", "queue p50, bytes", "p99", "max", "latency p50, us", "p99"});
  bool any = false;
  for (const auto& path : paths) {
    std::size_t number = 0;
    for (const auto& hop : path.at("received").at("hops")) {
      const auto& queue = hop.at("queue_bytes");
      const auto& latency = hop.at("latency_ns");
      table.add({path.at("name"), std::to_string(number++), or_dash(hop.at("node")),
                 hop.at("node_changes").dump(), or_dash(queue.at("p50")), or_dash(queue.at("p99")),
                 or_dash(queue.at("max")), microseconds(latency.at("p50")), microseconds(latency.at("p99"))});
      any = true;
    }
  }
  return any ? table.to_string() : std::string{};
}

std::string render_received(const Json& paths) {
  Table table({"received by", "packets", "CE", "late", "overtaken", "delay p50, us", "p99", "hold p99, us"});
  for (const auto& path : paths) {
    const auto& of = path.at("received");
    table.add({path.at("name"), of.at("packets").dump(), of.at("ce_marked").dump(), of.at("late").dump(),
               of.at("overtaken").dump(), microseconds(of.at("delay_ns").at("p50")),
               microseconds(of.at("delay_ns").at("p99")), microseconds(of.at("hold_ns").at("p99"))});
  }
  return table.to_string();
}

}  // namespace braidway::ctrl::api
