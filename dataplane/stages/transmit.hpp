// transmit: gives packets to their ports, in order per port. What a port refuses waits (tx_queue.hpp).
#pragma once

#include <array>
#include <string_view>

#include <rte_ethdev.h>

#include "dataplane/burst.hpp"
#include "dataplane/drops.hpp"
#include "dataplane/lane_context.hpp"

namespace braidway::dataplane::stages {

struct Transmit {
  static constexpr std::string_view name = "transmit";
  enum class Drop : std::uint8_t {
    port_down,     ///< the link of the port it was for is down
    tx_stalled,    ///< the port has taken no packet for the patience time
    mtu_exceeded,  ///< longer than the port may send
    tx_not_flat,   ///< in several buffers, could not be copied into one for a driver that needs that
  };
  static constexpr std::array<std::string_view, 4> drops{"port_down", "tx_stalled", "mtu_exceeded",
                                                         "tx_not_flat"};

  static void run(Burst& burst, LaneContext& lane, Drops<Transmit> dropped) noexcept {
    for (std::uint16_t i = 0; i < burst.count; ++i) {
      rte_mbuf* packet = burst.packets[i];
      const std::uint16_t port = burst.meta[i].egress;
      TxQueue& tx = lane.tx[port];
      if (packet->pkt_len > tx.max_frame_bytes || (tx.flat_only && packet->nb_segs > 1)) [[unlikely]] {
        if (!made_fit(packet, tx, dropped)) {
          continue;
        }
      }
      if (tx.batch_count == 0) {
        lane.touched.push_back(port);
      }
      tx.batch[tx.batch_count++] = packet;
    }
    for (const std::uint16_t port : lane.touched) {
      send(lane.tx[port], lane, dropped);
    }
    lane.touched.clear();
    burst.count = 0;
  }

  /// Offers what waits once more. Called once a turn of the worker, for every port where something waits.
  static void retry(TxQueue& tx, const LaneContext& lane, Drops<Transmit> dropped) noexcept {
    if (!tx.up->load(std::memory_order_relaxed)) {
      drop(tx.waiting.data(), tx.waiting_count, Drop::port_down, dropped);
      tx.waiting_count = 0;
      return;
    }
    const std::uint16_t sent = give(tx, tx.waiting.data(), tx.waiting_count, lane.now);
    if (sent > 0) {
      tx.waiting_since = lane.now;
      tx.waiting_count = static_cast<std::uint16_t>(tx.waiting_count - sent);
      std::copy_n(tx.waiting.data() + sent, tx.waiting_count, tx.waiting.data());
    } else if (lane.now - tx.waiting_since > lane.patience) {
      tx.stalled = true;
      drop(tx.waiting.data(), tx.waiting_count, Drop::tx_stalled, dropped);
      tx.waiting_count = 0;
    }
  }

 private:
  static void send(TxQueue& tx, const LaneContext& lane, Drops<Transmit> dropped) noexcept {
    const std::uint16_t count = tx.batch_count;
    tx.batch_count = 0;
    if (!tx.up->load(std::memory_order_relaxed)) [[unlikely]] {
      drop(tx.batch.data(), count, Drop::port_down, dropped);
      return;
    }
    const std::uint16_t sent = give(tx, tx.batch.data(), count, lane.now);
    if (sent > 0) {
      tx.stalled = false;
    }
    if (sent == count) [[likely]] {
      return;
    }
    const auto left = static_cast<std::uint16_t>(count - sent);
    if (tx.stalled) {
      drop(tx.batch.data() + sent, left, Drop::tx_stalled, dropped);
      return;
    }
    std::copy_n(tx.batch.data() + sent, left, tx.waiting.data());
    tx.waiting_count = left;
    tx.waiting_since = lane.now;
  }

  /// What the driver took is counted; lengths are read before, since the driver owns (and may free) what it
  /// took.
  static std::uint16_t give(TxQueue& tx, rte_mbuf** packets, std::uint16_t count,
                            std::uint64_t now) noexcept {
    std::uint64_t bytes = 0;
    for (std::uint16_t i = 0; i < count; ++i) {
      bytes += packets[i]->pkt_len;
    }
    const std::uint16_t sent = tx.tap->active() ? give_captured(tx, packets, count, now)
                                                : rte_eth_tx_burst(tx.port_id, tx.queue, packets, count);
    for (std::uint16_t i = sent; i < count; ++i) {
      bytes -= packets[i]->pkt_len;
    }
    tx.packets.add(sent);
    tx.bytes.add(bytes);
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

  static bool made_fit(rte_mbuf* packet, const TxQueue& tx, Drops<Transmit> dropped) noexcept {
    if (packet->pkt_len > tx.max_frame_bytes) {
      drop(&packet, 1, Drop::mtu_exceeded, dropped);
      return false;
    }
    if (rte_pktmbuf_linearize(packet) != 0) {
      drop(&packet, 1, Drop::tx_not_flat, dropped);
      return false;
    }
    return true;
  }

  static void drop(rte_mbuf** packets, std::uint16_t count, Drop why, Drops<Transmit> dropped) noexcept {
    dropped.count(why, count);
    rte_pktmbuf_free_bulk(packets, count);
  }
};

}  // namespace braidway::dataplane::stages
