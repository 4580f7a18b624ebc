// A receive queue of an af_xdp port, set up although a gateway was killed on the interface a moment ago: the
// kernel gives the queue of a dead process free some milliseconds later (a work item that waits for the RTNL
// lock), and tells nobody.
#pragma once

#include <chrono>
#include <cstdint>

#include <rte_mempool.h>

namespace braidway::dataplane::xdp {

inline constexpr std::chrono::milliseconds queue_patience{2000};

/// rte_eth_rx_queue_setup(), repeated while the queue is busy, for at most queue_patience. Returns what it
/// returned last: 0, or a negative errno (-EINVAL: still busy, or another fault that DPDK's log names). Main
/// thread.
[[nodiscard]] int set_up_rx_queue(std::uint16_t port_id, std::uint16_t queue, std::uint16_t descriptors,
                                  unsigned socket, rte_mempool* pool);

}  // namespace braidway::dataplane::xdp
