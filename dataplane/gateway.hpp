// A running gateway: EAL, buffers, ports, workers and the path table, built in this order and taken down in
// the reverse.
//
// Owner: the control thread, which starts it, calls tick() in a loop and ends it. Queries may come from
// another thread (the API server): they and tick() exclude each other by a lock that no worker takes.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "dataplane/mempool.hpp"
#include "dataplane/path_condition.hpp"
#include "dataplane/settings.hpp"
#include "dataplane/statistics.hpp"
#include "lb/explain.hpp"

namespace braidway::dataplane {

class Capture;
class Eal;
class HandoffRings;
class LinkMonitor;
class PathView;
class Port;
class PublishedTable;
class Worker;
struct CaptureResult;
struct ReportRecord;

/// Why a gateway did not start. `port`: index of the port at fault, if it was one.
struct StartError {
  std::string what;
  std::optional<std::size_t> port;
};

struct PortStatistics {
  std::string driver;
  bool up = false;
  std::string link_source;  ///< how the link's state is learnt: interrupt, netlink, poll
  std::uint64_t rx_packets = 0;
  std::uint64_t rx_bytes = 0;
  std::uint64_t tx_packets = 0;
  std::uint64_t tx_bytes = 0;
  std::uint64_t rx_missed = 0;  ///< dropped by the device: no free descriptor
  std::uint64_t rx_errors = 0;
  std::uint64_t rx_no_mbuf = 0;  ///< dropped by the driver: no free buffer
  std::uint64_t tx_errors = 0;
  std::uint64_t tx_held = 0;    ///< packets the port did not take at once: back-pressure
  std::vector<NamedCount> xdp;  ///< verdicts of the XDP program; empty for other ports
};

class Gateway {
 public:
  static tl::expected<std::unique_ptr<Gateway>, StartError> start(const GatewaySettings& settings);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  /// Waits for link changes at most `timeout`, acts on them, and frees old path tables. Error: the links
  /// cannot be watched any more.
  tl::expected<void, std::string> tick(std::chrono::milliseconds timeout);
  /// Makes a waiting tick() return. Any thread, signal handlers too.
  void wake() noexcept;

  const GatewaySettings& settings() const noexcept { return settings_; }
  bool hugepages() const noexcept { return hugepages_; }
  Statistics statistics() const;
  PeerStatistics peer_statistics() const;
  /// Takes records of packets to be reported on; returns how many. Owner: the control thread.
  std::size_t take_reports(std::span<ReportRecord> out) noexcept;
  /// For the slow loop's thread; nullptr: nothing is to be forecast. Goes with the gateway.
  PathView* path_view() noexcept { return path_view_.get(); }
  PortStatistics port_statistics(std::size_t port) const;
  std::uint64_t table_generation() const;
  /// Of the running table, path by path; and what messages tell of it.
  struct PathState {
    lb::PathRecord record;
    std::uint32_t slots = 0;
    PathCondition condition;
  };
  std::vector<PathState> path_states() const;
  std::optional<lb::Explanation> explain(const lb::FlowKey& key) const;
  /// Publishes the running table with another weight for one path. Error: one sentence.
  tl::expected<void, std::string> set_weight(std::size_t path, std::uint32_t weight);

  tl::expected<void, std::string> start_capture(std::size_t port, const std::string& file);
  /// Ends a port's capture and says what it holds.
  tl::expected<CaptureResult, std::string> stop_capture(std::size_t port);

 private:
  struct WorkerCall {
    Worker* worker;
    const std::atomic<bool>* stop;
  };
  static int run_worker(void* call);
  explicit Gateway(GatewaySettings settings);
  std::optional<StartError> start_eal();
  std::optional<StartError> open_ports();
  std::optional<StartError> start_workers();
  void link_changed(std::uint16_t port_id, bool up);
  /// Makes paths live or dead in the path table by their ports' links and the peer's messages.
  void publish_liveness(std::optional<std::size_t> closing = {});
  /// In the log, once a port: an interface is often down before it is gone, so a change of the link says too
  /// little.
  void tell_of_vanished_ports();

  GatewaySettings settings_;
  bool hugepages_ = true;
  std::unique_ptr<Eal> eal_;
  Mempool pool_;
  std::vector<std::unique_ptr<Port>> ports_;
  std::unique_ptr<HandoffRings> rings_;
  std::unique_ptr<PublishedTable> table_;
  std::unique_ptr<PeerLink> link_;
  std::unique_ptr<PathLog> path_log_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<WorkerCall>> calls_;  ///< arguments of the workers' threads
  std::atomic<bool> stop_{false};
  std::unique_ptr<PathView> path_view_;
  std::unique_ptr<LinkMonitor> links_;
  std::vector<std::unique_ptr<Capture>> captures_;  ///< by port index; empty where none runs
  std::vector<bool> told_vanished_;                 ///< by port index
  // None of these is ever taken by a worker.
  mutable std::mutex control_;  ///< the path table and who publishes it: tick() and queries
  mutable std::mutex
      captures_lock_;  ///< captures_; apart, since disks are slow and link changes are not to wait
  mutable std::mutex
      devices_;  ///< asking drivers for statistics, which not all take from two threads at once
};

}  // namespace braidway::dataplane
