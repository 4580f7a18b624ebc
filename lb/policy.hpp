// The names of the policies by which a peer's packets are steered: see steering.hpp. A value; no owner
// thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace braidway::lb {

/// From the safest to the boldest.
enum class Policy : std::uint8_t { pinned, idle_move, reroute, spray, automatic };

/// As configurations write it.
constexpr std::string_view name_of(Policy policy) noexcept {
  constexpr std::array<std::string_view, 5> names{"pinned", "idle-move", "reroute", "spray", "auto"};
  return names[static_cast<std::size_t>(policy)];
}

}  // namespace braidway::lb
