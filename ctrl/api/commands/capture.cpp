#include "dataplane/capture.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <optional>

#include "ctrl/api/commands/commands.hpp"

namespace braidway::ctrl::api {
namespace {

tl::expected<std::size_t, std::string> port_of(const Session& session, const Arguments& arguments) {
  const auto& ports = session.gateway.settings().ports;
  const auto port = std::ranges::find(ports, arguments.at("port"), &dataplane::PortSettings::name);
  if (port == ports.end()) {
    return tl::unexpected("there is no port '" + arguments.at("port") +
                          "'; braidwayctl show ports lists them");
  }
  return static_cast<std::size_t>(port - ports.begin());
}

tl::expected<Json, std::string> start(Session& session, const Arguments& arguments) {
  const std::string& file = arguments.at("file");
  if (!file.starts_with('/')) {
    return tl::unexpected("--file '" + file +
                          "' is relative to the daemon, not to you; give an absolute path");
  }
  const std::string stem = file.ends_with(".pcap") ? file.substr(0, file.size() - 5) : file;
  return port_of(session, arguments).and_then([&](std::size_t port) {
    return session.gateway.start_capture(port, stem).map([&] {
      return Json{{"port", arguments.at("port")},
                  {"received", stem + ".rx.pcap"},
                  {"transmitted", stem + ".tx.pcap"}};
    });
  });
}

std::string render_start(const Json& json) {
  return fmt::format("capturing {} into {} and {}\n", json.at("port").get<std::string>(),
                     json.at("received").get<std::string>(), json.at("transmitted").get<std::string>());
}

tl::expected<Json, std::string> stop(Session& session, const Arguments& arguments) {
  return port_of(session, arguments).and_then([&](std::size_t port) {
    return session.gateway.stop_capture(port).map([&](const dataplane::CaptureResult& result) {
      return Json{{"port", arguments.at("port")},
                  {"received", result.received},
                  {"transmitted", result.transmitted},
                  {"missed", result.missed}};
    });
  });
}

std::string render_stop(const Json& json) {
  return fmt::format("captured on {}: {} received, {} transmitted, {} missed\n",
                     json.at("port").get<std::string>(), json.at("received").get<std::uint64_t>(),
                     json.at("transmitted").get<std::uint64_t>(), json.at("missed").get<std::uint64_t>());
}

}  // namespace

std::vector<Command> capture() {
  const Argument port{.name = "port", .help = "name of the port", .positional = true};
  return {{.name = "capture start",
           .help = "write what a port receives and transmits to new files FILE.rx.pcap and FILE.tx.pcap",
           .changes = true,
           .arguments = {port, {.name = "file", .help = "absolute path; a trailing .pcap is taken off"}},
           .answer = start,
           .render = render_start},
          {.name = "capture stop",
           .help = "end a port's capture and say what it holds",
           .changes = true,
           .arguments = {port},
           .answer = stop,
           .render = render_stop}};
}

}  // namespace braidway::ctrl::api
