// The decisions of one lane: for a burst, by the path table and the time, which path each packet takes and
// which number it gets in its flow. The policies, from the safest to the boldest:
//
//   pinned     by the flow's hash (pinned.hpp)
//   idle_move  a flow may move when it has been silent for longer than the paths' skew
//   reroute    a flow also moves when its path's delay is outlying, not again for a while
//   spray      each packet by itself (spray.hpp)
//   automatic  a flow's first bytes keep one path, the rest is sprayed
//
// The last three need a sink that restores order; towards one that does not they are idle_move. Only RC and
// UC may be numbered, ACKs as well; what else may be steered, and how boldly, its limit says. A flow for
// which the table has no room is pinned and not numbered, and counted. No packet takes a path that the
// feedback has taken out while another is left.
//
// ACKs are sprayed like data, for they are a load: one of 62 bytes for each packet of 1 kB is 6 %, and hashed
// by flow some links carry the ACKs of three flows and others none. With eight uplinks of 128 at a tenth, a
// permutation's tail is then 1.31 times its bound (worst of 16 seeds 2.43) instead of 1.25 (1.31), and the
// order window's peak at 80 % of the published load 179 kB instead of 34.
//
// Numbers, and how they begin and end under way. A new flow is numbered from its first packet on if its
// peer's policy needs it. One that was not (the policy was another, the peer was not ready, the table was
// full) begins with a packet on the path that its last ones took: a path is first in, first out, so nothing
// overtakes them. It ends when the flow has been silent for so long that nothing of it is under way. A path
// outside the flow's spray set (the pinned one of a peer with many paths, a detour) is left for one path of
// the set first, and for the others when nothing is under way on it any more: the sink would take that for
// lost once all of the set have overtaken it.
//
// Shadow mode: everything is decided and counted, and the packets go as pinned.
//
// Pure; owner: one lane's worker. Time never goes back. All memory at construction.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lb/flow_key.hpp"
#include "lb/flow_table.hpp"
#include "lb/path_table.hpp"
#include "lb/policy.hpp"
#include "lb/spray.hpp"
#include "lb/spray_set.hpp"
#include "lb/types.hpp"

namespace braidway::lb {

/// A burst, as arrays of one length.
struct SteerBurst {
  std::span<const std::uint64_t> hashes;  ///< hash(keys[i], seed of the path table)
  std::span<const FlowKey> keys;
  std::span<const std::uint32_t> bytes;
  /// The boldest policy for each packet, where its peer's is bolder; `pinned`: it is not steered, and never
  /// numbered. Packets of one flow have one limit.
  std::span<const Policy> limits;
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
  std::uint64_t moved = 0;       ///< times that a flow left its path, sprayed packets apart
  std::uint64_t unnumbered = 0;  ///< RC and UC packets of flows without room in the table
  std::uint64_t epochs = 0;      ///< numberings begun again
  std::uint64_t shadowed = 0;    ///< packets decided in shadow mode
  std::uint64_t elsewhere = 0;   ///< of these: packets that would have taken another path than they did
};

class Steering {
 public:
  struct Parameters {
    /// Flows remembered.
    std::size_t flows = 1'000'000;
    /// Bytes of a flow that keep one path under `automatic`: a message of a few packets gains nothing
    /// from several paths and cannot be disordered on one. Not a whole bandwidth-delay product (100 kB at 100
    /// Gbit/s and 8 us): with 16 kB an all-to-all at 2:1 took 1.80 times its bound and a ring 1.98, with 4
    /// kB 1.77 and 1.87 (simulated, 6 seeds).
    std::uint32_t first_bytes = 4'000;
    /// Silence after which nothing of a flow is under way: above the skew between paths.
    Nanoseconds idle{200'000};
    /// Silence beyond that after which a sink holds nothing of it either: OrderWindow's time-out.
    Nanoseconds held{150'000};
    /// Silence after which numbering begins anew, half of what the sink takes to forget.
    Nanoseconds epoch{500'000'000};
    /// Relative delay of its path that moves a flow under `reroute`, ns, and how long it then stays.
    float reroute_ns = 20'000;
    Nanoseconds reroute_hold{500'000};
    Spray::Parameters spray{};
  };

  /// `paths[i]`: how many paths peer i has, 1..256. Throws std::invalid_argument for what it cannot work
  /// with.
  Steering(std::span<const std::size_t> paths, const Parameters& parameters);

  /// The policy to act by from now on. A peer that has never had another than `pinned` costs no flow memory.
  void set_policy(std::uint16_t peer, Policy policy) noexcept { peers_[peer].policy = policy; }
  /// The peer has said that it restores order; until then it is not numbered to, sprayed to or re-routed to.
  void set_restores_order(std::uint16_t peer, bool restores) noexcept {
    peers_[peer].restores_order = restores;
  }
  void set_shadow(std::uint16_t peer, bool shadow) noexcept { peers_[peer].shadow = shadow; }
  /// What the feedback says of a peer's paths (PathWeights, PathHealth), by path: `shares` 0 takes nothing,
  /// `delays_ns` are relative to the other paths'. If nothing is left the peer's live paths share evenly.
  void set_paths(std::uint16_t peer, std::span<const float> shares,
                 std::span<const float> delays_ns) noexcept;

  /// out[i] = the decision for packet i. `waits_ns` is by egress: how long what waits there takes to leave.
  /// Paths of a peer without live ones are not to be used (PeerPaths::live_count). From a table of another
  /// generation than the last call's its paths' liveness is taken at once.
  void decide(const SteerBurst& burst, const PathTable& table, std::span<const float> waits_ns,
              Nanoseconds now, std::span<Decision> out) noexcept;
  /// To be called each turn: forgets silent flows, a few a call.
  void sweep(Nanoseconds now) noexcept { flows_.sweep(now); }

  /// The paths a flow of that hash is sprayed over, for its sink. While all of them are out the flow takes
  /// one other path.
  [[nodiscard]] const SpraySet& spray_set(std::uint16_t peer, std::uint64_t hash) const noexcept {
    return peers_[peer].sets[set_of(peers_[peer], hash)];
  }
  [[nodiscard]] const SteeringCounters& counters() const noexcept { return counters_; }
  [[nodiscard]] const FlowTable& flows() const noexcept { return flows_; }

 private:
  static constexpr std::size_t batch = 64;
  static constexpr std::uint32_t never_sprays = UINT32_MAX;

  struct Peer {
    explicit Peer(std::size_t paths, const Spray::Parameters& parameters);

    Policy policy = Policy::automatic;
    bool restores_order = false;
    bool shadow = false;
    // As of the last burst:
    Policy acts = Policy::pinned;  ///< the policy, as far as the sink supports it
    bool numbers = false;          ///< what it does needs numbers
    bool tracked = false;          ///< its flows are in the table
    /// Flows of so many bytes are sprayed over the one set there is, and nothing else needs a look while they
    /// go on. More than any flow counts: there are none.
    std::uint32_t sprays_from = never_sprays;
    bool stale = true;                ///< `shares` have not been put to use
    std::uint64_t generation = 0;     ///< of the path table
    std::uint64_t burst = 0;          ///< number of the burst
    Nanoseconds untracked_until{-1};  ///< of the last packet of a flow that was not in the table

    Spray spray;
    std::vector<SpraySet> sets;  ///< windows of the ring of paths
    std::vector<PathWindow>
        open;                    ///< what of them is usable: one path elsewhere in place of a set that is out
    std::vector<PathId> usable;  ///< all that are in
    std::vector<float> delays_ns;  ///< by path
    std::vector<float> shares;     ///< by path
  };
  /// A packet of a flow in the table.
  struct Packet {
    std::uint64_t hash;
    std::uint32_t bytes;
    Tick time;
    Nanoseconds silent;  ///< its flow was
    bool keeps;          ///< its flow's numbers begin with it: it follows the packets before it
    Policy acts;         ///< its peer's policy, or the packet's limit
    bool numbers;        ///< what that does needs numbers
  };

  static std::size_t set_of(const Peer& peer, std::uint64_t hash) noexcept {
    return static_cast<std::size_t>((hash & 0xffff'ffffU) * peer.open.size() >> 32);
  }
  static bool in_window(const Peer& peer, const PathWindow& window, PathId path) noexcept;
  static PathId pinned_path(const Peer& peer, const PeerPaths& paths, std::uint64_t hash) noexcept;
  static void renew_paths(Peer& peer, const PeerPaths& paths) noexcept;
  void begin_burst(Peer& peer, const PathTable& table, const PeerPaths& paths,
                   std::span<const float> waits_ns, Nanoseconds now) noexcept;
  void find_flows(const SteerBurst& batch_in, const PathTable& table, std::span<const float> waits_ns,
                  Nanoseconds now, std::span<FlowState*> out) noexcept;
  // One packet's way through these is one function: calls would be a tenth of its cost.
  [[gnu::always_inline]] bool renew_numbering(FlowState& flow, const Peer& peer,
                                              const Packet& packet) noexcept;
  [[gnu::always_inline]] Decision decide_one(FlowState& flow, Peer& peer, const PeerPaths& paths,
                                             const SteerBurst& burst, std::size_t i,
                                             Nanoseconds now) noexcept;
  [[gnu::always_inline]] PathId steer(FlowState& flow, PathId last, Peer& peer,
                                      const Packet& packet) noexcept;
  [[gnu::always_inline]] [[nodiscard]] bool may_leave(const FlowState& flow, PathId last, const Peer& peer,
                                                      const Packet& packet) const noexcept;
  [[gnu::always_inline]] [[nodiscard]] bool goes_on(const FlowState& flow, const Peer& peer,
                                                    std::uint16_t peer_index, Tick time) const noexcept;
  template <std::size_t groups>
  bool spray_all(Peer& peer, const SteerBurst& batch_in, Nanoseconds now, std::span<FlowState*> flows,
                 std::span<Decision> out) noexcept;
  Peer& peer_of_burst(std::uint16_t index, const PathTable& table, std::span<const float> waits_ns,
                      Nanoseconds now) noexcept;
  void decide_batch(const SteerBurst& batch_in, const PathTable& table, std::span<const float> waits_ns,
                    Nanoseconds now, std::span<Decision> out) noexcept;
  [[gnu::always_inline]] [[nodiscard]] bool sprayed(const FlowState& flow, Policy acts) const noexcept;

  Parameters parameters_;
  FlowTable flows_;
  std::vector<Peer> peers_;
  std::uint64_t bursts_ = 0;
  Nanoseconds refused_until_{-1};  ///< as Peer::untracked_until, for flows that found no room
  SteeringCounters counters_;
};

}  // namespace braidway::lb
