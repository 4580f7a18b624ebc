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
/// See LaneContext::order_ns. Longer than a sleep, shorter than the order window's timer.
constexpr std::int64_t longest_order_turn_ns = 100'000;

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
  if (direction == Direction::sink && lane_.order != nullptr && lane_.order->pending() > 0) [[unlikely]] {
    return false;
  }
  if (lane_.ports_waiting == 0) [[likely]] {
    return true;
  }
  const bool host_waits = !host_open();
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

std::size_t Worker::holding() const noexcept {
  return lane_.order == nullptr ? 0 : lane_.order->held() + lane_.order->pending();
}

void Worker::drop_waiting() noexcept {
  if (lane_.order != nullptr) {
    lane_.order->drop();
  }
  for (TxQueue& tx : lane_.tx) {
    rte_pktmbuf_free_bulk(tx.waiting.data(), tx.waiting_count);
    tx.waiting_count = 0;
  }
  lane_.ports_waiting = 0;
}

/// Sends what the order window has handed on, as much of it as the host port takes.
bool Worker::release(bool timed) noexcept {
  bool moved = false;
  while (lane_.order->pending() > 0 && host_open()) {
    const Released from{.from = lane_.order.get(), .host_port = lane_.host_port};
    moved |= run_way<SinkReleased, 4>(from, burst_, lane_, counters_, timed) > 0;
  }
  return moved;
}

/// Hands on what has been held for long enough. After all queues: what is missing may have been in one.
bool Worker::give_up(bool timed) noexcept {
  if (lane_.order->pending() > 0) {
    return false;
  }
  lane_.order->poll(lane_.order_ns);
  if (lane_.order->pending() == 0) [[likely]] {
    return false;
  }
  lane_.order->tell(*lane_.order_counts);
  return release(timed);
}

void Worker::begin_turn(std::uint64_t now) noexcept {
  const std::int64_t now_ns = lb::value(lane_.time_at(now));
  const std::int64_t passed = now_ns - lb::value(lane_.now_ns);
  const bool holds = lane_.order != nullptr && lane_.order->held() > 0;
  lane_.order_ns =
      lb::Nanoseconds{lb::value(lane_.order_ns) + (holds ? std::min(passed, longest_order_turn_ns) : passed)};
  lane_.now_ns = lb::Nanoseconds{now_ns};
  lane_.worked += std::min(now - lane_.now, lane_.longest_turn);
  lane_.now = now;
  lane_.table = table_.read();
  if (lane_.ports_waiting > 0) [[unlikely]] {
    stages::Transmit::retry(lane_, drops_of<stages::Transmit>(counters_));
  }
  if (lane_.steering != nullptr) {
    lane_.steering->sweep(lane_.now_ns);
  }
  if (lane_.returns != nullptr) {
    lane_.returns->sweep(lane_.now_ns);
  }
  if (lane_.entropy != nullptr) {
    lane_.entropy->flows.sweep(lane_.now_ns);
  }
  if (lane_.return_control != nullptr) {
    lane_.return_control->advance(lane_.now_ns);
  }
  if (lane_.reports != nullptr) {
    lane_.reports->sweep(lane_.now_ns);
  }
  if (lane_.order != nullptr) {
    lane_.order->heed(lane_.order_ns);
  }
}

/// Takes in what the peer has said, and sends what is due to it.
void Worker::exchange_messages(bool timed) noexcept {
  PeerMessages& messages = *lane_.messages;
  messages.take_in(lane_.now_ns);
  if (messages.wants_turn(lane_.now_ns)) {
    messages.advance(lane_.now_ns);
    run_way<SourceMessages, 5>(lane_, burst_, lane_, counters_, timed);
  }
}

/// One burst of each inbox. First, and whether others' are full or not: workers that wait for each other's
/// would wait for good.
bool Worker::take_adopted(bool timed) noexcept {
  bool moved = false;
  for (const Inbox& inbox : inboxes_) {
    if (!can_send(inbox.direction)) {
      continue;
    }
    const bool from_host = inbox.direction == Direction::source;
    moved |= (from_host ? run_way<SourceAdopted, 2>(inbox, burst_, lane_, counters_, timed)
                        : run_way<SinkAdopted, 3>(inbox, burst_, lane_, counters_, timed)) > 0;
    if (lane_.order != nullptr) {
      release(timed);
    }
  }
  return moved;
}

/// One burst of each queue.
bool Worker::take_received(bool timed) noexcept {
  bool moved = false;
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
    if (lane_.order != nullptr) {
      release(timed);
    }
  }
  first_queue_ = first_queue_ + 1 < rx_queues_.size() ? first_queue_ + 1 : 0;
  return moved;
}

bool Worker::turn(std::uint64_t now) noexcept {
  begin_turn(now);
  const bool timed = counters_.turns.get() % turns_per_timing == 0;
  if (lane_.messages != nullptr) {
    exchange_messages(timed);
  }
  bool moved = lane_.order != nullptr && release(timed);
  moved |= take_adopted(timed);
  moved |= take_received(timed);
  moved |= lane_.order != nullptr && give_up(timed);
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
  end();
  table_.leave(id);
}

/// Nothing is withheld from hosts because the gateway ends: what is held leaves, in order, if the host port
/// takes it.
void Worker::end() noexcept {
  if (lane_.order == nullptr) {
    return;
  }
  release(false);
  lane_.order->flush();
  while (lane_.order->pending() == 0 && lane_.order->held() > 0) {
    lane_.order->poll(lane_.order_ns);
    release(false);
  }
}

}  // namespace braidway::dataplane
