// A feedback of the peer that counted, as the lane that handles messages hands it to the control thread: for
// what forecasts the paths' load, and cannot look at each message when it comes. A ring that is full loses
// it, counted; no worker waits.
//
// Plain values.
#pragma once

#include <type_traits>

#include "lb/types.hpp"
#include "telemetry/message.hpp"

namespace braidway::dataplane {

struct HeardFeedback {
  lb::Nanoseconds at{};  ///< on the clock of the lanes
  telemetry::Message message;
};
static_assert(std::is_trivially_copyable_v<HeardFeedback> && sizeof(HeardFeedback) % 4 == 0,
              "a ring's element");

/// Messages of 50 ms, if they come every 100 us: the control thread may be off its core for so long.
inline constexpr unsigned feedback_ring_size = 512;

}  // namespace braidway::dataplane
