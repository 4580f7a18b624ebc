// `braidway replay`: captures through the pipeline. Owner: the main thread.
#pragma once

#include <string>
#include <vector>

#include "ctrl/config/config.hpp"
#include "ctrl/replay_paths.hpp"

namespace braidway::ctrl {

struct ReplayOptions {
  std::vector<std::string> inputs;  ///< PORT=FILE
  std::string folder;               ///< for PORT.pcap
  std::string json;                 ///< file for the result; empty: none
  std::string role;  ///< source: from the host; sink: from the fabric; transit: past a switch; empty: either
  std::string hop;   ///< NODE[,LATENCY_NS[,QUEUE_BYTES]] of the switch
  ReplayPathTexts paths;  ///< of what comes from the fabric
};

/// Returns the exit code: 0 done, 1 a file is broken or cannot be written, 2 the options are wrong.
int run_replay(const Config& config, const ReplayOptions& options);

}  // namespace braidway::ctrl
