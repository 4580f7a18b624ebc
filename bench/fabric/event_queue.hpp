// What happens next: events by time, those of the same nanosecond in the order they were scheduled.
//
// A timing wheel (Varghese and Lauck, SOSP 1987) with one slot a nanosecond takes what lies less than
// `span` ahead, which is nearly everything: transmissions, propagation, pacing. The rest (timers of
// retransmission and rate increase) waits in a heap and moves to the wheel as soon as the wheel reaches its
// time, before anything can be put in the same slot directly; hence a slot is always in order of scheduling.
// Owner: the thread of its simulation. Allocates as it grows only.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <queue>
#include <vector>

#include "bench/fabric/types.hpp"

namespace braidway::bench::fabric {

enum class EventKind : std::uint8_t {
  arrival,       ///< a: packet, b: the port it arrives on
  port_free,     ///< a: port
  pause_expiry,  ///< a: port
  host_wake,     ///< a: host
  flow_start,    ///< the next flow of the list
  rate_cut,      ///< a: flow
  rate_raise,    ///< a: flow
  retransmit,    ///< a: flow
  stall_check,
  task_ready,     ///< a: task
  network_event,  ///< a: place in the list of network events
  port_reading,
  scheme_timer,  ///< a, b: the scheme's
};

struct Event {
  EventKind kind;
  std::uint32_t a;
  std::uint32_t b;
};

class EventQueue {
 public:
  /// How far the wheel sees, in nanoseconds.
  static constexpr std::size_t span = 1U << 14;

  explicit EventQueue(Nanoseconds start) : now_(start) {}

  [[nodiscard]] Nanoseconds now() const noexcept { return now_; }
  [[nodiscard]] bool empty() const noexcept { return in_wheel_ == 0 && later_.empty(); }

  /// `at` before now counts as now.
  void schedule(Nanoseconds at, Event event) {
    if (at < now_) at = now_;
    if (at - now_ < static_cast<Nanoseconds>(span)) {
      put(at, event);
    } else {
      later_.push({at, scheduled_++, event});
    }
  }

  /// Takes the next event and moves the clock to it. Not to be called on an empty queue.
  Event pop() {
    if (in_wheel_ == 0) advance_to(later_.top().at);
    std::size_t slot = slot_of(now_);
    if (heads_[slot] == nobody) {
      slot = next_slot(slot);
      advance_to(now_ + static_cast<Nanoseconds>((slot - slot_of(now_)) & (span - 1)));
    }
    const std::uint32_t index = heads_[slot];
    const Node node = nodes_[index];
    heads_[slot] = node.next;
    if (node.next == nobody) {
      occupied_[slot / 64] &= ~(1ULL << slot % 64);
      if (occupied_[slot / 64] == 0) summary_[slot / 4096] &= ~(1ULL << slot / 64 % 64);
    }
    nodes_[index].next = free_;
    free_ = index;
    --in_wheel_;
    return node.event;
  }

 private:
  struct Node {
    std::uint32_t next;
    Event event;
  };
  static_assert(sizeof(Node) == 16);
  struct Later {
    Nanoseconds at;
    std::uint64_t order;
    Event event;
    bool operator<(const Later& other) const noexcept {
      return at != other.at ? at > other.at : order > other.order;
    }
  };

  static constexpr std::size_t slot_of(Nanoseconds at) noexcept {
    return static_cast<std::size_t>(at) & (span - 1);
  }

  void put(Nanoseconds at, Event event) {
    std::uint32_t index = free_;
    if (index == nobody) {
      index = static_cast<std::uint32_t>(nodes_.size());
      nodes_.push_back({});
    } else {
      free_ = nodes_[index].next;
    }
    nodes_[index] = {nobody, event};
    const std::size_t slot = slot_of(at);
    if (heads_[slot] == nobody) {
      heads_[slot] = index;
      occupied_[slot / 64] |= 1ULL << slot % 64;
      summary_[slot / 4096] |= 1ULL << slot / 64 % 64;
    } else {
      nodes_[tails_[slot]].next = index;
    }
    tails_[slot] = index;
    ++in_wheel_;
  }

  void advance_to(Nanoseconds time) {
    now_ = time;
    while (!later_.empty() && later_.top().at - now_ < static_cast<Nanoseconds>(span)) {
      const Later next = later_.top();
      later_.pop();
      put(next.at, next.event);
    }
  }

  /// The first occupied slot after `slot`, going round. Something is in the wheel.
  [[nodiscard]] std::size_t next_slot(std::size_t slot) const noexcept {
    const std::size_t word = slot / 64;
    const std::uint64_t rest = occupied_[word] & ~((2ULL << slot % 64) - 1);
    if (rest != 0) return word * 64 + static_cast<std::size_t>(std::countr_zero(rest));
    // Words after this one in its group, then the groups after, round to the words before.
    const std::size_t group = word / 64;
    std::uint64_t words = summary_[group] & ~((2ULL << word % 64) - 1);
    for (std::size_t i = group;;) {
      if (words != 0) {
        const std::size_t found = i * 64 + static_cast<std::size_t>(std::countr_zero(words));
        return found * 64 + static_cast<std::size_t>(std::countr_zero(occupied_[found]));
      }
      i = (i + 1) % summary_.size();
      words = summary_[i];
    }
  }

  Nanoseconds now_;
  std::size_t in_wheel_ = 0;
  std::uint32_t free_ = nobody;
  std::array<std::uint64_t, span / 4096> summary_{};
  std::array<std::uint64_t, span / 64> occupied_{};
  std::vector<std::uint32_t> heads_ = std::vector<std::uint32_t>(span, nobody);
  std::vector<std::uint32_t> tails_ = std::vector<std::uint32_t>(span, nobody);
  std::vector<Node> nodes_;
  std::priority_queue<Later> later_;
  std::uint64_t scheduled_ = 0;
};

}  // namespace braidway::bench::fabric
