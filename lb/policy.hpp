// The names of the policies by which a peer's packets are steered: see steering.hpp. A value; no owner
// thread.
#pragma once

#include <cstdint>

namespace braidway::lb {

/// From the safest to the boldest.
enum class Policy : std::uint8_t { pinned, idle_move, reroute, spray, automatic };

}  // namespace braidway::lb
