#include "bench/wire/direction.hpp"

#include <algorithm>

#include <rte_ethdev.h>

#include "bench/wire/clock.hpp"
#include "dataplane/mempool.hpp"

namespace braidway::bench::wire {
namespace {

constexpr std::int64_t ns_per_ms = 1'000'000;
/// Longer between two looks: this thread was off its core, and has not seen the port refuse meanwhile.
constexpr std::int64_t longest_turn_ns = ns_per_ms;

}  // namespace

Direction::Direction(const Settings& settings, std::size_t path, std::size_t direction,
                     const dataplane::Port& from, const dataplane::Port& to)
    : from_{from},
      to_{to},
      // Each direction has numbers of its own: what happens on one path changes no other's fates.
      model_{settings.paths[path].directions[direction],
             lb::detail::scramble(settings.seed + 2 * path + direction), settings.paths[path].frames},
      patience_ns_{settings.stall_ms * ns_per_ms},
      max_frame_bytes_{dataplane::max_frame_bytes_for(settings.mtu)} {}

Direction::~Direction() {
  rte_pktmbuf_free_bulk(waiting_.data(), waiting_count_);
  std::array<Departure, burst> rest;
  constexpr lb::Nanoseconds end_of_time{INT64_MAX};
  while (const std::size_t count = model_.poll(end_of_time, rest)) {
    for (std::size_t i = 0; i < count; ++i) rte_pktmbuf_free(static_cast<rte_mbuf*>(rest[i].frame.handle));
  }
}

bool Direction::receive(lb::Nanoseconds now) noexcept {
  std::array<rte_mbuf*, burst> frames;
  const std::uint16_t count = rte_eth_rx_burst(from_.id(), 0, frames.data(), burst);
  for (std::uint16_t i = 0; i < count; ++i) take(frames[i], now);
  return count > 0;
}

void Direction::take(rte_mbuf* frame, lb::Nanoseconds now) noexcept {
  // A buffer holds the longest frame: what comes in several is longer, or was cut up by its sender.
  if (frame->pkt_len > max_frame_bytes_ || rte_pktmbuf_linearize(frame) != 0) {
    count(PortDrop::too_long, 1);
    rte_pktmbuf_free(frame);
    return;
  }
  const Frame taken{.handle = frame, .data = rte_pktmbuf_mtod(frame, std::byte*), .bytes = frame->pkt_len};
  if (model_.push(taken, now)) rte_pktmbuf_free(frame);
}

bool Direction::send(lb::Nanoseconds now) noexcept {
  if (waiting_count_ > 0) offer(now);
  if (waiting_count_ > 0) return false;  // what is due stays on the line: the port has to catch up first
  std::array<Departure, burst> due;
  const std::size_t count = model_.poll(now, due);
  if (count == 0) return false;
  const lb::Nanoseconds leaving = steady_now();
  for (std::size_t i = 0; i < count; ++i) let_go(due[i], leaving);
  refused_ns_ = 0;
  if (waiting_count_ > 0) offer(now);
  return true;
}

void Direction::let_go(const Departure& departure, lb::Nanoseconds now) noexcept {
  auto* const frame = static_cast<rte_mbuf*>(departure.frame.handle);
  if (departure.drop) {
    rte_pktmbuf_free(frame);
    return;
  }
  lateness_.record(value(now) - value(departure.planned));
  waiting_[waiting_count_++] = frame;
  if (!departure.twice) return;
  if (rte_mbuf* const copy = rte_pktmbuf_copy(frame, frame->pool, 0, UINT32_MAX)) {
    waiting_[waiting_count_++] = copy;
  } else {
    count(PortDrop::no_buffer, 1);
  }
}

/// What the port refuses waits, and after stall_ms is dropped, until the port takes a frame again.
void Direction::offer(lb::Nanoseconds now) noexcept {
  const std::int64_t elapsed = std::min(value(now) - value(offered_), longest_turn_ns);
  offered_ = now;
  if (!to_.up().load(std::memory_order_relaxed)) {
    stalled_ = false;
    return drop_waiting(PortDrop::port_down);
  }
  std::uint64_t bytes = 0;
  std::array<std::uint32_t, std::size_t{2} * burst>
      lengths;  // what the port has taken is no longer ours to look at
  for (std::uint16_t i = 0; i < waiting_count_; ++i) lengths[i] = waiting_[i]->pkt_len;
  const std::uint16_t taken = rte_eth_tx_burst(to_.id(), 0, waiting_.data(), waiting_count_);
  for (std::uint16_t i = 0; i < taken; ++i) bytes += lengths[i];
  port_.delivered += taken;
  port_.delivered_bytes += bytes;
  std::copy(waiting_.begin() + taken, waiting_.begin() + waiting_count_, waiting_.begin());
  waiting_count_ = static_cast<std::uint16_t>(waiting_count_ - taken);
  if (taken > 0) {
    stalled_ = false;
    refused_ns_ = 0;
    return;
  }
  refused_ns_ += elapsed;
  stalled_ |= refused_ns_ > patience_ns_;
  if (stalled_) drop_waiting(PortDrop::stalled);
}

void Direction::drop_waiting(PortDrop why) noexcept {
  count(why, waiting_count_);
  rte_pktmbuf_free_bulk(waiting_.data(), waiting_count_);
  waiting_count_ = 0;
}

std::optional<lb::Nanoseconds> Direction::next_event() const noexcept {
  return waiting_count_ > 0 ? offered_ : model_.next_event();
}

DirectionState Direction::state() const {
  return {.parameters = model_.parameters(),
          .model = model_.counters(),
          .port = port_,
          .lateness = lateness_,
          .held = model_.held(),
          .waiting = waiting_count_,
          .queued_bytes = model_.queued_bytes()};
}

}  // namespace braidway::bench::wire
