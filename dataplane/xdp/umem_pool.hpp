// Packet buffers that AF_XDP can receive into. DPDK's driver (22.11) hands one stretch of memory to the
// kernel: it begins at the first object of the receive pool and is (number of objects) x (object size) long.
// So the pool must be the port's own, its objects must lie without a gap, and the kernel takes chunks of at
// most one page. A pool of rte_pktmbuf_pool_create() satisfies none of this for sure: without hugepages part
// of it lies outside, and mbufs out there are lost without a word. Here each object is exactly one page,
// page-aligned: no gaps with hugepages or without, and none crosses a page, which zero-copy drivers want.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include <rte_mempool.h>
#include <tl/expected.hpp>

namespace braidway::dataplane::xdp {

inline constexpr std::size_t umem_object_bytes = 4096;
/// Mempool object header and struct rte_mbuf, each in whole cache lines; then the headroom of mbufs and the
/// kernel's own headroom (XDP_PACKET_HEADROOM, linux/bpf.h).
inline constexpr std::size_t umem_overhead_bytes = 64 + 128 + 128 + 256;

/// The longest frame (without FCS) that fits a buffer whose mbufs have `private_bytes` of private data.
constexpr std::size_t umem_max_frame(std::size_t private_bytes) noexcept {
  return umem_object_bytes - umem_overhead_bytes - private_bytes;
}
/// The largest MTU of an af_xdp port: a frame with an Ethernet header and two VLAN tags. 3434 with the
/// gateway's 64-byte packet record: RoCE MTU 2048 fits, 4096 does not.
inline constexpr std::uint16_t afxdp_max_mtu = umem_max_frame(64) - 14 - 8;

/// Buffers that `queues` queues of `descriptors` each can hold at once: 2048 in the driver's fill ring, the
/// transmit ring and its completions, and bursts on their way.
constexpr std::uint32_t umem_mbufs(std::uint16_t queues, std::uint16_t descriptors) noexcept {
  return queues * (2048U + 2U * descriptors + 512U);
}

/// A pktmbuf pool as described above. `private_bytes` is a multiple of 8. Free it with rte_mempool_free(),
/// after the port has been closed. Owner: the main thread, between rte_eal_init() and rte_eal_cleanup().
[[nodiscard]] tl::expected<rte_mempool*, std::string> create_umem_pool(const std::string& name,
                                                                       std::uint32_t mbufs,
                                                                       std::uint32_t cache,
                                                                       std::uint16_t private_bytes,
                                                                       int socket);

}  // namespace braidway::dataplane::xdp
