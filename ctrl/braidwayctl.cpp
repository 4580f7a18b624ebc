// braidwayctl: asks a running gateway. Its commands are those of ctrl/api/command.hpp, and those of
// ctrl/api/local_command.hpp, which need no gateway.
//
// Exit codes: 0 answered, done; 1 the gateway refused or does not answer, or it could not be done; 2 wrong
// use.
#include <filesystem>
#include <functional>
#include <iostream>
#include <memory>
#include <sstream>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <httplib.h>

#include "ctrl/api/command.hpp"
#include "ctrl/api/local_command.hpp"
#include "dataplane/unix_socket.hpp"

namespace {

using braidway::ctrl::Arguments;
using braidway::ctrl::Command;
using braidway::ctrl::Json;

constexpr const char* default_folder = "/run/braidway";

/// The one socket in the default folder that a gateway listens on, where there is just one.
tl::expected<std::string, std::string> only_socket() {
  std::vector<std::string> found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(default_folder, ignored)) {
    // A killed gateway leaves its socket behind.
    if (entry.path().extension() == ".sock" && entry.is_socket(ignored) &&
        braidway::dataplane::is_listening(entry.path())) {
      found.push_back(entry.path());
    }
  }
  if (found.size() == 1) {
    return found.front();
  }
  if (found.empty()) {
    return tl::unexpected(std::string("no gateway listens in ") + default_folder +
                          "; name one with --socket");
  }
  std::string list;
  for (const auto& socket : found) {
    list += " " + socket;
  }
  return tl::unexpected("several gateways run; choose one with --socket:" + list);
}

tl::expected<Json, std::string> ask(const std::string& socket, const Command& command,
                                    const httplib::Params& arguments) {
  httplib::Client client(socket);
  client.set_address_family(AF_UNIX);
  client.set_read_timeout(60);  // seconds: to stop a capture is to write out what it holds
  const std::string route = route_of(command);
  const auto result =
      command.changes ? client.Post(route, arguments) : client.Get(route, arguments, httplib::Headers{});
  if (!result) {
    return tl::unexpected("no gateway answers at " + socket + " (" + httplib::to_string(result.error()) +
                          "); is it running, and may you write to the socket?");
  }
  Json answer = Json::parse(result->body, nullptr, false);
  if (answer.is_discarded()) {
    return tl::unexpected<std::string>(
        "the gateway's answer is no JSON; are braidway and braidwayctl of one version?");
  }
  if (result->status != 200) {
    return tl::unexpected(answer.value("error", "the gateway refused"));
  }
  return answer;
}

/// Asks and prints the answer; returns the exit code.
int ask_and_print(std::string socket, const Command& command, const Arguments& arguments, bool json) {
  if (socket.empty()) {
    auto found = only_socket();
    if (!found) {
      std::cerr << "braidwayctl: " << found.error() << "\n";
      return 1;
    }
    socket = *found;
  }
  const auto answer = ask(socket, command, {arguments.begin(), arguments.end()});
  if (!answer) {
    std::cerr << "braidwayctl: " << answer.error() << "\n";
    return 1;
  }
  std::cout << (json ? answer->dump(2) + "\n" : command.render(*answer));
  return 0;
}

/// The options of one command as CLI11 fills them in, and what is to be done with them.
struct Given {
  CLI::App* app = nullptr;
  Arguments arguments;
  std::function<int(const Arguments&)> carry_out;
};

/// Makes the subcommands of "show ports" below `app`, sharing those that exist.
CLI::App* subcommand_for(CLI::App& app, std::string_view name, std::string_view help) {
  CLI::App* at = &app;
  std::istringstream words{std::string(name)};
  for (std::string word; words >> word;) {
    const auto known = at->get_subcommands([&](const CLI::App* each) { return each->get_name() == word; });
    at = known.empty() ? at->add_subcommand(word) : known.front();
  }
  at->description(std::string(help));
  return at;
}

/// `command` is of either kind. The answer stays where it is, for CLI11 writes into it.
template <typename AnyCommand>
std::unique_ptr<Given> offer(CLI::App& app, const AnyCommand& command, bool& json,
                             std::function<int(const Arguments&)> carry_out) {
  auto given = std::make_unique<Given>();
  given->app = subcommand_for(app, command.name, command.help);
  given->carry_out = std::move(carry_out);
  given->app->add_flag("-j,--json", json, "print JSON");
  given->app->fallthrough();
  for (const auto& argument : command.arguments) {
    const std::string name(argument.name);
    auto* option = given->app->add_option(argument.positional ? name : "--" + name, given->arguments[name],
                                          std::string(argument.help));
    option->required(argument.required);
  }
  return given;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Asks a running braidway gateway.", "braidwayctl"};
  std::string socket;
  bool json = false;
  app.add_option("--socket", socket, "the gateway's API socket (default: the only one in /run/braidway)");
  app.require_subcommand(1);
  app.fallthrough();
  std::vector<std::unique_ptr<Given>> all;
  for (const Command& command : braidway::ctrl::commands()) {
    all.push_back(offer(app, command, json, [&](const Arguments& arguments) {
      return ask_and_print(socket, command, arguments, json);
    }));
  }
  for (const auto& command : braidway::ctrl::local_commands()) {
    all.push_back(
        offer(app, command, json, [&](const Arguments& arguments) { return command.run(arguments, json); }));
  }
  for (const char* group : {"show", "set", "capture", "record"}) {
    app.get_subcommand(group)->require_subcommand(1)->fallthrough();
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  for (const auto& given : all) {
    if (given->app->parsed()) {
      return given->carry_out(given->arguments);
    }
  }
  return 2;
}
