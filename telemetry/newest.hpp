// The newest of the values that one thread notes, for another to take once. Pure.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <optional>

#include "lb/types.hpp"

namespace braidway::telemetry {

class Newest {
 public:
  struct Told {
    std::uint32_t value = 0;
    std::uint32_t at = 0;  ///< in units of 1024 ns; wraps after 73 minutes

    /// Of two that were told within half an hour of each other.
    [[nodiscard]] constexpr bool later_than(const Told& other) const noexcept {
      return static_cast<std::int32_t>(at - other.at) > 0;
    }
    friend bool operator==(const Told&, const Told&) = default;
  };

  /// By the writer. Any value but the largest of its type.
  void note(std::uint32_t value, lb::Nanoseconds now) noexcept {
    const auto at = static_cast<std::uint32_t>(static_cast<std::uint64_t>(lb::value(now)) >> 10U);
    word_.store(std::uint64_t{at} << 32U | value, std::memory_order_relaxed);
  }

  /// By the one thread that takes: the last that was noted since it last did; nothing if nothing was. The
  /// same value noted again within a microsecond is the one that was taken.
  std::optional<Told> take() noexcept {
    const std::uint64_t word = word_.load(std::memory_order_relaxed);
    if (word == taken_) return std::nullopt;
    taken_ = word;
    return Told{.value = static_cast<std::uint32_t>(word), .at = static_cast<std::uint32_t>(word >> 32U)};
  }

 private:
  static constexpr std::uint64_t none = std::numeric_limits<std::uint64_t>::max();

  std::atomic<std::uint64_t> word_{none};  ///< time, value
  std::uint64_t taken_ = none;             ///< of who takes
};

}  // namespace braidway::telemetry
