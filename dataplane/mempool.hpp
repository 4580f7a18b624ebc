// Packet buffers, as an object. Owner: the main thread, between Eal::start() and the end of the Eal object.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <rte_mempool.h>
#include <tl/expected.hpp>

#include "dataplane/settings.hpp"

namespace braidway::dataplane {

struct FreeMempool {
  void operator()(rte_mempool* pool) const noexcept { rte_mempool_free(pool); }
};
using Mempool = std::unique_ptr<rte_mempool, FreeMempool>;

/// Bytes of a buffer's data room that take any frame of `mtu` in one piece: headroom, Ethernet, two VLAN
/// tags, CRC.
std::uint16_t data_room_for(std::uint16_t mtu) noexcept;
/// The longest frame (without FCS) of a port of that MTU: Ethernet header and two VLAN tags.
std::uint32_t max_frame_bytes_for(std::uint16_t mtu) noexcept;
/// Buffers that the ports, workers and rings of these settings can hold at once, or MemorySettings::mbufs if
/// set.
std::uint32_t mbufs_for(const GatewaySettings& settings) noexcept;
/// Packets that a worker's order window may hold; it holds none without stamping.
std::uint32_t held_packets_for(const GatewaySettings& settings) noexcept;
/// Memory that EAL needs for these settings, MiB.
std::uint32_t memory_mib_for(const GatewaySettings& settings) noexcept;

/// What MemorySettings::mbufs must be at least: the caches of two cores, full.
inline constexpr std::uint32_t least_mbufs = 1024;

/// A pool of `mbufs` buffers. Error: one sentence saying what to do.
tl::expected<Mempool, std::string> create_mempool(const std::string& name, std::uint32_t mbufs,
                                                  std::uint16_t data_room, int socket);

}  // namespace braidway::dataplane
