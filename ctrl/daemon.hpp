// The daemon's life: start the gateway and its API, serve until a signal, take all down. Owner: the main
// thread.
#pragma once

#include "ctrl/config/config.hpp"

namespace braidway::ctrl {

/// Runs until SIGTERM or SIGINT. Returns the exit code: 0 ended by signal, 1 could not start or go on.
int run_daemon(const Config& config);

}  // namespace braidway::ctrl
