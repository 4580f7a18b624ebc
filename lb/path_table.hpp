// The snapshot that workers read: for every peer its paths, which of them live, and who owns which slot.
// Immutable: the control thread derives the next table from the last, publishes it by one release store, and
// frees the old one when no worker reads it any more. Memory is allocated only while a table is made. Any
// thread reads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lb/slot_table.hpp"
#include "lb/types.hpp"

namespace braidway::lb {

/// One path, as a worker needs it.
struct PathRecord {
  std::uint16_t egress = 0;  ///< dataplane port index
  bool live = false;
  std::uint32_t weight = 0;  ///< relative; 0 takes no flows
};
static_assert(sizeof(PathRecord) == 8);

/// The paths of one peer. A path is usable if it is live and its weight is above 0.
class PeerPaths {
 public:
  /// At most 256 records; the index is the PathId. `seed` as in SlotTable::build, and what it throws.
  PeerPaths(std::vector<PathRecord> records, std::uint64_t seed);
  /// These paths with other liveness and weights (as many records, same order), slots moved as little as
  /// possible.
  [[nodiscard]] PeerPaths next(std::vector<PathRecord> records) const;

  /// The path of a flow by its hash. Ask live_count() first: with no usable path the answer is a path not to
  /// be used.
  [[nodiscard]] PathId path_of(std::uint64_t hash) const noexcept {
    return owners_[SlotTable::slot_of(hash)];
  }
  /// Usable paths.
  [[nodiscard]] std::uint32_t live_count() const noexcept { return live_count_; }
  /// The usable path of the lowest number: where traffic without a flow goes (non-IP).
  [[nodiscard]] std::optional<PathId> first_live() const noexcept {
    return live_count_ == 0 ? std::nullopt : std::optional{first_live_};
  }
  /// `path` must be one of ours (as path_of and first_live answer).
  [[nodiscard]] const PathRecord& record(PathId path) const noexcept { return records_[value(path)]; }
  [[nodiscard]] std::span<const PathRecord> records() const noexcept { return records_; }
  /// Slots of SlotTable::slots that a path owns; its share of the flows. 0 if it is not usable.
  [[nodiscard]] std::uint32_t slot_count(PathId path) const noexcept { return slots_.count(path); }

 private:
  PeerPaths(std::vector<PathRecord> records, SlotTable slots);

  const PathId*
      owners_;  ///< into slots_, which shares and keeps them: copies of a PeerPaths may copy the pointer
  std::vector<PathRecord> records_;
  std::uint32_t live_count_ = 0;
  PathId first_live_{};
  SlotTable slots_;
};

class PathTable {
 public:
  /// Generation 1. `peers[i]` are the paths of peer i; `seed` is that of the flow hash, and chooses the slots
  /// as well. Throws std::invalid_argument for more than max_peers of them, or a peer of more than 256 paths.
  [[nodiscard]] static PathTable initial(std::span<const std::vector<PathRecord>> peers, std::uint64_t seed);

  /// The next generation, one path's liveness changed. `peer` and `path` must exist.
  [[nodiscard]] PathTable with_liveness(std::size_t peer, PathId path, bool live) const;
  /// The next generation with one weight a path of that peer, in the order of its paths, as many as it has.
  [[nodiscard]] PathTable with_weights(std::size_t peer, std::span<const std::uint32_t> weights) const;

  [[nodiscard]] const PeerPaths& peer(std::size_t index) const noexcept { return peers_[index]; }
  [[nodiscard]] std::span<const PeerPaths> peers() const noexcept { return peers_; }
  /// The seed that flows of this table are hashed with.
  [[nodiscard]] std::uint64_t hash_seed() const noexcept { return hash_seed_; }
  /// Grows by one with every table derived.
  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }

 private:
  PathTable(std::vector<PeerPaths> peers, std::uint64_t seed, std::uint64_t generation);
  [[nodiscard]] PathTable with_peer(std::size_t peer, std::vector<PathRecord> records) const;

  std::vector<PeerPaths> peers_;
  std::uint64_t hash_seed_;
  std::uint64_t generation_;
};

}  // namespace braidway::lb
