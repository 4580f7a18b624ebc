// The weighted slot table behind `pinned`: 65,537 slots, each owned by a path; a flow's hash picks a slot.
// What it promises when it changes, in next():
//   - a path that leaves (dead or weight 0) gives its slots to the others; no other slot moves;
//   - a path that comes takes its share from the others; no slot moves between two others;
//   - a path that returns gets exactly the slots it left if all else was live and is as it was; after outages
//   that
//     overlap, all but a few percent of them;
//   - a change of weights moves only the differences.
// How: slot counts are apportioned by Webster's method (see apportion.hpp), whose counts depend on the
// present weights alone and can only grow for every path when another leaves. Slots are claimed the Maglev
// way (Eisenbud et al., NSDI 2016, section 3.4): each path walks its own pseudo-random permutation of the
// slots. Beside the live table stands the home table, the same with every path live; a path claims its home
// slots first. Immutable values: copies share their slots, so a snapshot costs nothing for what it does not
// change. Any thread reads.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "lb/types.hpp"

namespace braidway::lb {

/// What a path should get: a relative weight, and whether it may get anything now. Weight 0 is as good as
/// dead.
struct PathShare {
  std::uint32_t weight = 0;
  bool live = false;
};

class SlotTable {
 public:
  /// A prime, and 256 times the most paths: shares of equal weights are exact to 0.4 %.
  static constexpr std::uint32_t slots = 65'537;

  /// A table of nobody: empty.
  SlotTable() = default;
  /// A table for at most 256 paths, the index being the PathId. `seed` chooses the permutations. Throws
  /// std::invalid_argument for more.
  [[nodiscard]] static SlotTable build(std::span<const PathShare> paths, std::uint64_t seed);
  /// The follower of this table with as few slots moved as the new shares allow. Throws as build() does.
  [[nodiscard]] SlotTable next(std::span<const PathShare> paths) const;

  /// The slot of a hash, 0..65,536: multiply-shift on its upper 32 bits.
  static constexpr std::uint32_t slot_of(std::uint64_t hash) noexcept {
    return static_cast<std::uint32_t>((hash >> 32) * slots >> 32);
  }
  /// The owners of all slots, indexed by slot_of(). While the table is empty the answer is the path that
  /// would own the slot were all of them live (path 0 if there is none): defined, but not to be sent to. Not
  /// to be called on a default-constructed table.
  [[nodiscard]] const PathId* owners() const noexcept { return live_->owners.data(); }
  [[nodiscard]] PathId owner(std::uint32_t slot) const noexcept { return owners()[slot]; }

  /// No live path of weight above 0.
  [[nodiscard]] bool empty() const noexcept { return empty_; }
  /// Slots that a path owns; 0 for every path of an empty table.
  [[nodiscard]] std::uint32_t count(PathId path) const noexcept {
    return empty_ ? 0 : live_->counts[value(path)];
  }

 private:
  /// Who owns what. Written while a table is made, never after.
  struct Layer {
    std::array<PathId, slots> owners{};
    std::array<std::uint32_t, max_paths_per_peer> counts{slots};  ///< a new layer belongs to path 0
  };
  class Distribution;

  std::shared_ptr<const Layer> live_;
  std::shared_ptr<const Layer> home_;  ///< as if every path were live; the same as live_ when they are
  std::uint64_t seed_ = 0;
  bool empty_ = true;
};

}  // namespace braidway::lb
