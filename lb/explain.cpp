#include "lb/explain.hpp"

#include <array>

#include "lb/pinned.hpp"

namespace braidway::lb {

std::optional<Explanation> explain(const FlowKey& key, std::uint64_t seed, const PeerPaths& paths) {
  if (paths.live_count() == 0) return std::nullopt;
  std::array<std::uint64_t, 1> hashes{};
  std::array<PathId, 1> decided{};
  FlowHasher{seed}.hash_burst({&key, 1}, hashes);
  Pinned::decide(hashes, paths, decided);
  return Explanation{.hash = hashes[0],
                     .slot = SlotTable::slot_of(hashes[0]),
                     .path = decided[0],
                     .record = paths.record(decided[0]),
                     .slot_count = paths.slot_count(decided[0]),
                     .live_count = paths.live_count()};
}

}  // namespace braidway::lb
