// transmit: gives packets to their ports, in order per port. What a port refuses waits (tx_queue.hpp).
#pragma once

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include <rte_ethdev.h>

#include "dataplane/burst.hpp"
#include "dataplane/drops.hpp"
#include "dataplane/lane_context.hpp"

namespace braidway::dataplane::stages {

struct Transmit {
  static constexpr std::string_view name = "transmit";
  enum class Drop : std::uint8_t {
    port_down,     ///< the link of the port it was for is down
    tx_stalled,    ///< the port has taken no packet for its `stall_ms`
    mtu_exceeded,  ///< longer than the port may send
    tx_not_flat,   ///< in several buffers, could not be copied into one for a driver that needs that
  };
  static constexpr std::array<std::string_view, 4> drops{"port_down", "tx_stalled", "mtu_exceeded",
                                                         "tx_not_flat"};

  static void run(Burst& burst, LaneContext& lane, Drops<Transmit> dropped) noexcept {
    if (!burst.all_fit) [[unlikely]] {
      make_fit(burst, lane, dropped);
    }
    // Held here, since the compiler must think that a store to one of them may change the others.
    const PacketMeta* const meta = burst.meta.data();
    rte_mbuf* const* const packets = burst.packets.data();
    std::array<rte_mbuf*, burst_size>* const batches = lane.batches.data();
    std::uint16_t* const batched = lane.batched.data();
    std::array<std::uint16_t, burst_size> ports;
    std::uint16_t port_count = 0;
    for (std::uint16_t i = 0, count = burst.count; i < count; ++i) {
      const std::uint16_t port = meta[i].egress;
      const std::uint16_t before = batched[port];
      ports[port_count] = port;
      port_count = static_cast<std::uint16_t>(port_count + (before == 0 ? 1 : 0));
      batches[port][before] = packets[i];
      batched[port] = static_cast<std::uint16_t>(before + 1);
    }
    for (std::uint16_t i = 0; i < port_count; ++i) {
      const std::uint16_t port = ports[i];
      send(lane.tx[port], batches[port].data(), std::exchange(batched[port], 0), lane, dropped);
    }
    burst.count = 0;
  }

  /// Offers what waits once more. Called once a turn of the worker, while something waits.
  static void retry(LaneContext& lane, Drops<Transmit> dropped) noexcept {
    for (TxQueue& tx : lane.tx) {
      if (!tx.open()) {
        retry_port(tx, lane, dropped);
        lane.ports_waiting = static_cast<std::uint16_t>(lane.ports_waiting - (tx.open() ? 1 : 0));
      }
    }
  }

 private:
  static void retry_port(TxQueue& tx, const LaneContext& lane, Drops<Transmit> dropped) noexcept {
    if (!tx.up->load(std::memory_order_relaxed)) {
      drop(tx.waiting.data(), tx.waiting_count, Drop::port_down, dropped);
      tx.waiting_count = 0;
      tx.stalled = false;
      return;
    }
    const std::uint16_t sent = give(tx, tx.waiting.data(), tx.waiting_count, lane.now);
    if (sent > 0) {
      tx.waiting_since = lane.worked;
      tx.waiting_count = static_cast<std::uint16_t>(tx.waiting_count - sent);
      std::copy_n(tx.waiting.data() + sent, tx.waiting_count, tx.waiting.data());
    } else if (lane.worked - tx.waiting_since > tx.patience) {
      tx.stalled = true;
      drop(tx.waiting.data(), tx.waiting_count, Drop::tx_stalled, dropped);
      tx.waiting_count = 0;
    }
  }

  static void send(TxQueue& tx, rte_mbuf** packets, std::uint16_t count, LaneContext& lane,
                   Drops<Transmit> dropped) noexcept {
    if (!tx.up->load(std::memory_order_relaxed)) [[unlikely]] {
      drop(packets, count, Drop::port_down, dropped);
      tx.stalled = false;
      return;
    }
    const std::uint16_t sent = give(tx, packets, count, lane.now);
    if (sent > 0) {
      tx.stalled = false;
    }
    if (sent == count) [[likely]] {
      return;
    }
    const auto left = static_cast<std::uint16_t>(count - sent);
    if (tx.stalled) {
      drop(packets + sent, left, Drop::tx_stalled, dropped);
      return;
    }
    std::copy_n(packets + sent, left, tx.waiting.data());
    tx.waiting_count = left;
    tx.waiting_since = lane.worked;
    ++lane.ports_waiting;
    tx.held.add(left);
  }

  static std::uint16_t give(TxQueue& tx, rte_mbuf** packets, std::uint16_t count,
                            std::uint64_t now) noexcept {
    const std::uint16_t sent = tx.tap->active() ? give_captured(tx, packets, count, now)
                                                : rte_eth_tx_burst(tx.port_id, tx.queue, packets, count);
    tx.packets.add(sent);
    return sent;
  }

  /// Only what the driver took belongs in the capture.
  static std::uint16_t give_captured(TxQueue& tx, rte_mbuf** packets, std::uint16_t count,
                                     std::uint64_t now) noexcept {
    std::array<rte_mbuf*, burst_size> copies;
    tx.tap->copy(packets, count, copies.data());
    const std::uint16_t sent = rte_eth_tx_burst(tx.port_id, tx.queue, packets, count);
    tx.tap->keep(copies.data(), count, sent, CaptureSide::transmitted, now);
    return sent;
  }

  /// Drops what its port may not send, and copies together what its driver would send in part.
  [[gnu::noinline, gnu::cold]] static void make_fit(Burst& burst, const LaneContext& lane,
                                                    Drops<Transmit> dropped) noexcept {
    for (std::uint16_t i = 0; i < burst.count; ++i) {
      const TxQueue& tx = lane.tx[burst.meta[i].egress];
      if (burst.packets[i]->pkt_len > tx.max_frame_bytes) {
        dropped.count(Drop::mtu_exceeded);
        burst.discard(i);
      } else if (tx.flat_only && rte_pktmbuf_linearize(burst.packets[i]) != 0) {
        dropped.count(Drop::tx_not_flat);
        burst.discard(i);
      }
    }
    burst.close_gaps();
  }

  static void drop(rte_mbuf** packets, std::uint16_t count, Drop why, Drops<Transmit> dropped) noexcept {
    dropped.count(why, count);
    rte_pktmbuf_free_bulk(packets, count);
  }
};

}  // namespace braidway::dataplane::stages
