// The source half of a gateway in the simulator: what lb/ decides for the packets that one leaf's hosts send
// to other leaves, and what it learns of the paths from the messages of their gateways. Owner: the thread of
// its simulation.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "bench/fabric/schemes/foresight.hpp"
#include "bench/fabric/schemes/gateway_wire.hpp"
#include "bench/fabric/schemes/leaf_paths.hpp"
#include "lb/path_health.hpp"
#include "lb/path_weights.hpp"
#include "lb/policy_governor.hpp"
#include "lb/steering.hpp"

namespace braidway::bench::fabric {

/// How gateways are run; the same for all.
struct GatewayConfig {
  lb::Policy policy = lb::Policy::automatic;
  /// Beside the leaf instead of in it: its paths are tunnels that the fabric's ECMP places, and it does not
  /// see the leaf's queues.
  bool at_edge = false;
  GatewayBuild build{};
  /// The slow loop; null: there is none. Not at the edge, where paths are not the fabric's.
  ForesightFactory foresight = nullptr;
};

class GatewaySource {
 public:
  static constexpr Nanoseconds heartbeat = 1'000'000;
  /// The same where something is to be foreseen: what others put on a path shows by what comes over it, and
  /// what nobody looks at while our hosts are silent is not foreseen. 64 bytes of 1.25 MB.
  static constexpr Nanoseconds look_interval = 100'000;

  GatewaySource(Fabric& fabric, const LeafPaths& paths, std::uint32_t leaf, const GatewayConfig& config);

  /// A host's packet: its path and number, for its tag.
  GatewayTag steer(const Packet& packet);
  /// The message of the gateway at leaf `peer`.
  void receive(std::uint32_t peer, const GatewayMessage& message);
  /// A host behind `peer` has sent a NAK.
  void take_nak(std::uint32_t peer) noexcept { ++peers_[peer]->naks; }
  /// Liveness by time, while traffic to `peer` goes on. Answers whether it does.
  bool check(std::uint32_t peer);
  /// The slow loop's turn, once a tick.
  void foresee();
  /// How long a path may take no packet that would show that it is there, and how full.
  [[nodiscard]] Nanoseconds probe_interval() const noexcept {
    return config_.foresight ? look_interval : heartbeat;
  }
  /// Whether a path has to be probed.
  [[nodiscard]] bool wants_probe(std::uint32_t peer, std::uint16_t path) const noexcept {
    return fabric_.now() - peers_[peer]->sent_on[path] >= probe_interval();
  }
  void probed(std::uint32_t peer, std::uint16_t path) noexcept {
    peers_[peer]->health.probed(static_cast<lb::PathId>(path), lb::Nanoseconds{fabric_.now()});
  }
  [[nodiscard]] bool usable(std::uint32_t peer, std::uint16_t path) const noexcept {
    return peers_[peer]->health.usable(static_cast<lb::PathId>(path));
  }
  [[nodiscard]] std::uint32_t lane_of(FlowIndex flow) const noexcept {
    return static_cast<std::uint32_t>(data_names_.hashes[flow] >> 40) % config_.build.lanes;
  }
  /// Each tick's turn of all peers, by path.
  [[nodiscard]] std::span<const ForesightRecord> foreseen() const noexcept { return foreseen_; }
  /// What the governors of all peers have changed.
  [[nodiscard]] std::span<const lb::PolicyEvent> policy_events() const noexcept { return policy_events_; }
  /// The flow's paths, as its sink must know them.
  [[nodiscard]] const lb::SpraySet& spray_set(std::uint32_t peer, FlowIndex flow) const noexcept {
    return lanes_.front().spray_set(static_cast<std::uint16_t>(peer), data_names_.hashes[flow]);
  }

 private:
  /// What the flows of one direction are called, by flow.
  struct FlowNames {
    std::vector<lb::FlowKey> keys;
    std::vector<std::uint64_t> hashes;

    void add(const lb::FlowKey& key, const lb::FlowHasher& hasher) {
      keys.push_back(key);
      hashes.push_back(hasher.hash(key));
    }
  };
  struct Peer {
    Peer(std::span<const float> configured, lb::Policy policy, std::unique_ptr<Foresight> foresees);

    lb::PathHealth health;
    lb::PathWeights weights;
    std::unique_ptr<Foresight> foresight;
    ctrl::model::BiasedWeights biased;
    std::vector<ctrl::model::Outlook> outlooks;  ///< by path
    std::vector<float> shares;
    std::vector<float> delays_ns;
    std::vector<Nanoseconds> sent_on;  ///< by path: the last data packet
    Nanoseconds last_sent = 0;
    lb::PolicyGovernor governor;
    std::uint64_t sent = 0;  ///< data packets that the governor has not been told of
    std::uint64_t naks = 0;  ///< the same
  };

  void publish(std::uint32_t peer);
  void govern(std::uint32_t peer);
  void record(std::uint32_t peer);

  Fabric& fabric_;
  const LeafPaths& paths_;
  GatewayConfig config_;
  std::vector<PortIndex> egresses_;  ///< this leaf's ports towards the fabric
  std::vector<float> waits_ns_;      ///< by egress
  lb::PathTable table_;
  std::vector<lb::Steering> lanes_;
  std::vector<std::unique_ptr<Peer>> peers_;  ///< by leaf; none for its own
  FlowNames data_names_;
  FlowNames ack_names_;  ///< ACKs and NAKs go the other way
  std::vector<lb::PolicyEvent> policy_events_;
  std::vector<ForesightRecord> foreseen_;
};

}  // namespace braidway::bench::fabric
