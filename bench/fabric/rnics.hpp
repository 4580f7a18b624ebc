// The hosts' RDMA NICs: reliable connections, paced by DCQCN, one queue pair a flow. What each does, after
// the anchors' simulator:
//   send      queue pairs start at line rate and take turns; the next packet of one is due (bytes / rate)
//             after the start of the last, at the rate of then; a wake-up that is set is never brought
//             forward
//   receive   an ACK for every packet in order or repeated; for one too early a NAK, with a CNP, if 4 us have
//             passed since the last NAK or another byte is missing now; the ACK or NAK of a packet that was
//             marked carries a CNP
//   recover   a NAK takes the sender back to the missing byte; so do 4 ms without an ACK
// With selective repeat (as Mittal et al., SIGCOMM 2018) the receiver keeps what comes early and acknowledges
// it; a NAK carries no CNP, tells how many packets are missing, and they alone are sent again, once; what is
// then missing still is sent after a time-out, with all that follows it.
// READ (InfiniBand specification, 9.7): the requester, where the data goes, sends a request for what it has
// not got: at the start, for a gap (in place of a NAK), after a time-out of its own. Responses are not
// acknowledged; a marked one is answered by a CNP.
// A flow is complete when the ACK of its last byte has come, a READ when its last byte has. Owner: the thread
// of its simulation.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bench/fabric/core.hpp"
#include "bench/fabric/dcqcn.hpp"
#include "bench/fabric/flow_list.hpp"
#include "bench/fabric/ideal_order.hpp"
#include "bench/fabric/routing.hpp"

namespace braidway::bench::fabric {

class Rnics {
 public:
  Rnics(Core& core, const Topology& topology, const Routing& routing, std::span<const Flow> flows);

  /// The flow's queue pair appears at its source.
  void start(FlowIndex flow);
  /// A packet other than PFC has come in by a host's port.
  void receive(PortIndex port, PacketIndex index);
  /// Sends what is due if the port is free; else sees to it that it will.
  void send_next(PortIndex port);
  void wake(PortIndex port);
  void cut_rate(FlowIndex flow);
  void raise_rate(FlowIndex flow);
  void retransmit(FlowIndex flow);

  /// Flows whose last ACK has come, in that order.
  [[nodiscard]] std::span<const FlowIndex> completed() const noexcept { return completed_; }
  /// Only for flows that have started.
  [[nodiscard]] Nanoseconds started_at(FlowIndex flow) const noexcept { return pairs_[flow].started_at; }
  [[nodiscard]] bool is_started(FlowIndex flow) const noexcept { return pairs_[flow].started_at >= 0; }
  [[nodiscard]] bool is_completed(FlowIndex flow) const noexcept { return pairs_[flow].completed; }
  /// The longest time without progress between start and completion.
  [[nodiscard]] Nanoseconds longest_stall(FlowIndex flow) const noexcept {
    return pairs_[flow].longest_stall;
  }
  /// When the last ACK came. Only for completed flows.
  [[nodiscard]] Nanoseconds completed_at(FlowIndex flow) const noexcept { return pairs_[flow].completed_at; }
  [[nodiscard]] std::uint32_t acknowledged_bytes(FlowIndex flow) const noexcept {
    return reads() ? pairs_[flow].expected : pairs_[flow].acknowledged;
  }
  [[nodiscard]] double rate(FlowIndex flow) const noexcept { return pairs_[flow].dcqcn.rate(); }
  /// The most memory any host needed to restore order ideally, where the scheme has that done.
  [[nodiscard]] std::uint64_t order_peak_bytes() const noexcept {
    return core_->scheme->hooks().ideal_order ? ideal_order_.peak_bytes() : 0;
  }
  /// When anything was last started or acknowledged.
  [[nodiscard]] Nanoseconds progressed_at() const noexcept { return progressed_at_; }

 private:
  /// Both ends of a flow.
  struct QueuePair {
    explicit QueuePair(std::uint64_t line_rate) : dcqcn(line_rate) {}

    // The sender's.
    std::uint32_t acknowledged = 0;
    std::uint32_t next = 0;     ///< first byte to be sent
    std::uint32_t highest = 0;  ///< first byte never sent
    bool timer_set = false;     ///< a retransmit event is scheduled
    bool raise_set = false;     ///< a rate_raise event is scheduled
    bool completed = false;
    bool responds = false;           ///< READ: a request has come
    std::uint32_t gap_end = nobody;  ///< selective repeat: first byte after those being sent again
    Nanoseconds due = 0;             ///< when the next packet may be sent
    Nanoseconds timeout_at = 0;
    Nanoseconds started_at = -1;
    Nanoseconds progressed_at = 0;  ///< when a byte was last acknowledged for the first time
    Nanoseconds longest_stall = 0;
    Nanoseconds completed_at = 0;
    Dcqcn dcqcn;
    // The receiver's.
    std::uint32_t expected = 0;
    /// The byte the last NAK asked for; selective repeat: that behind the gap it told.
    std::uint32_t missing_told = nobody;
    Nanoseconds next_nak = 0;  ///< when one for the same byte may be sent
  };
  /// A queue pair with something to send.
  struct Sendable {
    FlowIndex flow;
    Nanoseconds due;
  };
  struct Host {
    std::vector<Sendable> sendable;  ///< by flow
    FlowIndex last_served = 0;
    bool wake_set = false;
  };

  [[nodiscard]] PortIndex port_of(NodeIndex host) const noexcept { return routing_->ports_of(host).front(); }
  PacketIndex take_due(Host& host);
  PacketIndex make_data(Host& host, std::size_t place);
  void set_wake(Host& host, PortIndex port);
  [[nodiscard]] bool reads() const noexcept { return core_->config.verb == Verb::read; }
  [[nodiscard]] bool repeats_selectively() const noexcept {
    return core_->config.recovery == Recovery::selective_repeat;
  }
  void receive_data(PortIndex port, PacketIndex index);
  void receive_early(PortIndex port, const Packet& packet);
  void receive_beside_gap(PortIndex port, const Packet& packet);
  void acknowledge(PortIndex port, const Packet& packet);
  void request(FlowIndex flow);
  void progress(FlowIndex flow);
  void complete(FlowIndex flow);
  void answer(PortIndex port, const Packet& packet, PacketKind kind, std::uint32_t expected,
              std::uint16_t missing = 0);
  void receive_ack(PortIndex port, const Packet& packet);
  void recover(const Packet& nak);
  void go_back(FlowIndex flow);
  static void leave_gap(QueuePair& pair);
  void insert_sendable(FlowIndex flow);
  void remove_sendable(FlowIndex flow);
  void set_timeout(FlowIndex flow);

  Core* core_;
  const Routing* routing_;
  std::span<const Flow> flows_;
  std::vector<Host> hosts_;  ///< by node
  std::vector<QueuePair> pairs_;
  IdealOrder ideal_order_;
  std::vector<FlowIndex> completed_;
  Nanoseconds progressed_at_ = 0;
};

}  // namespace braidway::bench::fabric
