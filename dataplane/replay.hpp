// The pipeline over captures: the same stages, workers and path table as in a running gateway, with a virtual
// clock that stands at each packet's capture time, and ports that are rings. Deterministic: the same input
// gives the same bytes.
//
// A port with several queues spreads by UDP source port, as a NIC's receive-side scaling would.
// Owner: the main thread; starts and ends EAL by itself.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "dataplane/settings.hpp"
#include "dataplane/statistics.hpp"

namespace braidway::dataplane {

struct ReplayInput {
  std::size_t port = 0;  ///< port index
  std::string file;      ///< pcap or pcapng, Ethernet
};

struct ReplayedPort {
  std::uint64_t received = 0;
  std::uint64_t transmitted = 0;
};

struct ReplayResult {
  std::vector<ReplayedPort> ports;  ///< by port index
  Statistics statistics;            ///< cycles are those of this machine, and of no meaning here
};

/// Takes all inputs, merged by time, through the pipeline; writes `folder`/PORT.pcap for every port
/// (microseconds). Every link is up. Error: one sentence naming the file or folder.
tl::expected<ReplayResult, std::string> replay(const GatewaySettings& settings,
                                               const std::vector<ReplayInput>& inputs,
                                               const std::string& folder);

}  // namespace braidway::dataplane
