// One function a file of this folder: each makes the commands of one matter. The list is put together in
// command.cpp.
#pragma once

#include <vector>

#include "ctrl/api/command.hpp"

namespace braidway::ctrl::api {

std::vector<Command> ports();
std::vector<Command> paths();
std::vector<Command> peer();
std::vector<Command> reports();
std::vector<Command> statistics();
std::vector<Command> config();
std::vector<Command> explain();
std::vector<Command> models();
std::vector<Command> events();
std::vector<Command> recording();
std::vector<Command> capture();

}  // namespace braidway::ctrl::api
