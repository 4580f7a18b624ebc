// What `braidway replay` is told of the paths that packets come by: NAME=VALUE, NAME being a path of the
// peer. Any thread.
#pragma once

#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "dataplane/replay.hpp"

namespace braidway::ctrl {

struct ReplayPathTexts {
  std::vector<std::string> delays;  ///< NAME=10us; ns, us, ms or s
  std::vector<std::string> losses;  ///< NAME=0.001, a share
  std::vector<std::string> cuts;    ///< NAME=10ms, since the first frame
};

/// By port index. Error: one sentence naming the option and what would be right.
tl::expected<std::vector<dataplane::ReplayPath>, std::string> parse_replay_paths(
    const dataplane::GatewaySettings& settings, const ReplayPathTexts& texts);

}  // namespace braidway::ctrl
