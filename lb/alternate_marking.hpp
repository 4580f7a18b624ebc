// Packets counted at both ends of a path so that the counts can be compared to the packet, however many are
// under way: alternate marking (RFC 9341). The departure time that is on every packet cuts a path's packets
// into periods of 2^17 ns; sent and received are compared for whole periods.
//
// A path is first in, first out, but several lanes stamp its packets, and one may be descheduled between
// stamping and sending: departures go back by up to a turn of a worker. So a period counts as complete only
// when a packet of the second one after it has come. Numbers wrap. Pure; owner of either: whoever counts.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "lb/sequence.hpp"
#include "lb/types.hpp"

namespace braidway::lb {

/// The period that a packet belongs to, by its departure. Wraps after 6 days.
constexpr std::uint32_t marking_period(Nanoseconds departure) noexcept {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(value(departure)) >> 17);
}

/// Packets sent by one path.
class SentByPeriod {
 public:
  void count(Nanoseconds departure) noexcept {
    const std::uint32_t period = marking_period(departure);
    if (!started_) latest_ = period;
    started_ = true;
    if (before(latest_, period)) {
      // Periods without a packet end with what was sent before them.
      const std::uint32_t passed = std::min(period - latest_, remembered);
      for (std::uint32_t i = 0; i < passed; ++i) through_[(period - i) % remembered] = sent_;
      latest_ = period;
    }
    // It counts in its own period and all after it.
    const std::uint32_t counts_in = std::min(latest_ - period, remembered - 1) + 1;
    for (std::uint32_t i = 0; i < counts_in; ++i) ++through_[(latest_ - i) % remembered];
    ++sent_;
  }

  /// Packets of all periods up to this one; nothing if that is not over, or not remembered any more.
  [[nodiscard]] std::optional<std::uint32_t> through(std::uint32_t period) const noexcept {
    const std::uint32_t age = latest_ - period;
    if (age == 0 || age >= remembered) return std::nullopt;
    return through_[period % remembered];
  }
  /// Packets in all.
  [[nodiscard]] std::uint32_t total() const noexcept { return sent_; }

 private:
  /// 4 ms: more than a message takes to tell of it.
  static constexpr std::uint32_t remembered = 32;

  std::array<std::uint32_t, remembered> through_{};  ///< by period: packets up to and including it
  std::uint32_t sent_ = 0;
  std::uint32_t latest_ = 0;
  bool started_ = false;
};

/// Packets received by one path.
class ReceivedByPeriod {
 public:
  void count(Nanoseconds departure) noexcept {
    const std::uint32_t period = marking_period(departure);
    if (!started_) latest_ = period;
    started_ = true;
    if (before(latest_, period)) {
      in_previous_ = period - latest_ == 1 ? in_latest_ : 0;
      in_latest_ = 0;
      latest_ = period;
    }
    ++received_;
    in_latest_ += period == latest_ ? 1 : 0;
    in_previous_ += latest_ - period == 1 ? 1 : 0;
  }

  /// The last period that is complete.
  [[nodiscard]] std::uint32_t complete() const noexcept { return latest_ - 2; }
  /// Packets of all periods up to that one.
  [[nodiscard]] std::uint32_t through() const noexcept { return received_ - in_latest_ - in_previous_; }

 private:
  std::uint32_t received_ = 0;
  std::uint32_t latest_ = 0;
  std::uint32_t in_latest_ = 0;
  std::uint32_t in_previous_ = 0;
  bool started_ = false;
};

}  // namespace braidway::lb
