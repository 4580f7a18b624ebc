// Which worker polls what and sends by which queue: the settings turned into each worker's lists. Plain data;
// used by the running gateway and by replay alike.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "dataplane/handoff_rings.hpp"
#include "dataplane/peer_link.hpp"
#include "dataplane/settings.hpp"
#include "dataplane/worker.hpp"
#include "lb/path_table.hpp"

namespace braidway::dataplane {

/// What the wiring needs of an opened port; by port index.
struct WiredPort {
  std::uint16_t port_id = 0;
  std::uint32_t max_frame_bytes = 0;
  bool flat_only = false;
  const std::atomic<bool>* up = nullptr;
  CaptureTap* tap = nullptr;
};

/// What all workers have in common.
struct SharedByLanes {
  const HandoffRings& rings;
  PeerLink& link;
  rte_mempool* pool = nullptr;  ///< of packets
  telemetry::BootId boot{};     ///< of this life of the gateway; random
};

/// One wiring a worker. Receive queues go to the workers in turn, host ports' first, so that one worker has
/// all of a single-queue gateway's and several share them evenly; worker i sends by queue i of every port.
/// `shared` outlives them. `ticks_per_ms`: clock units (LaneContext::now) a
/// millisecond.
std::vector<WorkerWiring> wire_workers(const GatewaySettings& settings, const std::vector<WiredPort>& ports,
                                       const SharedByLanes& shared, std::uint64_t ticks_per_ms);

/// The path table at start, every path in the given state of liveness.
lb::PathTable first_path_table(const GatewaySettings& settings, const std::vector<WiredPort>& ports);

}  // namespace braidway::dataplane
