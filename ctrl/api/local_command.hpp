// A command of braidwayctl that braidwayctl carries out itself: it asks no gateway, and none has to run.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "ctrl/api/command.hpp"

namespace braidway::ctrl {

struct LocalCommand {
  std::string_view name;
  std::string_view help;
  std::vector<Argument> arguments = {};
  /// Arguments that were not given are empty. `json`: -j was given. Returns the exit code: 0 done, 1 it could
  /// not be done, 2 an argument is wrong.
  int (*run)(const Arguments&, bool json) = nullptr;
};

/// All of them, in the order of the help.
std::span<const LocalCommand> local_commands();

}  // namespace braidway::ctrl
