// braidwayctl: asks a running gateway. Its commands are those of ctrl/api/command.hpp.
//
// Exit codes: 0 answered; 1 the gateway refused or does not answer; 2 wrong use.
#include <filesystem>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <sys/socket.h>

#include <CLI/CLI.hpp>
#include <httplib.h>

#include "ctrl/api/command.hpp"
#include "dataplane/unix_socket.hpp"

namespace {

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

/// The options of one command as CLI11 fills them in.
struct Given {
  const Command* command;
  CLI::App* app;
  std::map<std::string, std::string> arguments;
};

/// Makes the subcommands of "show ports" below `app`, sharing those that exist.
CLI::App* subcommand_for(CLI::App& app, const Command& command) {
  CLI::App* at = &app;
  std::istringstream words{std::string(command.name)};
  for (std::string word; words >> word;) {
    const auto known = at->get_subcommands([&](const CLI::App* each) { return each->get_name() == word; });
    at = known.empty() ? at->add_subcommand(word) : known.front();
  }
  at->description(std::string(command.help));
  return at;
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
    auto given = std::make_unique<Given>(
        Given{.command = &command, .app = subcommand_for(app, command), .arguments = {}});
    given->app->add_flag("-j,--json", json, "print JSON");
    given->app->fallthrough();
    for (const auto& argument : command.arguments) {
      const std::string name(argument.name);
      auto* option = given->app->add_option(argument.positional ? name : "--" + name, given->arguments[name],
                                            std::string(argument.help));
      option->required(argument.required);
    }
    all.push_back(std::move(given));
  }
  for (const char* group : {"show", "set", "capture"}) {
    app.get_subcommand(group)->require_subcommand(1)->fallthrough();
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  for (const auto& given : all) {
    if (!given->app->parsed()) {
      continue;
    }
    if (socket.empty()) {
      auto found = only_socket();
      if (!found) {
        std::cerr << "braidwayctl: " << found.error() << "\n";
        return 1;
      }
      socket = *found;
    }
    const auto answer = ask(socket, *given->command, {given->arguments.begin(), given->arguments.end()});
    if (!answer) {
      std::cerr << "braidwayctl: " << answer.error() << "\n";
      return 1;
    }
    std::cout << (json ? answer->dump(2) + "\n" : given->command->render(*answer));
    return 0;
  }
  return 2;
}
