// braidway-wire: paths with delay, rate, loss and the rest between ports, changed while they run.
//
//   braidway-wire FILE                run it, until SIGTERM or SIGINT
//   braidway-wire FILE --ask REQUEST  ask the one that runs: {"show": true}, {"set": {...}} (request.hpp)
//
// FILE is YAML (bench/wire/example.yaml explains every key). The counters are written as
// JSON to stdout at the end. Exit codes: 0 fine; 1 could not start or go on, or refused the request; 2 FILE
// or the command line is wrong.
#include <chrono>
#include <csignal>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <sys/prctl.h>
#include <thread>

#include <CLI/CLI.hpp>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "bench/wire/control_socket.hpp"
#include "bench/wire/report.hpp"
#include "bench/wire/request.hpp"
#include "bench/wire/settings.hpp"
#include "bench/wire/wire.hpp"
#include "ctrl/config/config.hpp"
#include "ctrl/config/yaml.hpp"

namespace {

using namespace braidway::bench::wire;
using braidway::ctrl::Location;
using braidway::ctrl::Node;

constexpr int exit_failed = 1;
constexpr int exit_bad_use = 2;
constexpr std::size_t largest_file = 1U << 20U;
/// As often as links are looked after.
constexpr std::chrono::milliseconds tick_every{10};

volatile std::sig_atomic_t interrupted = 0;

int fail(const std::string& what) {
  std::cerr << "braidway-wire: " << what << '\n';
  return exit_failed;
}

/// Where each key and value of the file stands, by JSON pointer.
struct Places {
  std::map<std::string, Location> keys;
  std::map<std::string, Location> values;

  [[nodiscard]] Location of(const Problem& problem) const {
    if (const auto key = keys.find(problem.at); problem.of_key && key != keys.end()) return key->second;
    const auto value = values.find(problem.at);
    return value == values.end() ? Location{} : value->second;
  }
};

/// The file's tree as JSON, as requests are.
Json to_json(const Node& node, const std::string& at, Places& places) {
  places.values[at] = node.at;
  Json json;
  switch (node.kind) {
    case Node::Kind::null:
      break;
    case Node::Kind::scalar:
      json = node.quoted ? Json{} : Json::parse(node.text, nullptr, false);
      if (!json.is_number() && !json.is_boolean()) json = node.text;
      break;
    case Node::Kind::sequence:
      json = Json::array();
      for (const Node& item : node.items) {
        json.push_back(to_json(item, at + "/" + std::to_string(json.size()), places));
      }
      break;
    case Node::Kind::map:
      json = Json::object();
      for (const auto& member : node.members) {
        const std::string here = at + "/" + member.key;
        places.keys[here] = member.at;
        json[member.key] = to_json(member.value, here, places);
      }
      break;
  }
  return json;
}

/// The settings; nothing if they are wrong, which has been said.
std::optional<Settings> read_settings(const std::string& file) {
  const auto say = [&file](Location at, const std::string& what) {
    std::cerr << braidway::ctrl::ConfigError{file, at.line, at.column, what}.to_string() << '\n';
  };
  std::ifstream in{file};
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) {
    say({}, "cannot be read, or is empty; give the path of a YAML file");
    return std::nullopt;
  }
  if (text.view().size() > largest_file) {
    say({}, "larger than 1 MiB; no wire needs so many words");
    return std::nullopt;
  }
  const auto document = braidway::ctrl::parse_yaml(text.view());
  if (!document) {
    say(document.error().at, document.error().what);
    return std::nullopt;
  }
  Places places;
  Problems problems;
  Settings settings = decode_settings(to_json(document->root, "", places), problems);
  for (const auto& problem : document->problems) say(problem.at, problem.what);
  for (const Problem& problem : problems) say(places.of(problem), problem.what);
  if (!document->problems.empty() || !problems.empty()) return std::nullopt;
  return settings;
}

/// Answers requests; keeps what the parameters of the paths are now.
class Desk {
 public:
  Desk(Wire& wire, std::vector<PathSettings> paths) : wire_{wire}, paths_{std::move(paths)} {}

  [[nodiscard]] Json report() { return braidway::bench::wire::to_json(paths_, wire_.state()); }

  std::string answer(std::string_view line) {
    const auto request = read_request(line, paths_);
    if (!request) return text(Json{{"error", request.error()}});
    if (const auto* const set = std::get_if<Set>(&*request)) {
      wire_.set(set->path, set->directions);
      paths_[set->path].directions = set->directions;
      return text(Json{{"ok", true}});
    }
    Json answer{{"ok", true}};
    answer.update(report());
    return text(answer);
  }

 private:
  static std::string text(const Json& json) {
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
  }

  Wire& wire_;
  std::vector<PathSettings> paths_;
};

int run(const Settings& settings) {
  const auto wire = Wire::start(settings);
  if (!wire) return fail(wire.error());
  std::optional<ControlSocket> control;
  if (!settings.control.empty()) {
    auto listening = ControlSocket::listen_on(settings.control);
    if (!listening) return fail(listening.error());
    control.emplace(std::move(*listening));
  }
  Desk desk{**wire, settings.paths};
  while (interrupted == 0) {
    if (control) {
      control->serve(tick_every, [&desk](std::string_view line) { return desk.answer(line); });
    } else {
      std::this_thread::sleep_for(tick_every);
    }
    if (const auto told = (*wire)->tick(); !told) return fail(told.error());
  }
  std::cout << desk.report().dump(2) << '\n' << std::flush;
  return std::cout ? 0 : fail("stdout cannot be written: the counters are lost");
}

int ask_running(const Settings& settings, const std::string& request) {
  if (settings.control.empty())
    return fail("the file names no control socket; add control: SOCKET, and restart");
  const auto answer = ask(settings.control, request);
  if (!answer) return fail(answer.error());
  const Json json = Json::parse(*answer, nullptr, false);
  if (!json.is_object() || !json.contains("ok")) {
    const bool told = json.is_object() && json.contains("error") && json["error"].is_string();
    return fail(told ? json["error"].get<std::string>() : *answer);
  }
  std::cout << json.dump(2) << '\n' << std::flush;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "Paths between DPDK ports with a rate, delay, jitter, loss, CE marks, corruption, reordering and "
      "duplication, "
      "changed by a control socket while they run. Ends on SIGTERM and SIGINT with its counters as JSON on "
      "stdout.",
      "braidway-wire"};
  std::string file;
  app.add_option("FILE", file, "YAML: the paths; bench/wire/example.yaml explains every key")->required();
  std::string request;
  auto* const asks = app.add_option("--ask", request, "ask the running wire, as {\"show\": true}");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : exit_bad_use;
  }
  const auto settings = read_settings(file);
  if (!settings) return exit_bad_use;
  if (asks->count() > 0) return ask_running(*settings, request);
  struct sigaction action{};
  action.sa_handler = [](int) { interrupted = 1; };
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);     // a vhost peer that died is no reason to end
  prctl(PR_SET_TIMERSLACK, 1000UL);  // nanoseconds: naps of 20 us shall not become 70
  // stdout is for the counters.
  spdlog::set_default_logger(spdlog::stderr_logger_mt("braidway-wire"));
  try {
    return run(*settings);
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}
