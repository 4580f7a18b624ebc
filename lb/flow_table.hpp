// What a source gateway remembers of its flows: one table a lane, read and written by the steering policies
// for each packet. A flow for which there was no room stays unnumbered and pinned by its hash; nobody in the
// table is evicted. Owner: the lane's worker. Time is an argument and never goes back. All memory at
// construction, about 100 bytes a flow of the capacity.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "lb/flow_key.hpp"
#include "lb/flow_map.hpp"
#include "lb/tick.hpp"
#include "lb/types.hpp"

namespace braidway::lb {

/// What a policy keeps of one flow. The table fills it in when the flow is new and reads only `last_seen`;
/// all else means what it says, and is the policy's to write.
struct FlowState {
  /// Of the next packet that is numbered; begins at 0 in each epoch.
  std::uint32_t next_sequence = 0;
  /// Of the last packet. The policy writes it, after it has asked how long the flow was silent.
  Tick last_seen{};
  /// When the flow last changed its path, but for packets that are sprayed.
  Tick moved_at{};
  /// Sent in this epoch, to tell the first bandwidth-delay product from the rest. The policy stops
  /// counting there.
  std::uint32_t bytes = 0;
  /// That the last packet went to: index into the path table. The paths below are its.
  std::uint16_t peer = 0;
  /// Of the last packet; means something once `placed`.
  PathId path{};
  /// What the policy chose for the last packet; in shadow mode that was not taken.
  PathId shadow_path{};
  /// The incarnation of the numbering, modulo 16 (order tag, 4 bits).
  std::uint8_t epoch = 0;
  /// A path has been chosen for it.
  bool placed : 1 = false;
  /// Its packets carry numbers. From the first one on, or from one that follows the packets before it on
  /// their path.
  bool numbered : 1 = false;
  /// It has left a path that is not of its spray set, and keeps to one path since `moved_at`.
  bool settling : 1 = false;
};
static_assert(sizeof(FlowState) == 24);

class FlowTable {
 public:
  /// Silence after which a flow is forgotten: twice what the sink waits, so that a sink never expects numbers
  /// that a source has forgotten.
  static constexpr Nanoseconds default_expiry{2'000'000'000};

  /// For at most `capacity` flows, 1 to max_flows. `expiry`: 1 us to half an hour. Throws
  /// std::invalid_argument.
  explicit FlowTable(std::size_t capacity, Nanoseconds expiry = default_expiry);

  /// out[i] = the state of the flow keys[i]; a new flow's is the default one, last seen `now`. nullptr if it
  /// is new and there is no room. hashes[i] = hash(keys[i], seed) with the same seed each time. The spans are
  /// of one length. A state stays where it is until a sweep forgets its flow.
  void find_or_insert(std::span<const std::uint64_t> hashes, std::span<const FlowKey> keys, Nanoseconds now,
                      std::span<FlowState*> out) noexcept;

  /// The same, and meanwhile(i) for each packet in turn: see FlowMap.
  template <typename Meanwhile>
  void find_or_insert(std::span<const std::uint64_t> hashes, std::span<const FlowKey> keys, Nanoseconds now,
                      std::span<FlowState*> out, Meanwhile meanwhile) noexcept {
    flows_.find_or_insert(hashes, keys, initial(now), out, meanwhile);
  }

  /// Forgets flows that have been silent for `expiry`. To be called each turn of the worker: it looks at so
  /// many entries that all are seen once in `expiry`, and at no more than 120. Returns how many it forgot.
  std::size_t sweep(Nanoseconds now) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return flows_.size(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return flows_.capacity(); }
  /// Packets of new flows that found no room.
  [[nodiscard]] std::uint64_t refused() const noexcept { return flows_.refused(); }

 private:
  static FlowState initial(Nanoseconds now) noexcept { return {.last_seen = tick(now)}; }

  FlowMap<FlowState> flows_;
  Nanoseconds expiry_;
};

}  // namespace braidway::lb
