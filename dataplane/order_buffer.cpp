#include "dataplane/order_buffer.hpp"

#include <algorithm>

#include "dataplane/mempool.hpp"

namespace braidway::dataplane {
namespace {

lb::OrderWindow::Parameters parameters_for(const GatewaySettings& settings) {
  lb::OrderWindow::Parameters parameters;
  parameters.flows = settings.memory.flows;
  parameters.packets = held_packets_for(settings);
  const PeerSettings& peer = settings.peers.front();
  parameters.timeout = lb::Nanoseconds{std::int64_t{peer.hold_us} * 1000};
  // Without messages nobody tells of congestion, and whether a path is slow or dead.
  parameters.patience =
      peer.messages ? lb::Nanoseconds{std::int64_t{peer.messages->patience_us} * 1000} : parameters.timeout;
  return parameters;
}

}  // namespace

OrderBuffer::OrderBuffer(const GatewaySettings& settings, const PeerLink& link, telemetry::PathMeters& meters)
    : link_(link),
      meters_(meters),
      window_(parameters_for(settings)),
      paths_(settings.peers.front().paths.size()),
      peer_(settings.peers.front().id),
      // With more paths than that, which of them a flow takes hangs on the peer's hash.
      knows_paths_(paths_ <= lb::SpraySet::most),
      dead_(paths_),
      out_(window_.most_out(burst_size)) {
  window_.tell(this);
  for (std::size_t i = 0; knows_paths_ && i < paths_; ++i) {
    all_paths_.paths[all_paths_.count++] = static_cast<lb::PathId>(i);
  }
}

void OrderBuffer::heed_news(lb::Nanoseconds now) noexcept {
  version_ = link_.version.load(std::memory_order_acquire);
  if (const std::uint32_t boots = link_.boots.load(std::memory_order_acquire); boots != boots_) {
    boots_ = boots;
    flush();
  }
  for (std::size_t i = 0; i < paths_; ++i) {
    const bool dead = link_.paths[i].from_dead.load(std::memory_order_relaxed);
    if (dead == dead_[i]) continue;
    dead_[i] = dead;
    const auto path = static_cast<lb::PathId>(i);
    dead ? window_.path_down(peer_, path) : window_.path_up(peer_, path);
  }
  if (const std::int64_t at = link_.congested_ns.load(std::memory_order_relaxed); at != congested_ns_) {
    congested_ns_ = at;
    window_.congested(peer_, now);
  }
}

std::uint16_t OrderBuffer::take(std::span<rte_mbuf*> out) noexcept {
  const auto count = std::min(out.size(), pending());
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = static_cast<rte_mbuf*>(out_[first_ + i]);
  }
  first_ += count;
  return static_cast<std::uint16_t>(count);
}

void OrderBuffer::drop() noexcept {
  flush();
  std::array<rte_mbuf*, burst_size> packets;
  while (pending() > 0 || held() > 0) {
    if (pending() == 0) {
      poll({});
    }
    rte_pktmbuf_free_bulk(packets.data(), take(packets));
  }
}

void OrderBuffer::tell(OrderCounts& counts) const noexcept {
  const lb::OrderCounters& of = window_.counters();
  counts.set(OrderCount::in_order, of.in_order);
  counts.set(OrderCount::held, of.held);
  counts.set(OrderCount::late, of.late);
  counts.set(OrderCount::no_window, of.no_window);
  counts.set(OrderCount::repeated, of.repeated);
  counts.set(OrderCount::flushed, of.flushed);
  counts.set(OrderCount::gaps_by_watermark, of.gaps_by_watermark);
  counts.set(OrderCount::gaps_by_timer, of.gaps_by_timer);
  counts.set(OrderCount::gaps_by_packet_budget, of.gaps_by_packet_budget);
  counts.set(OrderCount::gaps_by_byte_budget, of.gaps_by_byte_budget);
  counts.set(OrderCount::epoch_changes, of.epoch_changes);
  counts.set(OrderCount::restarts, of.restarts);
  counts.set(OrderCount::joined, of.joined);
  counts.set(OrderCount::fifo_violations, of.fifo_violations);
  counts.set(OrderCount::peak_packets, of.peak_packets);
  counts.set(OrderCount::peak_bytes, of.peak_bytes);
}

}  // namespace braidway::dataplane
