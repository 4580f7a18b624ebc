// One worker's transmit queue of one port, and the packets that the port has not taken yet.
//
// A port that takes no packets holds up its direction instead of losing them: what it refused waits here, and
// the worker receives nothing for that direction meanwhile, so that the queue builds up where it can be
// signalled (virtio ring, NIC with PFC). A port that has taken nothing for `patience` is stalled: what waits
// for it and what comes is dropped under that name until it takes a packet again, lest one path stops all
// others. Only time in which the worker ran counts (LaneContext::worked): a worker that was taken off its
// core has not seen a port refuse.
//
// Owner: one worker. `up` is written by the control thread.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include <rte_ethdev.h>

#include "dataplane/burst.hpp"
#include "dataplane/capture_tap.hpp"
#include "telemetry/counter.hpp"

namespace braidway::dataplane {

struct alignas(RTE_CACHE_LINE_SIZE) TxQueue {
  std::uint32_t max_frame_bytes = 0;  ///< longest frame the port may send, without FCS
  bool flat_only = false;             ///< the driver sends the first segment only (af_xdp)
  bool stalled = false;
  std::uint16_t waiting_count = 0;  ///< packets refused by the port, oldest first
  std::uint16_t port_id = 0;        ///< DPDK port
  std::uint16_t queue = 0;
  const std::atomic<bool>* up = nullptr;
  CaptureTap* tap = nullptr;
  telemetry::Counter packets;  ///< that the port took
  telemetry::Counter held;     ///< packets that the port did not take at once
  std::uint64_t waiting_since =
      0;                       ///< LaneContext::worked when the port last took a packet, or began to refuse
  std::uint64_t patience = 0;  ///< of LaneContext::worked; see above
  std::array<rte_mbuf*, burst_size> waiting;

  bool open() const noexcept { return waiting_count == 0; }
};
static_assert(offsetof(TxQueue, waiting) <= RTE_CACHE_LINE_SIZE, "all but the packets in one cache line");

}  // namespace braidway::dataplane
