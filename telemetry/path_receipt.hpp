// From what a feedback says of a path to what lb judges a path by. Pure.
#pragma once

#include <cstddef>

#include "lb/alternate_marking.hpp"
#include "lb/path_health.hpp"
#include "telemetry/message.hpp"

namespace braidway::telemetry {

/// Of records[i] of a feedback, i < count; `now` is the clock that departures are stamped by. A record
/// without a count gives a period that is far from over, and by such a one no loss is judged.
inline lb::PathReceipt receipt(const Message& feedback, std::size_t i, lb::Nanoseconds now) noexcept {
  constexpr std::uint32_t far = 1U << 15;
  const PathRecord& record = feedback.records[i];
  const std::uint32_t present = lb::marking_period(now);
  return {.path = feedback.path_of(i),
          .heard = record.heard,
          .period = record.counted ? full_period(record.period, present) : present + far,
          .received = record.packets};
}

}  // namespace braidway::telemetry
