// What one direction of a path does to frames. Plain values.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "lb/types.hpp"

namespace braidway::bench::wire {

enum class Jitter : std::uint8_t { uniform, normal };
inline constexpr std::array<std::string_view, 2> jitter_names{"uniform", "normal"};

/// Shares are of frames, 0 to 1.
struct Parameters {
  std::uint64_t rate_bps = 0;           ///< of frames without preamble, FCS and gap; 0: no limit
  std::uint64_t queue_bytes = 1 << 20;  ///< that may wait for the transmitter, beside the frame that it sends
  lb::Nanoseconds delay{};
  /// uniform: delay - jitter to delay + jitter; normal: its standard deviation. A delay is never below 0.
  lb::Nanoseconds jitter{};
  Jitter distribution = Jitter::uniform;
  double reorder = 0;          ///< share that skips the delay, and so overtakes what is under way
  double loss = 0;             ///< share that is lost behind the transmitter
  double corruption = 0;       ///< share in which one bit of the payload is flipped
  double duplication = 0;      ///< share that arrives twice
  double ce = 0;               ///< share of ECN-capable packets that is marked
  std::uint64_t ce_bytes = 0;  ///< ECN-capable packets that find so much waiting are marked; 0: none
  bool cut = false;            ///< nothing gets in, and what would come out is lost
};

}  // namespace braidway::bench::wire
