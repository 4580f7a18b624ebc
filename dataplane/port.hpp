// A DPDK port from its device word to its closing, as an object: probe, configure, queues, start; stop,
// close, remove. Owner: the main thread. Create after Eal and mempools, destroy before them.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <rte_mempool.h>
#include <tl/expected.hpp>

#include "dataplane/capture_tap.hpp"
#include "dataplane/device.hpp"
#include "dataplane/mempool.hpp"
#include "dataplane/settings.hpp"
#include "dataplane/xdp/attachment.hpp"

namespace braidway::dataplane {

class Port {
 public:
  /// `shared_pool`: buffers for all ports but af_xdp ones, which have a pool of their own. Error: one
  /// sentence saying what to do, without the port's name.
  static tl::expected<std::unique_ptr<Port>, std::string> open(const PortSettings& settings, unsigned index,
                                                               rte_mempool* shared_pool);
  ~Port();
  Port(const Port&) = delete;
  Port& operator=(const Port&) = delete;

  /// Stops, closes and removes the device; the port holds no packet of any pool afterwards. Called by the
  /// destructor if it was not before.
  void close() noexcept;

  std::uint16_t id() const noexcept { return id_; }
  /// The kernel interface behind the port; empty if there is none.
  const std::string& interface() const noexcept { return interface_; }
  const std::string& driver() const noexcept { return driver_; }
  std::uint32_t max_frame_bytes() const noexcept { return max_frame_bytes_; }
  /// The driver sends the first segment of a packet only.
  bool flat_only() const noexcept { return kind_ == DeviceKind::af_xdp; }

  /// Link state as workers see it. Written by the control thread.
  std::atomic<bool>& up() noexcept { return up_; }
  const std::atomic<bool>& up() const noexcept { return up_; }

  /// Speed of the link, Mbit/s, as the driver last said when asked; 0: it does not know. Any thread.
  std::uint32_t speed_mbps() const noexcept { return speed_mbps_.load(std::memory_order_relaxed); }
  /// Asks the driver. Owner: the control thread.
  void ask_speed() noexcept;

  CaptureTap& tap() noexcept { return tap_; }

  /// What the XDP program has counted; nothing for other ports.
  std::optional<xdp::VerdictCounters> xdp_counters() const;

 private:
  Port() = default;
  tl::expected<void, std::string> prepare(const PortSettings& settings, const DeviceWord& word);
  tl::expected<void, std::string> prepare_interface(const PortSettings& settings,
                                                    const std::string& interface);
  tl::expected<void, std::string> probe(const PortSettings& settings, const DeviceWord& word, unsigned index);
  tl::expected<void, std::string> configure(const PortSettings& settings, rte_mempool* shared_pool);

  DeviceKind kind_ = DeviceKind::devargs;
  std::uint16_t id_ = 0;
  bool probed_ = false;
  bool started_ = false;
  std::uint16_t former_mtu_ = 0;  ///< of a PCI function, whose kernel interface has it too; 0: leave it
  std::uint32_t max_frame_bytes_ = 0;
  std::string interface_;
  unsigned quiet_interface_ = 0;  ///< index of the interface if it was not promiscuous before us
  std::string socket_;            ///< vhost-user socket that the port created
  std::string driver_;
  std::string xdp_program_;
  std::optional<xdp::Prepared> xdp_;
  Mempool own_pool_;
  std::atomic<bool> up_{false};
  std::atomic<std::uint32_t> speed_mbps_{0};
  CaptureTap tap_;
};

}  // namespace braidway::dataplane
