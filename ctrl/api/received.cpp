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

}  // namespace

Json received_json(const dataplane::ReceivedByPath& path) {
  return {{"packets", path.totals.packets},     {"bytes", path.totals.bytes},
          {"ce_marked", path.totals.ce_marked}, {"late", path.totals.late},
          {"repeated", path.totals.repeated},   {"overtaken", path.totals.overtaken},
          {"untimed", path.totals.untimed},     {"delay_ns", quantiles_of(path.delay)},
          {"hold_ns", quantiles_of(path.hold)}};
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
