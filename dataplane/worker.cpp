#include "dataplane/worker.hpp"

#include <algorithm>
#include <ctime>
#include <utility>

#include <rte_cycles.h>
#include <rte_pause.h>
#include <rte_ring.h>

namespace braidway::dataplane {
namespace {

constexpr std::size_t index_of(Direction direction) { return static_cast<std::size_t>(direction); }

/// Idle sleep grows from 5 us to 80 us: short enough for a ring of 1,024 packets at 10 Mpps.
constexpr long shortest_sleep_ns = 5'000;
constexpr long longest_sleep_ns = 80'000;
constexpr unsigned turns_before_sleep = 64;
/// Every how many turns the stages are timed: a sample costs a clock reading a stage. Odd, so as not to fall
/// into step with bursts.
constexpr std::uint64_t turns_per_timing = 15;

}  // namespace

Worker::Worker(WorkerWiring wiring, Idle idle, PublishedTable& table)
    : lane_(std::move(wiring.lane)),
      rx_queues_(std::move(wiring.rx_queues)),
      inboxes_(std::move(wiring.inboxes)),
      table_(table),
      idle_(idle) {}

/// Wire mode: what comes from the host may leave by any fabric port, what comes from the fabric leaves by the
/// host port.
bool Worker::can_send(Direction direction) const noexcept {
  if (lane_.ports_waiting == 0) [[likely]] {
    return true;
  }
  const bool host_waits = !lane_.tx[lane_.host_port].open();
  return direction == Direction::sink ? !host_waits : lane_.ports_waiting == (host_waits ? 1 : 0);
}

/// Every other worker may be about to put a whole burst into the same ring.
bool Worker::can_hand_over(Direction direction) const noexcept {
  const auto& rings = lane_.inboxes[index_of(direction)];
  const unsigned needed = (lane_.lanes - 1U) * burst_size;
  for (std::size_t owner = 0; owner < lane_.lanes; ++owner) {
    if (owner != lb::value(lane_.lane) && rte_ring_free_count(rings[owner]) < needed) {
      return false;
    }
  }
  return true;
}

void Worker::drop_waiting() noexcept {
  for (TxQueue& tx : lane_.tx) {
    rte_pktmbuf_free_bulk(tx.waiting.data(), tx.waiting_count);
    tx.waiting_count = 0;
  }
  lane_.ports_waiting = 0;
}

bool Worker::turn(std::uint64_t now) noexcept {
  lane_.worked += std::min(now - lane_.now, lane_.longest_turn);
  lane_.now = now;
  lane_.table = table_.read();
  if (lane_.ports_waiting > 0) [[unlikely]] {
    stages::Transmit::retry(lane_, drops_of<stages::Transmit>(counters_));
  }
  bool moved = false;
  const bool timed = counters_.turns.get() % turns_per_timing == 0;
  // Inboxes first, and whether others' are full or not: workers that wait for each other's would wait for
  // good.
  for (const Inbox& inbox : inboxes_) {
    if (!can_send(inbox.direction)) {
      continue;
    }
    const bool from_host = inbox.direction == Direction::source;
    moved |= (from_host ? run_way<SourceAdopted, 2>(inbox, burst_, lane_, counters_, timed)
                        : run_way<SinkAdopted, 3>(inbox, burst_, lane_, counters_, timed)) > 0;
  }
  // Another queue comes first each turn: while a port pushes back, the first to be polled takes all its room.
  std::size_t at = first_queue_;
  for (std::size_t polled = 0; polled < rx_queues_.size(); ++polled) {
    const RxQueue& queue = rx_queues_[at];
    at = at + 1 < rx_queues_.size() ? at + 1 : 0;
    if (!can_send(queue.direction) || (queue.spread && lane_.lanes > 1 && !can_hand_over(queue.direction)))
        [[unlikely]] {
      continue;
    }
    const bool from_host = queue.direction == Direction::source;
    moved |= (from_host ? run_way<Source, 0>(queue, burst_, lane_, counters_, timed)
                        : run_way<Sink, 1>(queue, burst_, lane_, counters_, timed)) > 0;
  }
  first_queue_ = first_queue_ + 1 < rx_queues_.size() ? first_queue_ + 1 : 0;
  counters_.turns.add(1);
  counters_.busy_turns.add(moved ? 1 : 0);
  return moved;
}

void Worker::run(const std::atomic<bool>& stop) noexcept {
  const auto id = static_cast<unsigned>(lb::value(lane_.lane));
  table_.join(id);
  unsigned idle_turns = 0;
  long sleep_ns = shortest_sleep_ns;
  while (!stop.load(std::memory_order_relaxed)) {
    const bool moved = turn(rte_rdtsc());
    table_.quiescent(id);
    if (moved) {
      idle_turns = 0;
      sleep_ns = shortest_sleep_ns;
      continue;
    }
    if (idle_ == Idle::poll) {
      rte_pause();
      continue;
    }
    if (++idle_turns < turns_before_sleep) {
      continue;
    }
    table_.offline(id);
    const std::uint64_t asleep = rte_rdtsc();
    const timespec time{.tv_sec = 0, .tv_nsec = sleep_ns};
    nanosleep(&time, nullptr);
    counters_.idle_cycles.add(rte_rdtsc() - asleep);
    table_.online(id);
    sleep_ns = std::min(2 * sleep_ns, longest_sleep_ns);
  }
  table_.leave(id);
}

}  // namespace braidway::dataplane
