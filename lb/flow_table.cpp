#include "lb/flow_table.hpp"

namespace braidway::lb {

void FlowTable::find_or_insert(std::span<const std::uint64_t> hashes, std::span<const FlowKey> keys,
                               Nanoseconds now, std::span<FlowState*> out) noexcept {
  flows_.find_or_insert(hashes, keys, FlowState{.last_seen = tick(now)}, out);
}

std::size_t FlowTable::sweep(Nanoseconds now) noexcept {
  const auto at = tick(now);
  return flows_.sweep(now, expiry_,
                      [&](const FlowState& state) { return elapsed(state.last_seen, at) >= expiry_; });
}

}  // namespace braidway::lb
