// show events, show history: why weights were changed ahead of time and what came of it; and what each path
// was like.
#include <algorithm>
#include <charconv>
#include <chrono>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <limits>
#include <optional>

#include "ctrl/api/commands/commands.hpp"
#include "ctrl/api/commands/forecasting.hpp"
#include "ctrl/api/table.hpp"

namespace braidway::ctrl::api {
namespace {

using forecast::Event;
using forecast::LoopState;
using forecast::Outcome;
using forecast::PeerForecast;

/// An argument that is not given is empty, or not there.
std::string given(const Arguments& arguments, const std::string& name) {
  const auto found = arguments.find(name);
  return found == arguments.end() ? std::string{} : found->second;
}

tl::expected<std::size_t, std::string> count_of(const Arguments& arguments, std::size_t otherwise) {
  const std::string text = given(arguments, "last");
  if (text.empty()) return otherwise;
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size() || count == 0) {
    return tl::unexpected("--last '" + text + "' is no number of rows; 1 or more is");
  }
  return count;
}

std::string time_text(std::int64_t ns) {
  const auto whole = std::chrono::system_clock::time_point(
      std::chrono::duration_cast<std::chrono::system_clock::duration>(std::chrono::nanoseconds(ns)));
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z",
                     fmt::gmtime(std::chrono::time_point_cast<std::chrono::milliseconds>(whole)));
}

std::string because(const Event& event, double tick_ms) {
  if (!event.foreseen) return "nothing is expected any more";
  return fmt::format("burst in {} ms: probability {:.2f}, load {:.2f} in place of {:.2f}, skill {:.2f}",
                     event.horizon * tick_ms, event.forecast.burst, event.forecast.upper,
                     event.forecast.lower, event.skill);
}

tl::expected<Json, std::string> show_events(Session& session, const Arguments& arguments) {
  constexpr std::size_t usual = 20;
  const auto loop = forecasts_of(session);
  if (!loop) return tl::unexpected(loop.error());
  return count_of(arguments, usual).and_then([&](std::size_t most) {
    return (*loop)->ask([&](const PeerForecast& of, const LoopState& /*state*/) {
      const double tick_ms = (*loop)->parameters().forecast.tick_us / 1e3;
      Json outcomes = Json::object();
      for (const auto outcome : {Outcome::came, Outcome::did_not_come, Outcome::not_seen, Outcome::waiting}) {
        outcomes[std::string(forecast::name_of(outcome))] = of.events().count(outcome);
      }
      Json list = Json::array();
      for (const Event& event : of.events().last(most)) {
        list.push_back({{"number", event.number},
                        {"time", time_text(event.at_ns)},
                        {"path", session.gateway.settings().peers.front().paths[event.path].name},
                        {"from", event.from},
                        {"to", event.to},
                        {"because", because(event, tick_ms)},
                        {"outcome", forecast::name_of(event.outcome)},
                        {"load", load_json(event.load)}});
      }
      return Json{
          {"events", of.events().count()}, {"outcomes", std::move(outcomes)}, {"last", std::move(list)}};
    });
  });
}

std::string render_events(const Json& json) {
  Table table({"event", "time", "path", "bias", "because", "then", "load"});
  for (const auto& event : json.at("last")) {
    table.add({std::to_string(event.at("number").get<std::uint64_t>()), event.at("time"), event.at("path"),
               fmt::format("{:.2f} -> {:.2f}", event.at("from").get<double>(), event.at("to").get<double>()),
               event.at("because"), event.at("outcome"), load_text(event.at("load"))});
  }
  std::string text = fmt::format("{} events:", json.at("events").get<std::uint64_t>());
  for (const auto& [outcome, count] : json.at("outcomes").items()) {
    text += fmt::format(" {} {}", count.get<std::uint64_t>(), outcome);
  }
  return table.to_string() + text + "\n";
}

Json tick_json(const forecast::HistoryTick& tick) {
  return {{"load", load_json(tick.load)},
          {"own", tick.own},
          {"delay_us", tick.delay_us},
          {"forecast", tick.forecast},
          {"share", tick.share},
          {"sent", tick.sent},
          {"held", tick.held}};
}

tl::expected<Json, std::string> show_history(Session& session, const Arguments& arguments) {
  constexpr std::size_t usual = 50;
  const auto loop = forecasts_of(session);
  if (!loop) return tl::unexpected(loop.error());
  const auto& paths = session.gateway.settings().peers.front().paths;
  const std::string name = given(arguments, "path");
  const auto path = std::ranges::find(paths, name, &dataplane::PathSettings::name);
  if (path == paths.end()) {
    return tl::unexpected("there is no path '" + name + "'; braidwayctl show paths lists them");
  }
  const std::string step = given(arguments, "step");
  if (!step.empty() && step != "tick" && step != "100us") {
    return tl::unexpected("--step '" + step +
                          "' is none; tick (20 seconds of them) or 100us (one second) is");
  }
  return count_of(arguments, usual).and_then([&](std::size_t most) {
    return (*loop)->ask([&](const PeerForecast& of, const LoopState& /*state*/) {
      const auto at = static_cast<std::size_t>(path - paths.begin());
      Json rows = Json::array();
      const bool fine = step == "100us";
      if (fine) {
        for (const auto& bin : of.history().bins(at, most)) rows.push_back({{"load", load_json(bin)}});
      } else {
        for (const auto& tick : of.history().ticks(at, most)) rows.push_back(tick_json(tick));
      }
      return Json{{"path", name},
                  {"step_us", fine ? 100 : (*loop)->parameters().forecast.tick_us},
                  {"rows", std::move(rows)}};
    });
  });
}

std::string render_history(const Json& json) {
  const auto& rows = json.at("rows");
  const auto step = json.at("step_us").get<std::int64_t>();
  const bool fine = !rows.empty() && !rows.front().contains("own");
  Table table(fine ? std::vector<std::string>{"us ago", "load"}
                   : std::vector<std::string>{"us ago", "load", "expected", "own", "delay, us", "share",
                                              "sent", "held"});
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    std::vector<std::string> cells{std::to_string(static_cast<std::int64_t>(rows.size() - i) * step),
                                   load_text(row.at("load"))};
    if (!fine) {
      for (const char* key : {"forecast", "own", "delay_us", "share"}) {
        cells.push_back(fmt::format("{:.2f}", row.at(key).get<double>()));
      }
      for (const char* key : {"sent", "held"}) cells.push_back(std::to_string(row.at(key).get<unsigned>()));
    }
    table.add(cells);
  }
  return table.to_string();
}

}  // namespace

std::vector<Command> events() {
  const Argument last{.name = "last", .help = "rows at most", .required = false};
  return {
      {.name = "show events",
       .help = "why weights were changed ahead of time, and what came true",
       .arguments = {last},
       .answer = show_events,
       .render = render_events},
      {.name = "show history",
       .help = "what a path was like lately: load of others, as expected and as seen, our own, delay, share",
       .arguments = {{.name = "path", .help = "name of the path", .positional = true},
                     last,
                     {.name = "step", .help = "tick (default) or 100us", .required = false}},
       .answer = show_history,
       .render = render_history}};
}

}  // namespace braidway::ctrl::api
