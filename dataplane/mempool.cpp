#include "dataplane/mempool.hpp"

#include <algorithm>

#include <rte_errno.h>
#include <rte_ether.h>
#include <rte_mbuf.h>

#include "dataplane/burst.hpp"
#include "dataplane/device.hpp"
#include "dataplane/handoff_rings.hpp"
#include "dataplane/xdp/umem_pool.hpp"

namespace braidway::dataplane {
namespace {

/// Per-core cache of the pool: two bursts, so that receiving and freeing rarely reach the shared ring.
constexpr unsigned cache_size = 256;
/// EAL's own heap, rings and tables beside the buffers.
constexpr std::uint32_t base_mib = 40;
/// 2.5 MB, the window's budget in bytes, of packets of 600 bytes.
constexpr std::uint32_t most_held_packets = 4096;
/// mbuf header and mempool object header of DPDK 22.11.
constexpr std::uint32_t object_overhead_bytes = 128 + 64 + 64;

bool has_own_pool(const PortSettings& port) {
  const auto word = parse_device_word(port.device.value_or(""));
  return word && word->kind == DeviceKind::af_xdp;
}

}  // namespace

std::uint32_t max_frame_bytes_for(std::uint16_t mtu) noexcept {
  return mtu + RTE_ETHER_HDR_LEN + 2U * RTE_VLAN_HLEN;
}

std::uint16_t data_room_for(std::uint16_t mtu) noexcept {
  const unsigned frame = max_frame_bytes_for(mtu) + RTE_ETHER_CRC_LEN;
  const unsigned room = std::max<unsigned>(RTE_MBUF_DEFAULT_BUF_SIZE, RTE_PKTMBUF_HEADROOM + frame);
  return static_cast<std::uint16_t>((room + 63U) & ~63U);
}

std::uint32_t mbufs_for(const GatewaySettings& settings) noexcept {
  if (settings.memory.mbufs != 0) {
    return settings.memory.mbufs;
  }
  const auto workers = static_cast<std::uint32_t>(settings.workers.size());
  std::uint32_t mbufs = (workers + 1) * 2 * cache_size;
  for (const auto& port : settings.ports) {
    // A port with a pool of its own holds ours in its transmit queues alone.
    mbufs += (has_own_pool(port) ? 1U : 2U) * port.queues * port.descriptors + workers * 2U * burst_size;
  }
  if (settings.peers.front().stamping != Stamping::none) {
    mbufs += workers * (held_packets_for(settings) + burst_size);
  }
  if (workers > 1) {
    mbufs += static_cast<std::uint32_t>(directions) * workers * handoff_ring_size;
  }
  return mbufs;
}

std::uint32_t held_packets_for(const GatewaySettings& settings) noexcept {
  // What a port with a pool of its own has received is of that pool, and it must go on receiving.
  std::uint32_t most = most_held_packets;
  for (const auto& port : settings.ports) {
    if (has_own_pool(port)) {
      const auto share = xdp::umem_mbufs(port.queues, port.descriptors) / 4 / settings.workers.size();
      most = std::clamp(static_cast<std::uint32_t>(share), 1U, most);
    }
  }
  return most;
}

std::uint32_t memory_mib_for(const GatewaySettings& settings) noexcept {
  std::uint16_t mtu = 0;
  for (const auto& port : settings.ports) {
    mtu = std::max(mtu, port.mtu);
  }
  const std::uint64_t object = object_overhead_bytes + mbuf_private_bytes + data_room_for(mtu);
  std::uint64_t bytes = mbufs_for(settings) * object;
  for (const auto& port : settings.ports) {
    if (has_own_pool(port)) {
      bytes += xdp::umem_mbufs(port.queues, port.descriptors) * xdp::umem_object_bytes;
    }
  }
  const std::uint64_t pool_mib = bytes / (1U << 20U) + 1;
  return base_mib + static_cast<std::uint32_t>(pool_mib + pool_mib / 8);
}

tl::expected<Mempool, std::string> create_mempool(const std::string& name, std::uint32_t mbufs,
                                                  std::uint16_t data_room, int socket) {
  Mempool pool(
      rte_pktmbuf_pool_create(name.c_str(), mbufs, cache_size, mbuf_private_bytes, data_room, socket));
  if (pool == nullptr) {
    return tl::unexpected("no memory for " + std::to_string(mbufs) + " packet buffers of " +
                          std::to_string(data_room) + " bytes (" + rte_strerror(rte_errno) +
                          "); raise memory.limit_mib or lower descriptors");
  }
  return pool;
}

}  // namespace braidway::dataplane
