// The pipeline over captures: the same stages, workers and path table as in a running gateway, with a virtual
// clock that stands at each packet's capture time, and ports that are rings. Deterministic: the same input
// gives the same bytes.
//
// What comes from the fabric may be made late, lost or cut on the way, by port: the same for the same input.
//
// There is no peer to exchange messages with, and no collector to report to: nothing is sent to either, and
// the peer's `stamping` alone says that it restores order.
//
// A port with several queues spreads by UDP source port, as a NIC's receive-side scaling would.
// Owner: the main thread; starts and ends EAL by itself.
#pragma once

#include <cstdint>
#include <optional>
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

/// What the way to a port does to packets. Frames of one input keep their order.
struct ReplayPath {
  std::uint64_t delay_ns = 0;
  double loss = 0;                      ///< share of packets, 0..1
  std::optional<std::uint64_t> cut_ns;  ///< nothing passes from then on; since the first frame of all inputs
};

struct ReplayedPort {
  std::uint64_t received = 0;
  std::uint64_t lost = 0;  ///< on the way to the port
  std::uint64_t transmitted = 0;
};

struct ReplayResult {
  std::vector<ReplayedPort> ports;  ///< by port index
  Statistics statistics;            ///< cycles are those of this machine, and of no meaning here
};

/// Takes all inputs, merged by time, through the pipeline; writes `folder`/PORT.pcap for every port
/// (microseconds). `paths` is by port index. Every link is up. Error: one sentence naming the file or folder.
tl::expected<ReplayResult, std::string> replay(const GatewaySettings& settings,
                                               const std::vector<ReplayInput>& inputs,
                                               const std::vector<ReplayPath>& paths,
                                               const std::string& folder);

}  // namespace braidway::dataplane
