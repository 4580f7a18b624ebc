// How many reports may be sent: so many a second, and a burst of so many after silence (a token bucket).
//
// Pure; time is an argument and never goes back. Owner: whoever sends the reports.
#pragma once

#include <algorithm>
#include <cstdint>

#include "lb/types.hpp"

namespace braidway::telemetry {

class ReportRate {
 public:
  /// A rate of 0 sends nothing.
  constexpr ReportRate(std::uint32_t per_second, std::uint32_t burst) noexcept
      : price_(second / std::max<std::int64_t>(per_second, 1)),
        most_credit_(per_second == 0 ? 0 : price_ * burst),
        credit_(most_credit_) {}

  /// May one more be sent now? Then it counts as sent.
  constexpr bool take(lb::Nanoseconds now) noexcept { return take_above(price_, now); }
  /// The same for one that can wait: it leaves half of the burst to others.
  constexpr bool take_upper_half(lb::Nanoseconds now) noexcept {
    return take_above(std::max(price_, most_credit_ / 2), now);
  }

 private:
  static constexpr std::int64_t second = 1'000'000'000;

  constexpr bool take_above(std::int64_t least, lb::Nanoseconds now) noexcept {
    const std::int64_t passed = value(now) - value(credited_at_);
    credit_ = passed >= most_credit_ - credit_ ? most_credit_ : credit_ + passed;
    credited_at_ = now;
    if (credit_ < least) return false;
    credit_ -= price_;
    return true;
  }

  std::int64_t price_;  ///< of a report, in ns of credit
  std::int64_t most_credit_;
  std::int64_t credit_;
  lb::Nanoseconds credited_at_{};
};

}  // namespace braidway::telemetry
