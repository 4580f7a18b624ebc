// Whole seats for weights: Webster's (Sainte-Lague's) method of apportionment. Unlike largest remainders,
// which can take a seat from one party and give it to another because a third one leaves (the "new states
// paradox"), a divisor method is coherent: when a party leaves, no other loses a seat; when one comes, no
// other gains one. No method has that and never strays from the exact quota (Balinski and Young, Fair
// Representation, 1982, appendix A); Webster's strays least:
//   |seats - quota| <= 1/2 + 1/2 * parties * weight / sum of weights
// which is at most 1 for equal weights, and for 256 paths 0.5 slots plus 0.2 % of the quota. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "lb/types.hpp"

namespace braidway::lb {

/// Seats by path, indexed by PathId.
using Seats = std::array<std::uint32_t, max_paths_per_peer>;

/// All `seats` shared out by `weights` (at most 256); no seats at all if every weight is 0. Seats up to 2^24.
[[nodiscard]] Seats apportion(std::span<const std::uint32_t> weights, std::uint32_t seats) noexcept;

}  // namespace braidway::lb
