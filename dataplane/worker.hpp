// A worker: one thread on one core that takes packets from its queues all the way (pipeline.hpp).
//
// turn() is one round over all queues with the time as an argument; run() is the thread's loop around it. A
// replay calls turn() with a virtual clock and no thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "dataplane/lane_context.hpp"
#include "dataplane/pipeline.hpp"
#include "dataplane/published_table.hpp"
#include "dataplane/settings.hpp"

namespace braidway::dataplane {

struct WorkerWiring {
  LaneContext lane;                ///< without table and time, which the worker sets
  std::vector<RxQueue> rx_queues;  ///< that this worker polls
  std::vector<Inbox> inboxes;      ///< of this lane; empty with one worker
};

class Worker {
 public:
  Worker(WorkerWiring wiring, Idle idle, PublishedTable& table);

  /// One round over all queues; returns true when a packet moved. Owner: the worker's thread.
  bool turn(std::uint64_t now) noexcept;

  /// The thread's loop, until `stop`. Sleeps when idle where it was told so; goes offline for the path
  /// table's reclamation before it does.
  void run(const std::atomic<bool>& stop) noexcept;

  /// Frees what ports have not taken, and what is still held for order. Owner: the control thread, when the
  /// worker's thread has ended.
  void drop_waiting() noexcept;

  const LaneCounters& counters() const noexcept { return counters_; }
  const LaneContext& lane() const noexcept { return lane_; }
  /// Packets held back for the order of their flows, or that did not leave yet.
  [[nodiscard]] std::size_t holding() const noexcept;

 private:
  bool can_send(Direction direction) const noexcept;
  bool host_open() const noexcept { return lane_.tx[lane_.host_port].open(); }
  void begin_turn(std::uint64_t now) noexcept;
  void exchange_messages(bool timed) noexcept;
  bool release(bool timed) noexcept;
  bool give_up(bool timed) noexcept;
  bool take_adopted(bool timed) noexcept;
  bool take_received(bool timed) noexcept;
  void end() noexcept;
  bool can_hand_over(Direction direction) const noexcept;

  LaneContext lane_;
  std::vector<RxQueue> rx_queues_;
  std::size_t first_queue_ = 0;  ///< polled first this turn
  std::vector<Inbox> inboxes_;
  PublishedTable& table_;
  Idle idle_;
  Burst burst_;
  LaneCounters counters_;
};

}  // namespace braidway::dataplane
