// Tells the control thread when the link of a port goes down or comes up, or when the port vanishes.
//
// Three sources, by port, the best there is:
//   interrupt  the driver raises link-state interrupts and the port was configured with intr_conf.lsc = 1
//   netlink    a kernel interface is behind the port (af_packet, af_xdp): rtnetlink tells (RTM_NEWLINK,
//   RTM_DELLINK) poll       neither: the driver is asked every 10 ms
// Device removal (RTE_ETH_EVENT_INTR_RMV) is listened to on every port.
//
// Thread: one control thread owns the monitor and calls poll_once() in a loop; the handler runs inside it.
// EAL's interrupt thread only raises an eventfd. wake() may be called from any thread. Create it when ports
// are started, destroy it before they are closed, in the network namespace of the interfaces.
//
// A link that goes down and comes up again between two looks is reported only by its last state. The kernel
// itself holds back a second carrier loss of a NIC within one second (linkwatch); it shows by then.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

namespace braidway::dataplane {

enum class LinkSource : std::uint8_t { interrupt, netlink, poll };

class LinkMonitor {
 public:
  struct Port {
    std::uint16_t port_id = 0;
    std::string interface;  ///< the kernel interface behind the port; empty: none
  };
  /// `up` is false for a port that has vanished, too.
  using Handler = std::function<void(std::uint16_t port_id, bool up)>;

  static constexpr std::chrono::milliseconds poll_interval{10};

  /// Starts watching. The first poll_once() reports the state of every port once.
  [[nodiscard]] static tl::expected<std::unique_ptr<LinkMonitor>, std::string> create(std::vector<Port> ports,
                                                                                      Handler handler);
  ~LinkMonitor();
  LinkMonitor(const LinkMonitor&) = delete;
  LinkMonitor& operator=(const LinkMonitor&) = delete;

  /// Waits until at least one link has changed and reports what has, or until the timeout or wake(). Returns
  /// the number of reports. An error only if the kernel refuses to go on telling.
  [[nodiscard]] tl::expected<unsigned, std::string> poll_once(std::chrono::milliseconds timeout);

  /// Makes a poll_once() return, now or the next one. Any thread; async-signal-safe.
  void wake() noexcept;

  [[nodiscard]] LinkSource source(std::uint16_t port_id) const;
  /// The device or its kernel interface is gone for good: down, and not to come back under this port id.
  [[nodiscard]] bool vanished(std::uint16_t port_id) const;

 private:
  class State;
  explicit LinkMonitor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace braidway::dataplane
