// The packets that an order window holds, in one fixed pool, in two orders at once: by sequence within their
// flow, to be handed on, and over all flows by when they came or were last put off, to be given up.
//
// Within a flow each path has a queue of its own, because a path delivers in ascending order: to hold a
// packet is to append it, the lowest is one of a few heads, and a path has delivered something higher
// than what is missing if and only if its queue is not empty (whatever is higher is held). What does not
// ascend on its path, and what comes over more paths than a set holds, goes to a heap beside the queues.
//
// Owner: the order window's worker. All memory at construction: 330 bytes a packet. Never fails: hold() needs
// full() to be false.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lb/path_standing.hpp"
#include "lb/spray_set.hpp"
#include "lb/types.hpp"

namespace braidway::lb {

/// Whatever the caller knows the packet by (an mbuf); never looked into.
using Handle = void*;

struct HeldPacket {
  Handle handle = nullptr;
  std::uint32_t sequence = 0;
  std::uint32_t bytes = 0;
  PathId path{};
  Departure departure{};
};

/// A flow of which something is held. 0: none.
enum class HeldFlowId : std::uint32_t {};
constexpr auto value(HeldFlowId id) noexcept { return static_cast<std::uint32_t>(id); }

class HeldPackets {
 public:
  using Index = std::uint32_t;
  static constexpr Index none = 0;  ///< of a packet

  /// The most: they are numbered by 32 bits, and 0 is none.
  static constexpr std::size_t max_packets = 0xffff'ffff;

  /// Room for `packets` packets of as many flows, 1 to max_packets. Throws std::invalid_argument.
  explicit HeldPackets(std::size_t packets);

  /// A flow begins to hold. `owner` is given back by owner().
  HeldFlowId open(void* owner, SourceIndex source) noexcept;
  /// The flow holds nothing any more.
  void close(HeldFlowId flow) noexcept;

  /// Puts a packet aside, and says whether its path kept its order: whether it delivered nothing higher that
  /// is still held. `set` is what the source announced for the flow; nullptr if that is not known. After a
  /// change of the set the paths that left it count on for `settle`: as long as something may still be under
  /// way on them.
  bool hold(HeldFlowId flow, const HeldPacket& packet, const SpraySet* set, Nanoseconds now,
            Nanoseconds settle) noexcept;

  /// The packet of the lowest sequence of a flow that holds something; of equal ones any.
  [[nodiscard]] Index lowest(HeldFlowId flow) const noexcept;
  /// Takes out lowest(flow).
  HeldPacket take(HeldFlowId flow, Index lowest) noexcept;

  /// Calls `path(id, delivered)` for each path that may still bring what is missing, `delivered` being
  /// whether it has delivered something that is held; ends when it answers false. False if it did, or if not
  /// all paths are known.
  template <typename Path>
  bool all_paths(HeldFlowId flow, Path path) const noexcept {
    const auto& held = flows_[value(flow)];
    if (!held.paths_known) return false;
    for (unsigned i = 0; i < held.path_count; ++i) {
      if (!path(held.paths[i], held.heads[i] != none)) return false;
    }
    return true;
  }

  [[nodiscard]] bool empty(HeldFlowId flow) const noexcept { return flows_[value(flow)].packets == 0; }
  [[nodiscard]] void* owner(HeldFlowId flow) const noexcept { return flows_[value(flow)].owner; }
  [[nodiscard]] SourceIndex source(HeldFlowId flow) const noexcept { return flows_[value(flow)].source; }
  [[nodiscard]] const HeldPacket& packet(Index index) const noexcept { return nodes_[index].packet; }

  /// The packet that has waited longest since it came or was put off, or none.
  [[nodiscard]] Index oldest() const noexcept { return nodes_[none].newer; }
  /// Since when.
  [[nodiscard]] Nanoseconds since(Index index) const noexcept {
    return Nanoseconds{value(nodes_[index].arrival) + nodes_[index].put_off};
  }
  /// It waits from now on, up to 4 s after its arrival.
  void put_off(Index index, Nanoseconds now) noexcept;
  [[nodiscard]] Nanoseconds arrival(Index index) const noexcept { return nodes_[index].arrival; }
  [[nodiscard]] HeldFlowId flow_of(Index index) const noexcept { return nodes_[index].flow; }
  /// The next of the flows that hold something, in rotation; {} if there is none.
  HeldFlowId next_flow() noexcept;

  [[nodiscard]] bool full() const noexcept { return free_nodes_.empty(); }
  [[nodiscard]] std::size_t packets() const noexcept { return packets_; }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t flows() const noexcept { return flows_.size() - 1 - free_flows_.size(); }

 private:
  struct alignas(64) Node {
    HeldPacket packet;
    Nanoseconds arrival{};
    HeldFlowId flow{};
    Index next = none;   ///< in its path's queue; in the heap: its sibling
    Index child = none;  ///< in the heap
    Index older = none;  ///< by since(); a ring through node 0
    Index newer = none;
    std::uint32_t put_off = 0;  ///< from its arrival to when it was last put off, ns
  };

  struct alignas(64) Flow {
    void* owner = nullptr;
    Nanoseconds changed{};  ///< when a path beside the announced ones was last added
    std::array<Index, SpraySet::most> heads{};
    std::array<Index, SpraySet::most> tails{};
    std::array<PathId, SpraySet::most> paths{};
    SpraySet announced;
    std::uint8_t path_count = 0;
    bool paths_known = true;  ///< the set is, and every path that counts has a queue
    bool beside_set = false;  ///< there may be paths beside the announced ones
    Index heap = none;        ///< its root
    std::uint32_t packets = 0;
    SourceIndex source{};
    HeldFlowId before{};  ///< a ring through flow 0
    HeldFlowId after{};
  };

  static_assert(sizeof(Node) == 64 && sizeof(Flow) == 256);

  static constexpr unsigned no_queue = SpraySet::most;

  unsigned queue_of(Flow& flow, PathId path) noexcept;
  void announce(Flow& flow, const SpraySet* set, Nanoseconds now, Nanoseconds settle) noexcept;
  void forget_other_paths(Flow& flow) noexcept;
  Index merge(Index a, Index b) noexcept;
  Index without_root(Index root) noexcept;
  [[nodiscard]] bool lower(Index a, Index b) const noexcept;
  void append(Index index) noexcept;

  std::vector<Node> nodes_;  ///< node 0 ends the rings
  std::vector<Flow> flows_;  ///< flow 0 likewise
  std::vector<Index> free_nodes_;
  std::vector<HeldFlowId> free_flows_;
  HeldFlowId turn_{};
  std::size_t packets_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace braidway::lb
