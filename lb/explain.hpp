// Why a flow takes the path it takes, asked of a table as workers read it. Control threads; pure.
#pragma once

#include <cstdint>
#include <optional>

#include "lb/flow_key.hpp"
#include "lb/path_table.hpp"
#include "lb/types.hpp"

namespace braidway::lb {

struct Explanation {
  std::uint64_t hash;        ///< of the flow key with the table's seed
  std::uint32_t slot;        ///< that the hash falls into, 0..65,536
  PathId path;               ///< that owns the slot
  PathRecord record;         ///< of that path
  std::uint32_t slot_count;  ///< slots that path owns, of SlotTable::slots
  std::uint32_t live_count;  ///< usable paths it was chosen from
};

/// What `pinned` decides for this flow, by the very functions the workers call. Nothing if no path is usable.
[[nodiscard]] std::optional<Explanation> explain(const FlowKey& key, std::uint64_t seed,
                                                 const PeerPaths& paths);

}  // namespace braidway::lb
