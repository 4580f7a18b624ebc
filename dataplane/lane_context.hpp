// What the stages of one worker work with. Owner: that worker; what others write says so.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include <rte_ring.h>

#include "dataplane/entropy.hpp"
#include "dataplane/flow_steering.hpp"
#include "dataplane/order_buffer.hpp"
#include "dataplane/order_counts.hpp"
#include "dataplane/peer_link.hpp"
#include "dataplane/peer_messages.hpp"
#include "dataplane/report_tap.hpp"
#include "dataplane/return_control.hpp"
#include "dataplane/settings.hpp"
#include "dataplane/traces.hpp"
#include "dataplane/tx_queue.hpp"
#include "lb/flow_key.hpp"
#include "lb/path_table.hpp"
#include "telemetry/counter.hpp"
#include "telemetry/path_meter.hpp"
#include "telemetry/return_traffic.hpp"
#include "telemetry/tunnel.hpp"

namespace braidway::dataplane {

/// A receive queue this worker polls.
struct RxQueue {
  std::uint16_t port = 0;     ///< port index
  std::uint16_t port_id = 0;  ///< DPDK port
  std::uint16_t queue = 0;
  Direction direction = Direction::source;
  bool spread = false;  ///< the port has several queues
  CaptureTap* tap = nullptr;
};

/// The ring that other workers hand packets of one direction over by.
struct Inbox {
  rte_ring* ring = nullptr;
  Direction direction = Direction::source;
  bool keys = false;  ///< packets come with their flow keys
};

/// Rings between workers, one per direction and owner: several producers, one consumer. Owned by the gateway.
using Inboxes = std::array<std::array<rte_ring*, lb::max_lanes>, directions>;

struct LaneContext {
  // Read on every burst.
  const lb::PathTable* table =
      nullptr;            ///< the snapshot of this burst, valid until the worker's next quiescent state
  std::uint64_t now = 0;  ///< TSC cycles, or virtual time in a replay; read once a turn
  lb::FlowHasher hasher{0};
  lb::Nanoseconds now_ns{};       ///< the same point in time, in nanoseconds
  std::uint64_t ns_per_tick = 0;  ///< of `now`, in units of 2^-32 ns; fixed once there are workers
  /// The clock of `order`: as now_ns, but while packets are held a turn counts as at most 100 us. What is
  /// missing may have come while the worker was off its core, and lie in a queue.
  lb::Nanoseconds order_ns{};
  /// The part of `now` in which the worker ran: a turn counts as at most `longest_turn`.
  std::uint64_t worked = 0;
  std::uint64_t longest_turn = 0;    ///< in units of `now`; a longer one says that the core was taken away
  std::uint16_t host_port = 0;       ///< port index
  std::uint32_t fits_all_bytes = 0;  ///< every port may send a frame of this length
  std::uint16_t ports_waiting = 0;   ///< ports that have refused packets which wait for them
  lb::Lane lane{};
  std::uint8_t lanes = 1;
  bool keeps_keys = false;  ///< flow keys of packets are wanted: `steering` or `order` is there
  LinkLocalSettings link_local;
  OwnPorts own_ports;
  PeerLink* link = nullptr;                   ///< to the peer; shared by all lanes
  telemetry::Npt npt = telemetry::Npt::port;  ///< how the peer's paths carry tags
  telemetry::LinkHeader host_link{};          ///< of packets that come out of tunnels
  Inboxes inboxes{};
  rte_ring* message_inbox = nullptr;  ///< for messages of the peer; none: they are not wanted
  std::vector<TxQueue> tx;            ///< by port index
  std::vector<std::array<rte_mbuf*, burst_size>> batches;  ///< packets of the burst in hand, by port index
  std::vector<std::uint16_t> batched;                      ///< how many there are of them
  std::unique_ptr<FlowSteering> steering;                  ///< none: every flow is pinned
  telemetry::ReturnTraffic* returns = nullptr;    ///< the lane's, at its `link`; none: they are not heeded
  std::unique_ptr<Entropy> entropy;               ///< none: flows keep what their hosts gave them
  std::unique_ptr<ReturnControl> return_control;  ///< one lane has it, if returns are heeded
  std::unique_ptr<const Traces> traces;           ///< none: the peer's packets bear no traces, nor ours to it
  std::unique_ptr<ReportTap> reports;             ///< none: nobody wants reports, or the peer does not stamp
  std::unique_ptr<PeerMessages> messages;         ///< one lane has them, if any
  std::unique_ptr<telemetry::PathMeters>
      meters;                          ///< of the peer's paths to us; with `order`, `traces` or messages
  std::unique_ptr<OrderBuffer> order;  ///< none: the peer does not stamp
  std::unique_ptr<OrderCounts> order_counts = std::make_unique<OrderCounts>();

  /// What now_ns is, or would be, at a `now`. Any thread.
  [[nodiscard]] lb::Nanoseconds time_at(std::uint64_t ticks) const noexcept {
    __extension__ using Wide = unsigned __int128;
    return lb::Nanoseconds{static_cast<std::int64_t>(static_cast<Wide>(ticks) * ns_per_tick >> 32U)};
  }
};

}  // namespace braidway::dataplane
