#include "lb/flow_table.hpp"

#include "lb/require.hpp"

namespace braidway::lb {

FlowTable::FlowTable(std::size_t capacity, Nanoseconds expiry) : flows_(capacity), expiry_(expiry) {
  Requirements{"FlowTable"}.within("expiry", expiry, shortest_silence, longest_silence);
}

void FlowTable::find_or_insert(std::span<const std::uint64_t> hashes, std::span<const FlowKey> keys,
                               Nanoseconds now, std::span<FlowState*> out) noexcept {
  flows_.find_or_insert(hashes, keys, initial(now), out);
}

std::size_t FlowTable::sweep(Nanoseconds now) noexcept {
  const auto at = tick(now);
  return flows_.sweep(now, expiry_,
                      [&](const FlowState& state) { return elapsed(state.last_seen, at) >= expiry_; });
}

}  // namespace braidway::lb
