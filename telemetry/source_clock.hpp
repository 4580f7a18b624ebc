// The clock of a source as its sink knows it: 64-bit times rebuilt from the 32 bits that packets carry
// (order_tag.hpp), which wrap each 4.29 s.
//
// The source's messages say its time in full (message.hpp, "time sent"). From the last of them the sink knows
// by how much the two clocks differ, but for the message's delay and what they drifted since; of all times
// with the right low half the true one is nearest to what that predicts. Right as long as delay and drift
// make less than 2.1 s: for three hours without a message at 200 ppm. Without any message times are right
// only modulo 4.29 s.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "lb/types.hpp"

namespace braidway::telemetry {

/// a - b, in ns. Wraps: no time of whatever clock is too far off.
constexpr std::int64_t between(lb::Nanoseconds b, lb::Nanoseconds a) noexcept {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(value(a)) -
                                   static_cast<std::uint64_t>(value(b)));
}
/// time + span; wraps.
constexpr lb::Nanoseconds later(lb::Nanoseconds time, std::int64_t span) noexcept {
  return lb::Nanoseconds{
      static_cast<std::int64_t>(static_cast<std::uint64_t>(value(time)) + static_cast<std::uint64_t>(span))};
}

/// How far the time whose low half is `low` is ahead of `near`, if it is the nearest such: less than 2^31 ns.
constexpr std::int32_t ahead_of(lb::Nanoseconds near, std::uint32_t low) noexcept {
  return static_cast<std::int32_t>(low - static_cast<std::uint32_t>(static_cast<std::uint64_t>(value(near))));
}
/// That time.
constexpr lb::Nanoseconds full_time(std::uint32_t low, lb::Nanoseconds near) noexcept {
  return later(near, ahead_of(near, low));
}

/// One a peer. Written by the thread that handles the peer's messages, read by all that meter its packets.
class SourceClock {
 public:
  /// An authentic message of the source counts, sent at `sent` by its clock, `now` by ours. `new_life`: the
  /// first one of a boot id.
  void heard(lb::Nanoseconds sent, lb::Nanoseconds now, bool new_life) noexcept {
    offset_.store(between(now, sent), std::memory_order_relaxed);
    const std::uint32_t life = life_.load(std::memory_order_relaxed);
    if (life == 0 || new_life) life_.store(life + 1 == 0 ? 1 : life + 1, std::memory_order_release);
  }

  /// 0: nothing has been heard yet. A change says that another clock runs from now on, and that the source
  /// has begun to count anew. To be read before offset().
  [[nodiscard]] std::uint32_t life() const noexcept { return life_.load(std::memory_order_acquire); }
  /// Source's clock less ours, ns, delay of a message included.
  [[nodiscard]] std::int64_t offset() const noexcept { return offset_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> offset_{0};
  std::atomic<std::uint32_t> life_{0};
};

}  // namespace braidway::telemetry
