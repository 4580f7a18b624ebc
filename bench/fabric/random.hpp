// The simulator's random numbers: splitmix64 (Steele, Lea, Flood, OOPSLA 2014). One generator a run, seeded
// by the run's seed, so that the same seed gives the same bytes on every machine (the distributions of
// <random> do not). Owner: the thread of its simulation.
#pragma once

#include <cstdint>

#include "lb/flow_key.hpp"

namespace braidway::bench::fabric {

class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept { return lb::detail::scramble(state_ += 0x9e37'79b9'7f4a'7c15ULL); }
  /// Uniform in [0, bound).
  std::uint32_t below(std::uint32_t bound) noexcept {
    return static_cast<std::uint32_t>((next() >> 32) * bound >> 32);
  }
  /// Uniform in [0, 1).
  double uniform() noexcept { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

}  // namespace braidway::bench::fabric
