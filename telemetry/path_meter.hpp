// What a sink measures of the paths that packets come by: one meter a peer and path in each lane, so that
// each field has one writer. Fed burst by burst from the order words and what else a packet shows; read by
// the thread that writes the feedback (feedback_records.hpp), and by the control thread for `show` and
// reports.
//
//   packets, bytes, CE   of tagged packets. Loss is sent minus received, which the source works out from what
//                        the feedback says of whole marking periods (lb/alternate_marking.hpp)
//   delay                one-way, above its minimum (delay_floor.hpp), ns
//   late, repeated,      as the order window tells
//   overtaken
//   hold                 how long the order window kept packets, ns
//   queue                deepest of any hop on the INT stack, bytes; hop by hop: hop_meter.hpp
//   utilisation          of the busiest hop's egress, by the newest stack that tells, in the hops' unit
//
// Of a packet with a trace (IOAM) in place of a tag: what its hops tell, and nothing else.
//
// Times need the source's clock, which its messages tell (source_clock.hpp): before the first message, and
// for a departure that is a second old or 0.1 s ahead of it, a packet is counted as `untimed` beside the
// rest.
//
// Pure; owner: one worker. Its clock may jump and go back. All memory at construction: 8 KB a path, and 59 KB
// if hops are metered.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lb/alternate_marking.hpp"
#include "lb/types.hpp"
#include "telemetry/counter.hpp"
#include "telemetry/delay_floor.hpp"
#include "telemetry/extremes.hpp"
#include "telemetry/hop_meter.hpp"
#include "telemetry/int_md.hpp"
#include "telemetry/log_linear_histogram.hpp"
#include "telemetry/newest.hpp"
#include "telemetry/published.hpp"
#include "telemetry/source_clock.hpp"

namespace braidway::telemetry {

/// What a tagged packet shows of its way.
struct PathSample {
  std::uint32_t meter = 0;      ///< PathMeters::index() of its source and path
  std::uint32_t departure = 0;  ///< of its order words
  std::uint32_t bytes = 0;      ///< of the IP packet as it came
  bool ce = false;              ///< it came with ECN's Congestion Experienced
  StackView stack{};            ///< read during the call only
};

/// A reading, of one lane or the sum of several. Since construction.
struct PathTotals {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
  std::uint64_t ce_marked = 0;  ///< packets
  std::uint64_t late = 0;       ///< packets that came after their gap was given up, or again
  std::uint64_t repeated = 0;   ///< packets whose like the order window held as well
  std::uint64_t overtaken = 0;  ///< packets that came after a later one of their flow and path
  std::uint64_t untimed = 0;    ///< packets without a delay
  std::uint64_t delay_sum = 0;  ///< of the others, ns

  PathTotals& operator+=(const PathTotals& other) noexcept;
  friend bool operator==(const PathTotals&, const PathTotals&) = default;
};

/// Packets counted by marking periods, in one life of the source.
struct MarkedPackets {
  lb::ReceivedByPeriod by_period;
  std::uint32_t life = 0;     ///< SourceClock::life() of these packets; 0: there are none
  lb::Nanoseconds last_at{};  ///< when the last of them came, by the owner's clock
  lb::Nanoseconds newest{};   ///< latest departure, by the source's clock
};

struct PathBurst;

class alignas(64) PathMeter {
 public:
  explicit PathMeter(const SourceClock* source) noexcept : source_(source) {}

  // By the owner, as the order window tells.
  void late(std::uint64_t packets) noexcept { late_.add(packets); }
  void repeated(std::uint64_t packets) noexcept { repeated_.add(packets); }
  void overtaken(std::uint64_t packets) noexcept { overtaken_.add(packets); }
  /// A packet was kept for `time`.
  void held(lb::Nanoseconds time) noexcept {
    const std::uint32_t ns = saturated(value(time));
    hold_.record(ns);
    holds_.begin();
    holds_.note(ns);
  }

  // By any thread.
  [[nodiscard]] PathTotals totals() const noexcept;
  [[nodiscard]] std::uint64_t packets() const noexcept { return packets_.get(); }
  [[nodiscard]] const LogLinearHistogram& delay() const noexcept { return delay_; }
  [[nodiscard]] const LogLinearHistogram& hold() const noexcept { return hold_; }
  /// Nothing: the owner was at it each time.
  [[nodiscard]] std::optional<MarkedPackets> marked() const noexcept { return marked_.read(); }

  // By the thread that writes the feedback: since it last asked.
  std::optional<Extremes::Range> take_delays() noexcept { return delays_.take(); }
  std::optional<Extremes::Range> take_queues() noexcept { return queues_.take(); }
  std::optional<Extremes::Range> take_holds() noexcept { return holds_.take(); }
  std::optional<Newest::Told> take_utilisation() noexcept { return utilisation_.take(); }

 private:
  friend class PathMeters;

  void begin_burst(lb::Nanoseconds now) noexcept;
  void count(const PathBurst& burst, std::uint8_t first) noexcept;

  // Of the burst in hand.
  std::uint64_t burst_ = 0;
  lb::Nanoseconds now_{};
  lb::Nanoseconds source_now_{};  ///< what the source's clock shows, but for the delay of its last message
  std::int64_t clocks_apart_ = 0;
  std::uint32_t plausible_ = 0;  ///< departures, from the oldest on, ns
  std::uint8_t last_ = 0;        ///< packet of the burst
  std::uint32_t life_ = 0;
  const SourceClock* source_;

  Counter packets_;
  Counter bytes_;
  Counter ce_marked_;
  Counter untimed_;
  Counter delay_sum_;
  Extremes delays_;
  MarkedPackets mine_;
  DelayFloor floor_;
  LogLinearHistogram delay_;
  Extremes queues_;
  Newest utilisation_;
  Published<MarkedPackets> marked_;

  Counter late_;
  Counter repeated_;
  Counter overtaken_;
  Extremes holds_;
  LogLinearHistogram hold_;
};

/// One lane's.
class PathMeters {
 public:
  struct Peer {
    std::size_t paths = 0;                ///< 1..256
    const SourceClock* source = nullptr;  ///< outlives the meters
  };

  /// `hops`: how many of a path are metered one by one, 0..max_metered_hops. Throws std::invalid_argument.
  PathMeters(std::span<const Peer> peers, std::size_t hops);

  /// Of which meter a sample is. The peer's path must exist.
  [[nodiscard]] std::uint32_t index(std::size_t peer, lb::PathId path) const noexcept {
    return first_[peer] + value(path);
  }
  [[nodiscard]] std::size_t paths(std::size_t peer) const noexcept { return first_[peer + 1] - first_[peer]; }

  /// A burst, all of which came `now`.
  void measure(std::span<const PathSample> samples, lb::Nanoseconds now) noexcept;
  /// A packet with a trace of `count` nodes in place of a tag: its hops' load only.
  void measure_trace(std::uint32_t index, IoamNodes nodes, std::size_t count) noexcept;

  [[nodiscard]] PathMeter& at(std::uint32_t index) noexcept { return meters_[index]; }
  [[nodiscard]] const PathMeter& at(std::uint32_t index) const noexcept { return meters_[index]; }
  /// Its hops as far as they are metered, from the source on.
  [[nodiscard]] std::span<const HopMeter> hops(std::uint32_t index) const noexcept {
    return std::span{hop_meters_}.subspan(index * hops_, hops_);
  }

 private:
  void measure_burst(std::span<const PathSample> samples, lb::Nanoseconds now) noexcept;
  void measure_hops(const PathBurst& burst, std::uint8_t first, lb::Nanoseconds now) noexcept;

  std::vector<std::uint32_t> first_;  ///< by peer: its first meter; one more at the end
  std::vector<PathMeter> meters_;
  std::size_t hops_;
  std::vector<HopMeter> hop_meters_;
  std::uint64_t burst_ = 0;
};

}  // namespace braidway::telemetry
