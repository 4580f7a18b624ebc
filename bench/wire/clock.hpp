// The clock of the packet loop: CLOCK_MONOTONIC, nanoseconds. Any thread.
#pragma once

#include <chrono>

#include "lb/types.hpp"

namespace braidway::bench::wire {

inline lb::Nanoseconds steady_now() noexcept {
  return lb::Nanoseconds{
      std::chrono::nanoseconds{std::chrono::steady_clock::now().time_since_epoch()}.count()};
}

}  // namespace braidway::bench::wire
