// A gateway of one worker between ports of rings: everything from the receive queue to the transmit queue is
// the dataplane's, the wire is memory. Owner: the main thread; EAL runs.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dataplane/capture_tap.hpp"
#include "dataplane/handoff_rings.hpp"
#include "dataplane/peer_link.hpp"
#include "dataplane/published_table.hpp"
#include "dataplane/ring_port.hpp"
#include "dataplane/settings.hpp"
#include "dataplane/worker.hpp"

namespace braidway::bench::ways {

/// Packets on a wire at once.
using Packets = std::vector<rte_mbuf*>;

class RingGateway {
 public:
  static constexpr std::size_t host = 0;   ///< port index
  static constexpr std::size_t paths = 4;  ///< by ports 1 to 4

  /// `self` and `peer` are gateway ids; with `policy` pinned nothing is stamped. Throws std::runtime_error.
  RingGateway(const std::string& name, std::uint16_t self, std::uint16_t peer, lb::Policy policy,
              rte_mempool* pool, std::uint64_t tsc_hz);
  ~RingGateway();
  RingGateway(const RingGateway&) = delete;
  RingGateway& operator=(const RingGateway&) = delete;

  /// Puts packets on a port's wire; they are the gateway's then.
  void receive(std::size_t port, const Packets& packets);
  /// One turn of the worker, at a time of the TSC. Answers the cycles it took.
  std::uint64_t turn() noexcept;
  /// Takes what has left by a port; adds it to `out`.
  void take(std::size_t port, Packets& out);

  [[nodiscard]] const dataplane::Worker& worker() const { return *worker_; }

 private:
  dataplane::GatewaySettings settings_;
  std::vector<std::unique_ptr<dataplane::RingPort>> ports_;
  std::array<dataplane::CaptureTap, 1 + paths> taps_;
  std::atomic<bool> up_{true};
  std::optional<dataplane::HandoffRings> rings_;
  std::unique_ptr<dataplane::PublishedTable> table_;
  dataplane::PeerLink link_;
  std::unique_ptr<dataplane::Worker> worker_;
};

}  // namespace braidway::bench::ways
