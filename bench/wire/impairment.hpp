// One direction of one path between two gateways: a queue, a transmitter of a given rate, and a line with
// delay, on which frames may be lost, marked, damaged, doubled and reordered, or which may be cut.
//
//   push -> [cut?] -> queue (overflow, CE) -> transmitter (rate) -> line (delay, jitter, loss ...) -> poll
//
// Each frame that push() takes comes out of poll() once, with its fate: a lost one takes its time on the
// transmitter as on a real wire, and is the caller's to free when it comes out. Frames leave in the order
// they came, however the delay varies, but for the share `reorder`. A frame meets the parameters of the
// moment it is transmitted (queue and CE: of the moment it comes; cut: of both moments it passes an end).
//
// Seeded: the same calls give the same fates on any machine. Owner: one thread. Time is an argument and never
// goes back. All memory at construction: about 150 bytes a frame of capacity. noexcept: nothing fails on a
// frame's way.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "bench/fabric/random.hpp"
#include "bench/wire/fixed_queue.hpp"
#include "bench/wire/parameters.hpp"
#include "lb/types.hpp"

namespace braidway::bench::wire {

/// A frame as its owner holds it. `bytes` of it must stay readable and writable at `data` until it comes out.
struct Frame {
  void* handle = nullptr;
  std::byte* data = nullptr;
  std::uint32_t bytes = 0;
};

enum class Drop : std::uint8_t {
  cut,         ///< the path was cut when it came or when it would have come out
  lost,        ///< by the share `loss`
  queue_full,  ///< more than queue_bytes would have waited
  line_full,   ///< more than the capacity would have been held
};
inline constexpr std::array<std::string_view, 4> drop_names{"cut", "lost", "queue_full", "line_full"};

/// A frame that comes out.
struct Departure {
  Frame frame;
  lb::Nanoseconds planned{};  ///< when it was to come out
  std::optional<Drop> drop;   ///< not to be sent, for this reason
  bool twice = false;         ///< to be sent with a copy behind it
};

/// Since construction. received = sent + all drops + held(); copies are counted beside.
struct ImpairmentCounters {
  std::uint64_t received = 0;
  std::uint64_t sent = 0;  ///< came out to be sent
  std::array<std::uint64_t, drop_names.size()> drops{};
  std::uint64_t marked = 0;      ///< became CE
  std::uint64_t corrupted = 0;   ///< had a bit flipped
  std::uint64_t duplicated = 0;  ///< came out to be sent twice
  std::uint64_t reordered = 0;   ///< skipped the delay

  [[nodiscard]] std::uint64_t dropped(Drop why) const noexcept {
    return drops[static_cast<std::size_t>(why)];
  }
};

class Impairment {
 public:
  /// Holds at most `capacity` frames, at least one, in queue and on the line together.
  Impairment(const Parameters& parameters, std::uint64_t seed, std::size_t capacity);

  /// Takes the frame, or says why not: then it stays the caller's.
  std::optional<Drop> push(const Frame& frame, lb::Nanoseconds now) noexcept;
  /// Writes what has come out by now, as much as fits into `out`, in order; returns how many.
  std::size_t poll(lb::Nanoseconds now, std::span<Departure> out) noexcept;
  /// Nothing happens before that; nothing at all until the next push.
  [[nodiscard]] std::optional<lb::Nanoseconds> next_event() const noexcept;

  /// From now on. What is on the line stays as it was planned (but see cut); what waits in the queue leaves
  /// it at the new rate.
  void set(const Parameters& parameters, lb::Nanoseconds now) noexcept;
  [[nodiscard]] const Parameters& parameters() const noexcept { return parameters_; }

  [[nodiscard]] const ImpairmentCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] std::size_t held() const noexcept {
    return queue_.size() + line_.size() + overtaking_.size();
  }
  [[nodiscard]] std::uint64_t queued_bytes() const noexcept { return queued_bytes_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }

 private:
  struct Waiting {
    Frame frame;
    lb::Nanoseconds came{};
  };
  /// Departures of one of these never go back, so that it needs no sorting.
  struct OnLine {
    Frame frame;
    lb::Nanoseconds departs{};
    std::uint64_t number = 0;  ///< in the order of transmission, for departures at the same time
    bool lost = false;
    bool twice = false;
  };

  void transmit_until(lb::Nanoseconds now) noexcept;
  void transmit(const Frame& frame, std::int64_t begin) noexcept;
  [[nodiscard]] std::int64_t transmission_ns(std::uint32_t bytes) noexcept;
  [[nodiscard]] std::int64_t drawn_delay() noexcept;
  [[nodiscard]] bool chance(double share) noexcept;
  [[nodiscard]] FixedQueue<OnLine>* next_on_line() noexcept;
  std::optional<Drop> refuse(Drop why) noexcept;

  Parameters parameters_;
  std::size_t capacity_;
  fabric::Random random_;
  FixedQueue<Waiting> queue_;
  FixedQueue<OnLine> line_;        ///< in order
  FixedQueue<OnLine> overtaking_;  ///< those that skip the delay
  std::uint64_t queued_bytes_ = 0;
  std::int64_t free_at_ = 0;         ///< the transmitter, ns
  std::uint64_t bit_remainder_ = 0;  ///< of the division by the rate: long trains take exactly their time
  std::int64_t last_departure_ = 0;  ///< of line_
  std::uint64_t transmitted_ = 0;
  ImpairmentCounters counters_;
};

}  // namespace braidway::bench::wire
