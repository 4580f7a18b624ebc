#include "lb/path_table.hpp"

#include <cassert>
#include <utility>

#include "lb/require.hpp"

namespace braidway::lb {
namespace {

std::vector<PathShare> shares(std::span<const PathRecord> records) {
  std::vector<PathShare> result;
  result.reserve(records.size());
  for (const auto& record : records) result.push_back({.weight = record.weight, .live = record.live});
  return result;
}

}  // namespace

PeerPaths::PeerPaths(std::vector<PathRecord> records, SlotTable slots)
    : owners_(slots.owners()), records_(std::move(records)), slots_(std::move(slots)) {
  for (std::size_t i = records_.size(); i-- > 0;) {
    if (!records_[i].live || records_[i].weight == 0) continue;
    ++live_count_;
    first_live_ = PathId{static_cast<std::uint8_t>(i)};
  }
}

PeerPaths::PeerPaths(std::vector<PathRecord> records, std::uint64_t seed)
    : PeerPaths(records, SlotTable::build(shares(records), seed)) {}

PeerPaths PeerPaths::next(std::vector<PathRecord> records) const {
  assert(records.size() == records_.size());
  auto slots = slots_.next(shares(records));
  return {std::move(records), std::move(slots)};
}

PathTable::PathTable(std::vector<PeerPaths> peers, std::uint64_t seed, std::uint64_t generation)
    : peers_(std::move(peers)), hash_seed_(seed), generation_(generation) {}

PathTable PathTable::initial(std::span<const std::vector<PathRecord>> peers, std::uint64_t seed) {
  Requirements{"PathTable"}.within("peers", peers.size(), 0, max_peers);
  std::vector<PeerPaths> made;
  made.reserve(peers.size());
  for (const auto& records : peers) made.emplace_back(records, seed);
  return {std::move(made), seed, 1};
}

PathTable PathTable::with_peer(std::size_t peer, std::vector<PathRecord> records) const {
  auto peers = peers_;
  peers[peer] = peers_[peer].next(std::move(records));
  return {std::move(peers), hash_seed_, generation_ + 1};
}

PathTable PathTable::with_liveness(std::size_t peer, PathId path, bool live) const {
  assert(peer < peers_.size() && value(path) < peers_[peer].records().size());
  const auto present = peers_[peer].records();
  std::vector<PathRecord> records(present.begin(), present.end());
  records[value(path)].live = live;
  return with_peer(peer, std::move(records));
}

PathTable PathTable::with_weights(std::size_t peer, std::span<const std::uint32_t> weights) const {
  assert(peer < peers_.size() && weights.size() == peers_[peer].records().size());
  const auto present = peers_[peer].records();
  std::vector<PathRecord> records(present.begin(), present.end());
  for (std::size_t i = 0; i < records.size(); ++i) records[i].weight = weights[i];
  return with_peer(peer, std::move(records));
}

}  // namespace braidway::lb
