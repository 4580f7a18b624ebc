#include "bench/traffic/ledger.hpp"

#include <algorithm>
#include <bit>

namespace braidway::bench::traffic {
namespace {
constexpr std::uint32_t arrived_bit = 1;
}  // namespace

Ledger::Ledger(std::uint32_t flows, std::uint32_t depth)
    : mask_{std::bit_ceil(std::max(depth, 2U)) - 1},
      flows_(flows),
      entries_(static_cast<std::size_t>(flows) * (mask_ + 1), arrived_bit) {}

void Ledger::sent(std::uint32_t flow, std::uint32_t icrc) noexcept {
  entry(flow, flows_[flow].sent++) = icrc & ~arrived_bit;
  ++sent_;
}

Ledger::Verdict Ledger::arrived(std::uint32_t flow, std::uint32_t icrc) noexcept {
  Flow& state = flows_[flow];
  const std::uint32_t pending = icrc & ~arrived_bit;
  const std::uint32_t oldest = state.sent - (mask_ + 1);
  // Entries that were overwritten are behind `oldest`; a flow that lost a whole ring begins there again.
  if (state.sent - state.arrived > mask_ + 1) state.arrived = oldest;

  for (std::uint32_t index = state.arrived; index != state.sent; ++index) {
    std::uint32_t& candidate = entry(flow, index);
    if (candidate != pending) continue;
    candidate |= arrived_bit;
    state.arrived = index + 1;
    ++delivered_;
    return Verdict::in_order;
  }
  bool seen_before = false;
  for (std::uint32_t index = oldest; index != state.arrived; ++index) {
    std::uint32_t& candidate = entry(flow, index);
    if (candidate == pending) {
      candidate |= arrived_bit;
      ++delivered_;
      ++reordered_;
      return Verdict::reordered;
    }
    seen_before = seen_before || candidate == (pending | arrived_bit);
  }
  ++(seen_before ? duplicates_ : unknown_);
  return seen_before ? Verdict::duplicate : Verdict::unknown;
}

}  // namespace braidway::bench::traffic
