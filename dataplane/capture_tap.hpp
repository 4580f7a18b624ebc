// The workers' side of a capture: copies of packets go into a ring while one is there. One tap a port.
// Owner of the ring: the control thread, which takes it away and waits for the workers before it frees it.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dataplane/burst.hpp"

namespace braidway::dataplane {

enum class CaptureSide : std::uint8_t { received, transmitted };

/// What the writer must know of a captured packet; lies in the copy's private area.
struct CapturedMeta {
  std::uint64_t when = 0;  ///< TSC cycles
  CaptureSide side = CaptureSide::received;
};
static_assert(sizeof(CapturedMeta) <= mbuf_private_bytes);

struct CaptureTap {
  std::atomic<rte_ring*> ring{nullptr};  ///< none: no capture runs
  std::atomic<std::uint64_t> missed{0};  ///< any worker adds
  rte_mempool* pool = nullptr;           ///< of the copies; set before the ring is

  bool active() const noexcept { return ring.load(std::memory_order_acquire) != nullptr; }

  /// Copies now; entries are null where no buffer was free.
  void copy(rte_mbuf* const* packets, std::uint16_t count, rte_mbuf** copies) noexcept {
    for (std::uint16_t i = 0; i < count; ++i) {
      copies[i] = rte_pktmbuf_copy(packets[i], pool, 0, UINT32_MAX);
    }
  }
  /// Hands the first `taken` copies to the writer and frees the others.
  void keep(rte_mbuf** copies, std::uint16_t count, std::uint16_t taken, CaptureSide side,
            std::uint64_t now) noexcept {
    rte_ring* to = ring.load(std::memory_order_acquire);
    for (std::uint16_t i = 0; i < count; ++i) {
      if (copies[i] != nullptr && i < taken && to != nullptr) {
        *static_cast<CapturedMeta*>(rte_mbuf_to_priv(copies[i])) = {.when = now, .side = side};
        if (rte_ring_mp_enqueue(to, copies[i]) == 0) {
          continue;
        }
      }
      missed.fetch_add(i < taken ? 1 : 0, std::memory_order_relaxed);
      rte_pktmbuf_free(copies[i]);
    }
  }
  void take_received(rte_mbuf* const* packets, std::uint16_t count, std::uint64_t now) noexcept {
    std::array<rte_mbuf*, burst_size> copies;
    copy(packets, count, copies.data());
    keep(copies.data(), count, count, CaptureSide::received, now);
  }
};

}  // namespace braidway::dataplane
