// The paths that one flow is sprayed over. The source chooses among them, and the sink waits for them: once
// every one of them has delivered what was sent after a missing packet, that packet is lost. A value; no
// owner thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "lb/types.hpp"

namespace braidway::lb {

/// At most 8 paths: with hundreds, some would not carry a packet of the flow for long, and no gap would ever
/// be decided.
struct SpraySet {
  static constexpr std::size_t most = 8;

  std::array<PathId, most> paths{};
  std::uint8_t count = 0;

  friend constexpr bool operator==(const SpraySet&, const SpraySet&) = default;
};

}  // namespace braidway::lb
