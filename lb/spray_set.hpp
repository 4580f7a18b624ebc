// The paths that one flow is sprayed over. The source chooses among them, and the sink waits for them: once
// every one of them has delivered what was sent after a missing packet, that packet is lost. A value; no
// owner thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lb/types.hpp"

namespace braidway::lb {

/// At most 16 paths. With hundreds, some would not carry a packet of the flow for long, and no gap would ever
/// be decided. With half of a leaf's 16 uplinks flows cover them unevenly: a permutation at full bisection
/// took up to 3.2 times its ideal with sets of 8 (simulated), 1.2 times with 16.
struct SpraySet {
  static constexpr std::size_t most = 16;

  std::array<PathId, most> paths{};
  std::uint8_t count = 0;

  friend constexpr bool operator==(const SpraySet&, const SpraySet&) = default;
};

}  // namespace braidway::lb
