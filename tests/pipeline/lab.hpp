// A gateway between rings: real workers, buffers, ports and hand-off rings, the test's hands at both ends of
// every wire and on the clock. EAL runs already.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dataplane/capture_tap.hpp"
#include "dataplane/handoff_rings.hpp"
#include "dataplane/mempool.hpp"
#include "dataplane/peer_link.hpp"
#include "dataplane/ring_port.hpp"
#include "dataplane/settings.hpp"
#include "dataplane/wiring.hpp"
#include "dataplane/worker.hpp"
#include "tests/unit/dataplane/frame_builder.hpp"

namespace braidway::tests {

using Frames = std::vector<Bytes>;

/// Drops that were counted, by reason; reasons without any are left out.
using DropCounts = std::map<std::string, std::uint64_t>;

DropCounts drop_counts(const dataplane::LaneCounters& counters);

/// A wire-mode gateway: port 0 is the host's, ports 1.. are the fabric's, one path each, weight 1.
dataplane::GatewaySettings wire_settings(std::uint16_t fabric_ports = 2, std::uint16_t workers = 1,
                                         std::uint16_t queues = 1);

class Lab {
 public:
  static constexpr std::uint32_t mbufs = 16383;
  /// Of a port that takes nothing, in the test's time: a millisecond of it.
  static constexpr std::uint64_t patience = 1000;
  /// A turn counts as no more than this.
  static constexpr std::uint64_t longest_turn = 2 * patience;
  /// Packets that a port takes before it is full: the rings of RingPort.
  static constexpr std::size_t wire_room = 255;

  explicit Lab(const dataplane::GatewaySettings& settings, std::uint64_t ticks_per_ms = patience,
               bool flat_only = false, telemetry::BootId boot = telemetry::BootId{1});
  /// Every buffer must be back in the pool by now, but for those that wait or lie on a wire.
  ~Lab();
  Lab(const Lab&) = delete;
  Lab& operator=(const Lab&) = delete;

  /// Puts a frame on the wire. `segment_bytes`: in a chain of buffers of at most so many bytes each; 0: as
  /// few as can be.
  void send(std::size_t port, const Bytes& frame, std::uint16_t queue = 0, std::size_t segment_bytes = 0);
  /// One turn of every worker.
  bool turn(std::uint64_t now = 0);
  /// Turns until nothing moves any more.
  void settle(std::uint64_t now = 0);
  /// Takes everything, or `most` frames, off a wire: what worker `queue` has sent by the port.
  Frames take(std::size_t port, std::uint16_t queue = 0, std::size_t most = SIZE_MAX);
  /// The same from all queues of the port.
  Frames take_all(std::size_t port);
  /// Frames that the port has sent and nobody has taken.
  std::size_t queued(std::size_t port, std::uint16_t queue = 0) const;
  /// Frames that no worker has received yet.
  std::size_t unreceived(std::size_t port, std::uint16_t queue = 0) const;

  void set_link(std::size_t port, bool up) { up_[port] = up; }
  /// Makes the path of fabric port `port` dead or live for steering.
  void set_path(std::size_t port, bool live);
  DropCounts drops() const;
  dataplane::Worker& worker(std::size_t index = 0) { return *workers_[index]; }
  const dataplane::GatewaySettings& settings() const { return settings_; }
  dataplane::PublishedTable& table() { return *table_; }
  dataplane::PeerLink& link() { return link_; }
  dataplane::CaptureTap& tap(std::size_t port) { return taps_[port]; }
  rte_mempool* pool() { return pool_.get(); }
  /// What the workers were made of; for stages run by themselves.
  dataplane::WorkerWiring wiring(std::size_t worker) { return std::move(wirings()[worker]); }

 private:
  std::vector<dataplane::WorkerWiring> wirings();

  dataplane::GatewaySettings settings_;
  std::uint64_t ticks_per_ms_;
  telemetry::BootId boot_;
  dataplane::Mempool pool_;
  std::vector<std::unique_ptr<dataplane::RingPort>> ports_;
  std::vector<std::atomic<bool>> up_;
  std::vector<dataplane::CaptureTap> taps_;
  std::vector<dataplane::WiredPort> wired_;
  std::optional<dataplane::HandoffRings> rings_;
  std::unique_ptr<dataplane::PublishedTable> table_;
  dataplane::PeerLink link_;
  std::vector<std::unique_ptr<dataplane::Worker>> workers_;
};

}  // namespace braidway::tests
