#include <array>
#include <fmt/format.h>

#include "ctrl/api/commands/commands.hpp"
#include "ctrl/api/table.hpp"

namespace braidway::ctrl::api {
namespace {

tl::expected<Json, std::string> show(Session& session, const Arguments& /*arguments*/) {
  const auto& peer = session.gateway.settings().peers.front();
  const auto known = session.gateway.peer_statistics();
  Json messages = Json::object();
  for (const auto& count : known.messages) {
    messages[std::string(count.name)] = count.count;
  }
  return Json{{"name", peer.name},
              {"id", lb::value(peer.id)},
              {"restores_order", known.restores_order},
              {"policy", lb::name_of(known.policy)},
              {"boots", known.boots},
              {"messages", std::move(messages)}};
}

std::string render(const Json& json) {
  std::string text = fmt::format("peer {} (id {}): {} order, policy {}\n", json.at("name").get<std::string>(),
                                 json.at("id").get<unsigned>(),
                                 json.at("restores_order").get<bool>() ? "restores" : "does not restore",
                                 json.at("policy").get<std::string>());
  if (json.at("messages").empty()) {
    return text + "no messages are configured\n";
  }
  Table table({"messages", "count"});
  for (const auto& [what, count] : json.at("messages").items()) {
    table.add({what, std::to_string(count.get<std::uint64_t>())});
  }
  return text + fmt::format("restarts seen: {}\n\n", json.at("boots").get<unsigned>()) + table.to_string();
}

}  // namespace

std::vector<Command> peer() {
  return {
      {.name = "show peer",
       .help =
           "the gateway at the far end: the policy in force, messages sent and received, by what became of "
           "them",
       .answer = show,
       .render = render}};
}

}  // namespace braidway::ctrl::api
