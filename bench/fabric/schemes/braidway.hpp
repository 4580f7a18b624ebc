// Braidway at every leaf: gateways that run lb/ as it is, on the packets of the simulator. Sources steer and
// number what goes to other leaves, sinks restore its order. A sink's messages (each 100 us while there is
// traffic) and the sources' probes travel through the fabric like anything else. Owner: the thread of its
// simulation.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <vector>

#include "bench/fabric/schemes/gateway_sink.hpp"
#include "bench/fabric/schemes/gateway_source.hpp"
#include "bench/fabric/schemes/leaf_paths.hpp"

namespace braidway::bench::fabric {

class Braidway : public Scheme {
 public:
  static constexpr Nanoseconds message_interval = 100'000;
  static constexpr Nanoseconds check_interval = 50'000;  ///< of liveness by time
  static constexpr Nanoseconds tick_interval = 100'000;  ///< of the slow loop
  static constexpr Nanoseconds poll_interval = 2'000;    ///< of a worker whose order windows hold something

  Braidway(Fabric& fabric, const GatewayConfig& config);

  PortIndex choose(NodeIndex node, Packet& packet, std::span<const PortIndex> candidates) override;
  bool on_arrival(NodeIndex node, PacketIndex index) override;
  void on_dequeue(PortIndex port, Packet& packet) override;
  void on_timer(std::uint32_t what, std::uint32_t which) override;
  [[nodiscard]] std::uint64_t order_peak_bytes() const override;
  /// Why packets left out of order, if any did.
  [[nodiscard]] std::string remarks() const override;
  /// A line for each path of the first leaf's gateway and each tick of its slow loop, if it has one:
  ///   time(ns) peer path truth seen forecast weight
  /// What others put on the path in the time before that (truth), Foresight::View, and the weight that the
  /// path has from then on.
  void write_foresight(std::ostream& out) const;
  /// What the gateway at a leaf has changed of its peers' policies.
  [[nodiscard]] std::span<const lb::PolicyEvent> policy_events(std::uint32_t leaf) const noexcept {
    return sources_[leaf].policy_events();
  }

 private:
  enum class Timer : std::uint8_t { message, check, poll, lane, tick };
  /// One end of the traffic between two leaves.
  struct Conversation {
    bool will_tell = false;   ///< a message timer is set
    bool will_check = false;  ///< a check timer is set
    Nanoseconds next_probe = 0;
    std::uint16_t message_path = 0;  ///< that the last message took
  };

  void set_timer(Timer what, std::uint32_t who, std::uint32_t which, Nanoseconds after);
  Conversation& conversation(std::uint32_t leaf, std::uint32_t peer) {
    return conversations_[leaf * paths_.leaf_count() + peer];
  }
  bool arrive_ack(NodeIndex node, PacketIndex index);
  bool depart(NodeIndex node, PacketIndex index);
  bool arrive_control(NodeIndex node, PacketIndex index);
  void tell(std::uint32_t leaf, std::uint32_t peer);
  void check(std::uint32_t leaf, std::uint32_t peer);
  void send(std::uint32_t leaf, std::uint32_t peer, const ControlTag& tag, std::uint16_t bytes);
  void watch(std::uint32_t leaf);
  void watch_paths(std::uint32_t leaf, std::uint32_t peer);
  void watch_source(std::uint32_t leaf, std::uint32_t from);
  [[nodiscard]] std::size_t path_count(std::uint32_t from, std::uint32_t to) const;

  Fabric& fabric_;
  GatewayConfig config_;
  LeafPaths paths_;
  std::vector<NodeIndex> nodes_;        ///< of leaves
  std::vector<NodeIndex> a_host_;       ///< of each leaf, to address its gateway by
  std::vector<std::uint32_t> leaf_at_;  ///< by node; nobody's for other switches
  std::vector<GatewaySource> sources_;
  std::vector<GatewaySink> sinks_;
  std::vector<bool> polling_;  ///< by leaf: a poll timer is set
  std::vector<Conversation> conversations_;
  std::vector<GatewayMessage> messages_;  ///< under way
  std::vector<std::uint32_t> free_messages_;
  std::vector<Nanoseconds> lane_busy_until_;  ///< by leaf and lane
};

}  // namespace braidway::bench::fabric
