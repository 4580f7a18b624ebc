// One simulation: a topology, flows and jobs, a scheme, a seed. run() plays it to the end; the same input
// gives the same result to the last byte. Also what a scheme may do. Owner: one thread; several simulations
// may share a topology, its routing and a flow list.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/fabric/core.hpp"
#include "bench/fabric/flow_list.hpp"
#include "bench/fabric/network_events.hpp"
#include "bench/fabric/port_meters.hpp"
#include "bench/fabric/rnics.hpp"
#include "bench/fabric/routing.hpp"
#include "bench/fabric/switches.hpp"
#include "bench/fabric/workload/job_engine.hpp"

namespace braidway::bench::fabric {

/// A simulation that cannot finish. what() says which flows are stuck and where.
class Stuck : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class Fabric {
 public:
  /// `topology`, `routing`, `flows` (arranged) and `jobs`, which send the last of the flows, must outlive
  /// this. Throws std::invalid_argument for a configuration or for jobs that do not fit.
  Fabric(const Topology& topology, const Routing& routing, std::span<const Flow> flows, const Config& config,
         SchemeFactory make_scheme, std::span<const Job> jobs = {});

  /// Until every flow is complete and every job done. Throws Stuck.
  void run();

  // Results.
  [[nodiscard]] const Counters& counters() const noexcept { return core_.counters; }
  [[nodiscard]] const Rnics& rnics() const noexcept { return rnics_; }
  [[nodiscard]] const PortSeries& series() const noexcept { return core_.series; }
  /// Flows whose last packet or, at a time-out, last answer a link lost, each time it did.
  [[nodiscard]] std::span<const FlowIndex> lost_tails() const noexcept { return core_.lost_tails; }
  [[nodiscard]] const JobEngine& jobs() const noexcept { return jobs_; }
  [[nodiscard]] const Scheme& scheme() const noexcept { return *scheme_; }

  // For schemes.
  [[nodiscard]] Nanoseconds now() const noexcept { return core_.now(); }
  [[nodiscard]] const Config& config() const noexcept { return core_.config; }
  [[nodiscard]] const Topology& topology() const noexcept { return *topology_; }
  [[nodiscard]] const Routing& routing() const noexcept { return *routing_; }
  [[nodiscard]] std::span<const Flow> flows() const noexcept { return flows_; }
  [[nodiscard]] const Port& port(PortIndex index) const noexcept { return core_.ports[index]; }
  [[nodiscard]] Packet& packet(PacketIndex index) noexcept { return core_.packets[index]; }
  [[nodiscard]] PacketPool& packets() noexcept { return core_.packets; }
  /// As the port's switch tells it, if the scheme's hooks ask for it: share of its capacity, 0 to 1.
  [[nodiscard]] float utilisation(PortIndex port) const noexcept { return port_meters_.utilisation(port); }
  /// For oracles: no gateway knows it.
  [[nodiscard]] const NetworkEvents& network_events() const noexcept { return network_events_; }
  [[nodiscard]] Random& random() noexcept { return core_.random; }
  /// A switch's hash of a packet's addresses and UDP ports, evenly spread over 32 bits.
  [[nodiscard]] std::uint64_t hash(NodeIndex node, const Packet& packet) const noexcept {
    return switches_.hash(node, packet);
  }
  /// Of a switch; the scheme's own packets are not in it.
  [[nodiscard]] const SwitchBuffer& buffer(NodeIndex node) const noexcept { return switches_.buffer(node); }
  /// The port ECMP would choose for a packet.
  [[nodiscard]] PortIndex ecmp(NodeIndex node, const Packet& packet,
                               std::span<const PortIndex> candidates) const noexcept {
    return switches_.ecmp(node, packet, candidates);
  }
  /// Routes a packet at switch `node` as if it had just arrived, but past Scheme::on_arrival.
  void forward(NodeIndex node, PacketIndex index) { switches_.forward(node, index); }
  /// Queues a packet at a switch's port.
  void enqueue(PortIndex out, PacketIndex index) { switches_.enqueue(out, index); }
  /// Drops a packet the scheme holds.
  void discard(PacketIndex index) { core_.packets.give_back(index); }
  /// A new control packet with the addresses and UDP ports given, to be tagged, then forwarded from a switch.
  /// It goes to the destination unless the scheme takes it on its way (Scheme::on_arrival).
  PacketIndex make_control(NodeIndex source, NodeIndex destination, std::uint16_t source_port,
                           std::uint16_t destination_port);
  /// Scheme::on_timer(a, b) at a time; not before now.
  void set_timer(Nanoseconds at, std::uint32_t a, std::uint32_t b) {
    core_.events.schedule(at, {EventKind::scheme_timer, a, b});
  }

 private:
  void dispatch(const Event& event);
  void arrive(PortIndex port, PacketIndex index);
  void send_next(PortIndex port);
  void pause(PortIndex port);
  void resume(PortIndex port);
  void apply_network_event(std::uint32_t number);
  void read_ports();
  void start_flows();
  void start_flow(FlowIndex flow);
  void finish_flows();
  void check_stall();
  [[nodiscard]] std::string stuck_flows() const;

  const Topology* topology_;
  const Routing* routing_;
  std::span<const Flow> flows_;
  Core core_;
  Switches switches_;
  Rnics rnics_;
  JobEngine jobs_;
  NetworkEvents network_events_;
  PortMeters port_meters_;
  std::unique_ptr<Scheme> scheme_;
  FlowIndex next_timed_ = 0;   ///< of those with a start of their own
  std::size_t started_ = 0;    ///< flows
  std::size_t completed_ = 0;  ///< of these, that jobs have been told of
};

}  // namespace braidway::bench::fabric
