// `braidwayctl collect`: receives Telemetry Reports 2.0 by UDP and prints them, for people who have no
// collector. Reports on stdout, as they come; where it listens on stderr. It ends after --count reports, or
// with SIGTERM or SIGINT, and then prints what it has counted; a second signal ends it without.
//
// It listens on the loopback address unless told otherwise: reports are not authenticated, and what listens
// to the world should be asked to.
//
// Owner: the main thread.
#pragma once

#include "ctrl/api/local_command.hpp"

namespace braidway::ctrl::collect {

LocalCommand command();

}  // namespace braidway::ctrl::collect
