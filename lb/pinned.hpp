// The policy `pinned`: a flow takes the path that owns its slot, and keeps it while that path is usable.
// Pure and without state; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lb/path_table.hpp"
#include "lb/types.hpp"

namespace braidway::lb {

struct Pinned {
  /// The path of one flow; for the rest see the burst's.
  static PathId decide(std::uint64_t hash, const PeerPaths& paths) noexcept { return paths.path_of(hash); }
  /// out[i] = the path of hashes[i]; `out` is at least as long as `hashes`.
  /// The caller asks paths.live_count() first: with no usable path `out` holds paths that must not be sent
  /// to. Traffic without a flow (non-IP) is the caller's: it goes to paths.first_live().
  static void decide(std::span<const std::uint64_t> hashes, const PeerPaths& paths,
                     std::span<PathId> out) noexcept {
    for (std::size_t i = 0; i < hashes.size(); ++i) out[i] = decide(hashes[i], paths);
  }
};

}  // namespace braidway::lb
