#include "ctrl/api/command.hpp"

#include <algorithm>
#include <iterator>

#include "ctrl/api/commands/commands.hpp"

namespace braidway::ctrl {

std::span<const Command> commands() {
  static const std::vector<Command> all = [] {
    std::vector<Command> list;
    for (auto&& some :
         {api::ports(), api::paths(), api::peer(), api::reports(), api::statistics(), api::config(),
          api::explain(), api::capture(), api::models(), api::events(), api::recording()}) {
      std::ranges::copy(some, std::back_inserter(list));
    }
    return list;
  }();
  return all;
}

std::string route_of(const Command& command) {
  std::string route = "/v1/" + std::string(command.name);
  std::ranges::replace(route, ' ', '/');
  return route;
}

std::string telemetry_name_of(const Command& command) {
  return "/braidway/" + std::string(command.name.substr(command.name.rfind(' ') + 1));
}

}  // namespace braidway::ctrl
