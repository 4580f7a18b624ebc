// Captures through a switch of the fabric that speaks INT-MD: what it adds to stamped packets, and why not to
// others. Nothing of a gateway is run: what comes out of a source's path goes in, what a sink's path takes
// comes out. Owner: the main thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "dataplane/replay.hpp"
#include "dataplane/settings.hpp"
#include "telemetry/int_md.hpp"

namespace braidway::dataplane {

/// What became of a packet, by telemetry::TransitOutcome.
inline constexpr std::array<std::string_view, 6> transit_outcome_names{
    "pushed", "nothing_asked", "hops_exceeded", "mtu_exceeded", "stack_full", "passed"};

struct TransitedPort {
  std::uint64_t frames = 0;
  std::array<std::uint64_t, transit_outcome_names.size()> outcomes{};
};

/// Takes each input past the hop, whose egress is of the port's MTU, and writes `folder`/PORT.pcap
/// (microseconds), each frame later by the hop's latency. By port index. Error: one sentence naming the file
/// or folder.
tl::expected<std::vector<TransitedPort>, std::string> replay_transit(const GatewaySettings& settings,
                                                                     const std::vector<ReplayInput>& inputs,
                                                                     const telemetry::HopMetadata& hop,
                                                                     const std::string& folder);

}  // namespace braidway::dataplane
