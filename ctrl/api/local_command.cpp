#include "ctrl/api/local_command.hpp"

#include "ctrl/collect/collect.hpp"

namespace braidway::ctrl {

std::span<const LocalCommand> local_commands() {
  static const std::vector<LocalCommand> all{collect::command()};
  return all;
}

}  // namespace braidway::ctrl
