// show model, show forecast: what is expected of the paths, and what it is worth.
#include <cmath>
#include <fmt/format.h>

#include "ctrl/api/commands/commands.hpp"
#include "ctrl/api/commands/forecasting.hpp"
#include "ctrl/api/table.hpp"

namespace braidway::ctrl::api {
namespace {

using forecast::LoopState;
using forecast::PeerForecast;

constexpr double mbps_per_byte_ns = 8'000;

double milliseconds(const forecast::Loop& loop, unsigned ticks) {
  return ticks * (loop.parameters().forecast.tick_us / 1e3);
}

Json took_json(const telemetry::HistogramCounts& took) {
  const auto us = [&](double share) {
    const auto ns = took.quantile(share);
    return ns ? Json(*ns / 1e3) : Json();
  };
  return {{"p50", us(0.5)}, {"p99", us(0.99)}, {"max", us(1)}};
}

/// Each model's weight in the forecast, over all paths, by horizon.
Json members_json(const PeerForecast& of) {
  const model::Ensemble& ensemble = of.predictor().ensemble();
  Json members = Json::array();
  for (std::size_t i = 0; i < ensemble.members(); ++i) {
    Json weights = Json::array();
    for (std::size_t h = 0; h < of.horizons().size(); ++h) {
      double sum = 0;
      for (std::size_t path = 0; path < of.paths(); ++path) sum += ensemble.weights(path, h)[i];
      weights.push_back(sum / static_cast<double>(of.paths()));
    }
    members.push_back({{"name", ensemble.member(i).name()}, {"weights", std::move(weights)}});
  }
  return members;
}

std::size_t open_gates(const PeerForecast& of) {
  std::size_t open = 0;
  for (std::size_t path = 0; path < of.paths(); ++path) {
    for (std::size_t h = 0; h < of.horizons().size(); ++h)
      open += of.predictor().gate(path, h).open() ? 1 : 0;
  }
  return open;
}

tl::expected<Json, std::string> show_model(Session& session, const Arguments& /*arguments*/) {
  return forecasts_of(session).and_then([&](forecast::Loop* loop) {
    return loop->ask([&](const PeerForecast& of, const LoopState& state) {
      Json horizons = Json::array();
      for (const unsigned ticks : of.horizons()) horizons.push_back(milliseconds(*loop, ticks));
      const auto cells = of.ticks() * of.paths();
      return Json{
          {"peer", session.gateway.settings().peers.front().name},
          {"weights", loop->parameters().applies ? "bias" : "observe"},
          {"tick_us", loop->parameters().forecast.tick_us},
          {"stalled", loop->stalled().has_value()},
          {"turns", state.turns},
          {"late", state.late},
          {"ticks", state.ticks},
          {"feedbacks", state.feedbacks},
          {"turn_us", took_json(state.took)},
          {"refits", state.refits},
          {"refit_threads", state.refit_threads},
          {"restarts", state.restarts},
          {"known_share", cells == 0 ? 0 : static_cast<double>(of.known()) / static_cast<double>(cells)},
          {"gates", of.paths() * of.horizons().size()},
          {"open_gates", open_gates(of)},
          {"publications", of.publications()},
          {"history_bytes", of.history().bytes()},
          {"horizons_ms", std::move(horizons)},
          {"members", members_json(of)}};
    });
  });
}

std::string render_model(const Json& json) {
  std::string text = fmt::format(
      "forecast of the paths to {}, every {} us: weights {}{}\n"
      "turns {} ({} late, median {} us, p99 {} us), ticks {}, feedbacks {}, refits {} on {} threads, "
      "restarts "
      "{}\n"
      "something was known of {:.1f}% of paths and ticks; gates open {} of {}; publications {}; history "
      "{:.1f} "
      "MB\n\n",
      json.at("peer").get<std::string>(), json.at("tick_us").get<unsigned>(),
      json.at("weights").get<std::string>(), json.at("stalled").get<bool>() ? "; STALLED" : "",
      json.at("turns").get<std::uint64_t>(), json.at("late").get<std::uint64_t>(),
      json.at("turn_us").at("p50").dump(), json.at("turn_us").at("p99").dump(),
      json.at("ticks").get<std::uint64_t>(), json.at("feedbacks").get<std::uint64_t>(),
      json.at("refits").get<std::uint64_t>(), json.at("refit_threads").get<int>(),
      json.at("restarts").get<std::uint64_t>(), 100 * json.at("known_share").get<double>(),
      json.at("open_gates").get<std::uint64_t>(), json.at("gates").get<std::uint64_t>(),
      json.at("publications").get<std::uint64_t>(), json.at("history_bytes").get<double>() / 1e6);
  std::vector<std::string> heads{"model, weight at"};
  for (const auto& ms : json.at("horizons_ms")) heads.push_back(fmt::format("{} ms", ms.get<double>()));
  Table table(heads);
  for (const auto& member : json.at("members")) {
    std::vector<std::string> row{member.at("name")};
    for (const auto& weight : member.at("weights"))
      row.push_back(fmt::format("{:.3f}", weight.get<double>()));
    table.add(row);
  }
  return text + table.to_string();
}

Json path_json(const forecast::Loop& loop, const PeerForecast& of, std::size_t path) {
  Json ahead = Json::array();
  for (std::size_t h = 0; h < of.horizons().size(); ++h) {
    const model::Forecast& expected = of.predictor().ensemble().forecast(path, h);
    const model::Gate& gate = of.predictor().gate(path, h);
    ahead.push_back({{"horizon_ms", milliseconds(loop, of.horizons()[h])},
                     {"load", expected.load},
                     {"burst", expected.burst},
                     {"lower", expected.lower},
                     {"upper", expected.upper},
                     {"p90", expected.quantile(0.9F)},
                     {"gate", gate.open() ? "open" : "shut"},
                     {"skill", gate.skill()},
                     {"judged_bursts", gate.judged()}});
  }
  return ahead;
}

tl::expected<Json, std::string> show_forecast(Session& session, const Arguments& /*arguments*/) {
  return forecasts_of(session).and_then([&](forecast::Loop* loop) {
    return loop->ask([&](const PeerForecast& of, const LoopState& /*state*/) {
      Json list = Json::array();
      for (std::size_t path = 0; path < of.paths(); ++path) {
        list.push_back({{"name", session.gateway.settings().peers.front().paths[path].name},
                        {"rate_mbps", std::lround(of.rates()[path] * mbps_per_byte_ns)},
                        {"load", load_json(of.loads()[path])},
                        {"bias", of.biases()[path]},
                        {"ahead", path_json(*loop, of, path)}});
      }
      return Json{{"peer", session.gateway.settings().peers.front().name}, {"paths", std::move(list)}};
    });
  });
}

std::string render_forecast(const Json& json) {
  Table table({"path", "Mbit/s", "load", "ahead, ms", "load then", "burst", "between", "gate", "skill",
               "bursts", "bias"});
  for (const auto& path : json.at("paths")) {
    for (const auto& ahead : path.at("ahead")) {
      const auto rate = path.at("rate_mbps").get<std::int64_t>();
      table.add(
          {path.at("name"), rate == 0 ? "unknown" : std::to_string(rate), load_text(path.at("load")),
           fmt::format("{}", ahead.at("horizon_ms").get<double>()),
           fmt::format("{:.2f}", ahead.at("load").get<double>()),
           fmt::format("{:.2f}", ahead.at("burst").get<double>()),
           fmt::format("{:.2f}-{:.2f}", ahead.at("lower").get<double>(), ahead.at("upper").get<double>()),
           ahead.at("gate"), fmt::format("{:.2f}", ahead.at("skill").get<double>()),
           std::to_string(ahead.at("judged_bursts").get<unsigned>()),
           fmt::format("{:.2f}", path.at("bias").get<double>())});
    }
  }
  return table.to_string();
}

}  // namespace

std::vector<Command> models() {
  return {{.name = "show model",
           .help = "the slow loop: how it keeps time, what it knows of, its models' weights",
           .answer = show_model,
           .render = render_model},
          {.name = "show forecast",
           .help = "what others put on each path, what they are expected to, and what forecasts were worth",
           .answer = show_forecast,
           .render = render_forecast}};
}

}  // namespace braidway::ctrl::api
