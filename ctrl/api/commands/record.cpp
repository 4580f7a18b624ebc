// record: what forecasts are made from, for braidway-forecast --trace.
#include <fmt/format.h>

#include "ctrl/api/commands/commands.hpp"
#include "ctrl/api/commands/forecasting.hpp"

namespace braidway::ctrl::api {
namespace {

tl::expected<Json, std::string> start(Session& session, const Arguments& arguments) {
  const std::string& file = arguments.at("file");
  if (!file.starts_with('/')) {
    return tl::unexpected("--file '" + file +
                          "' is relative to the daemon, not to you; give an absolute path");
  }
  const auto& settings = session.gateway.settings();
  record::TraceHeader header{.gateway = settings.name, .peer = settings.peers.front().name, .paths = {}};
  for (const auto& path : settings.peers.front().paths) header.paths.push_back({.name = path.name});
  return forecasts_of(session).and_then([&](forecast::Loop* loop) {
    return loop->start_recording(file, std::move(header)).map([&] { return Json{{"file", file}}; });
  });
}

std::string render_start(const Json& json) {
  return fmt::format("recording into {}\n", json.at("file").get<std::string>());
}

tl::expected<Json, std::string> stop(Session& session, const Arguments& /*arguments*/) {
  return forecasts_of(session).and_then([](forecast::Loop* loop) {
    return loop->stop_recording().map([](const forecast::Loop::Recorded& recorded) {
      return Json{{"file", recorded.file}, {"messages", recorded.messages}};
    });
  });
}

std::string render_stop(const Json& json) {
  return fmt::format("recorded {} messages into {}\n", json.at("messages").get<std::uint64_t>(),
                     json.at("file").get<std::string>());
}

}  // namespace

std::vector<Command> recording() {
  return {{.name = "record start",
           .help = "write what the peer says of paths to a new file, for braidway-forecast --trace",
           .changes = true,
           .arguments = {{.name = "file", .help = "absolute path"}},
           .answer = start,
           .render = render_start},
          {.name = "record stop",
           .help = "end the recording and say what it holds",
           .changes = true,
           .answer = stop,
           .render = render_stop}};
}

}  // namespace braidway::ctrl::api
