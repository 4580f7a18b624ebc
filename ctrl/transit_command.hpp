// `braidway replay --role transit`: captures past a switch that adds its metadata. Owner: the main thread.
#pragma once

#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "ctrl/config/config.hpp"
#include "dataplane/replay.hpp"
#include "telemetry/int_md.hpp"

namespace braidway::ctrl {

/// NODE[,LATENCY_NS[,QUEUE_BYTES]]; what is left out is unknown. Error: one sentence.
tl::expected<telemetry::HopMetadata, std::string> parse_hop(const std::string& text);

/// Writes PORT.pcap into the folder, which exists, and the result to `json` unless that is empty. Returns the
/// exit code, as run_replay().
int run_transit(const Config& config, const std::vector<dataplane::ReplayInput>& inputs,
                const telemetry::HopMetadata& hop, const std::string& folder, const std::string& json);

}  // namespace braidway::ctrl
