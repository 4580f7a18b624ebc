#include <fmt/format.h>

#include "ctrl/api/commands/commands.hpp"
#include "ctrl/api/table.hpp"

namespace braidway::ctrl::api {
namespace {

tl::expected<Json, std::string> show(Session& session, const Arguments& /*arguments*/) {
  Json out = Json::object();
  for (const auto& count : session.gateway.statistics().reports) {
    out[std::string(count.name)] = count.count;
  }
  const Reporter::Counts& counts = session.reporter.counts();
  out["sent"] = counts.reports.get();
  out["datagrams"] = counts.datagrams.get();
  out["unsent_datagrams"] = counts.unsent.get();
  out["collectors"] = session.config.collectors;
  return out;
}

std::string render(const Json& json) {
  if (json.at("collectors").empty()) {
    return "no reports are configured\n";
  }
  Table table({"reports", "count"});
  for (const auto& [what, count] : json.items()) {
    if (count.is_number()) {
      table.add({what, std::to_string(count.get<std::uint64_t>())});
    }
  }
  std::string text = table.to_string() + "collectors:";
  for (const auto& collector : json.at("collectors")) {
    text += " " + collector.get<std::string>();
  }
  return text + "\n";
}

}  // namespace

std::vector<Command> reports() {
  return {
      {.name = "show reports",
       .help =
           "telemetry reports to collectors: packets by what made them worth one, suppressed ones, datagrams",
       .answer = show,
       .render = render}};
}

}  // namespace braidway::ctrl::api
