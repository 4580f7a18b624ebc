// The decisions of one lane: for a burst, by the path table and the time, which path each packet takes and
// which number it gets in its flow. The policies, from the safest to the boldest:
//
//   pinned     by the flow's hash (pinned.hpp). No order is needed
//   idle_move  a flow may move when it has been silent for longer than the paths' skew. No order is needed
//   reroute    a flow moves when its path's delay is outlying, not again for a while. The sink restores order
//   spray      each packet by itself (spray.hpp). The sink restores order
//   automatic  a flow's first bytes keep one path, the rest is sprayed; idle_move if the peer does not
//   restore order
//
// Only RC and UC are steered so; CNPs, UD and everything else are pinned and never numbered. A flow that has
// carried ACKs only keeps its path. A flow for which the table has no room is pinned and not numbered, and
// counted.
//
// Pure; owner: one lane's worker. Time never goes back. All memory at construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lb/flow_key.hpp"
#include "lb/flow_table.hpp"
#include "lb/path_table.hpp"
#include "lb/spray.hpp"
#include "lb/spray_set.hpp"
#include "lb/types.hpp"

namespace braidway::lb {

enum class Policy : std::uint8_t { pinned, idle_move, reroute, spray, automatic };

/// What a packet is to the steering. `data` and `ack`: RC and UC; a packet that only acknowledges is an
/// `ack`.
enum class PacketClass : std::uint8_t { data, ack, unordered };

/// A burst, as arrays of one length.
struct SteerBurst {
  std::span<const std::uint64_t> hashes;  ///< hash(keys[i], seed of the path table)
  std::span<const FlowKey> keys;
  std::span<const std::uint32_t> bytes;
  std::span<const PacketClass> classes;
  std::span<const std::uint16_t> peers;  ///< index into the path table
};

struct Decision {
  std::uint32_t sequence = 0;  ///< in the flow and epoch, if numbered
  PathId path{};
  std::uint8_t epoch = 0;
  bool numbered = false;
  friend constexpr bool operator==(const Decision&, const Decision&) = default;
};
static_assert(sizeof(Decision) == 8);

struct SteeringCounters {
  std::uint64_t moved = 0;       ///< packets of flows that left their path, sprayed ones apart
  std::uint64_t unnumbered = 0;  ///< RC and UC packets of flows without room in the table
  std::uint64_t epochs = 0;      ///< numberings begun again after silence
};

class Steering {
 public:
  struct Parameters {
    /// Flows remembered.
    std::size_t flows = 1'000'000;
    /// Bytes of a flow that keep one path under `automatic`: below a bandwidth-delay product (100 Gbit/s, 8
    /// us) a message gains nothing from several.
    std::uint32_t first_bytes = 16'000;
    /// Silence after which a flow may move without overtaking itself: above the skew between paths.
    Nanoseconds idle{200'000};
    /// Silence after which numbering begins anew, half of what the sink takes to forget.
    Nanoseconds epoch{500'000'000};
    /// Relative delay of its path that moves a flow under `reroute`, ns, and how long it then stays.
    float reroute_ns = 20'000;
    Nanoseconds reroute_hold{500'000};
    Spray::Parameters spray;
  };

  /// `paths[i]`: how many paths peer i has.
  Steering(std::span<const std::size_t> paths, const Parameters& parameters);

  void set_policy(std::uint16_t peer, Policy policy) noexcept { peers_[peer].policy = policy; }
  /// The peer has said that it restores order; until then it is not numbered to, sprayed to or re-routed to.
  void set_restores_order(std::uint16_t peer, bool restores) noexcept {
    peers_[peer].restores_order = restores;
  }
  /// What the feedback says of a peer's paths (PathWeights, PathHealth), by path: `shares` 0 takes nothing,
  /// `delays_ns` are relative to the other paths'. If nothing is left the peer's live paths share evenly.
  void set_paths(std::uint16_t peer, const PeerPaths& paths, std::span<const float> shares,
                 std::span<const float> delays_ns) noexcept;

  /// out[i] = the decision for packet i. `waits_ns` is by egress: how long what waits there takes to leave.
  /// Paths of a peer without live ones are not to be used (PeerPaths::live_count).
  void decide(const SteerBurst& burst, const PathTable& table, std::span<const float> waits_ns,
              Nanoseconds now, std::span<Decision> out) noexcept;
  /// To be called each turn: forgets silent flows, a few a call.
  void sweep(Nanoseconds now) noexcept { flows_.sweep(now); }

  /// The paths a flow of that hash is sprayed over.
  [[nodiscard]] const SpraySet& spray_set(std::uint16_t peer, std::uint64_t hash) const noexcept {
    const auto& sets = peers_[peer].sets;
    return sets[reduce(hash, sets.size())];
  }
  [[nodiscard]] const SteeringCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] const FlowTable& flows() const noexcept { return flows_; }

 private:
  struct Peer {
    explicit Peer(std::size_t paths, const Spray::Parameters& parameters);

    Policy policy = Policy::automatic;
    bool restores_order = false;
    std::uint64_t waits_of = 0;  ///< the burst that `waits_ns` is of
    Spray spray;
    std::vector<SpraySet> sets;   ///< windows of the ring of paths
    std::vector<float> waits_ns;  ///< by path
    std::vector<float> delays_ns;
    std::vector<float> shares;
  };

  static std::size_t reduce(std::uint64_t hash, std::size_t size) noexcept {
    return static_cast<std::size_t>((hash & 0xffff'ffffU) * size >> 32);
  }
  void find_flows(const SteerBurst& burst, std::size_t first, Nanoseconds now,
                  std::span<FlowState*> out) noexcept;
  void take_waits(Peer& peer, const PeerPaths& paths, std::span<const float> waits_ns,
                  Nanoseconds now) noexcept;
  Decision decide_one(FlowState& flow, Peer& peer, Policy policy, const SpraySet& set, std::uint32_t bytes,
                      PacketClass what, Nanoseconds now) noexcept;
  [[nodiscard]] bool may_leave(const FlowState& flow, const Peer& peer, Policy policy, PacketClass what,
                               Nanoseconds now) const noexcept;
  [[nodiscard]] Policy effective(const Peer& peer) const noexcept;

  Parameters parameters_;
  FlowTable flows_;
  std::vector<Peer> peers_;
  std::uint64_t bursts_ = 0;
  SteeringCounters counters_;
};

}  // namespace braidway::lb
