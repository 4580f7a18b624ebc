#include "lb/apportion.hpp"

#include <cassert>
#include <cstddef>
#include <numeric>

namespace braidway::lb {
namespace {

/// A claim to one more seat (or to the last one held): weight / odd, odd = 2 * seats + 1 for the next seat.
/// Compared by cross-multiplication: 2^32 * 2^25 fits.
struct Claim {
  std::uint64_t weight;
  std::uint64_t odd;
};
constexpr bool stronger(const Claim& a, const Claim& b) noexcept {
  return a.weight * b.odd > b.weight * a.odd;
}

}  // namespace

// Webster's seats are the strongest claims of all, equal ones in the order of the paths. Rounding every quota
// to the nearest takes a leading part of that order (claims of at least half a seat), so what is over or
// missing after it is settled claim by claim, at most one for every two paths.
Seats apportion(std::span<const std::uint32_t> weights, std::uint32_t seats) noexcept {
  assert(weights.size() <= max_paths_per_peer && seats <= 1U << 24);
  Seats result{};
  const auto sum = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
  if (sum == 0) return result;

  std::uint64_t given = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    result[i] = static_cast<std::uint32_t>((2 * std::uint64_t{weights[i]} * seats + sum) / (2 * sum));
    given += result[i];
  }
  for (; given < seats; ++given) {
    std::size_t best = 0;
    for (std::size_t i = 1; i < weights.size(); ++i) {
      if (stronger({weights[i], 2 * std::uint64_t{result[i]} + 1},
                   {weights[best], 2 * std::uint64_t{result[best]} + 1})) {
        best = i;
      }
    }
    ++result[best];
  }
  for (; given > seats; --given) {
    std::size_t worst = weights.size();
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (result[i] == 0) continue;
      if (worst == weights.size() || !stronger({weights[i], 2 * std::uint64_t{result[i]} - 1},
                                               {weights[worst], 2 * std::uint64_t{result[worst]} - 1})) {
        worst = i;
      }
    }
    --result[worst];
  }
  return result;
}

}  // namespace braidway::lb
