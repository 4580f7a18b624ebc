// The slow loop's view of running workers: reads their counters and the messages' ring, and writes what
// PathControl looks at (peer_link.hpp). Relaxed atomics and a ring, so that no worker waits.
//
// Owner: the slow loop's thread. Goes with the gateway.
#pragma once

#include <memory>

#include "dataplane/handoff_rings.hpp"
#include "dataplane/path_view.hpp"
#include "dataplane/peer_link.hpp"
#include "dataplane/port.hpp"
#include "dataplane/settings.hpp"
#include "dataplane/worker.hpp"

namespace braidway::dataplane {

class WorkerPathView : public PathView {
 public:
  /// All outlive this; `ports`: by port index.
  WorkerPathView(const GatewaySettings& settings, std::span<const std::unique_ptr<Port>> ports,
                 std::span<const std::unique_ptr<Worker>> workers, const HandoffRings& rings, PeerLink& link)
      : settings_(settings), ports_(ports), workers_(workers), rings_(rings), link_(link) {}

  [[nodiscard]] lb::Nanoseconds now() const noexcept override;
  std::size_t take_feedbacks(std::span<HeardFeedback> out) noexcept override;
  void read(std::span<PathReading> out) const noexcept override;
  void read_rates(std::span<double> out) const noexcept override;
  void go_on() noexcept override { link_.foresight.ticks.fetch_add(1, std::memory_order_release); }
  void tell(std::span<const float> biases) noexcept override;

 private:
  const GatewaySettings& settings_;
  std::span<const std::unique_ptr<Port>> ports_;
  std::span<const std::unique_ptr<Worker>> workers_;
  const HandoffRings& rings_;
  PeerLink& link_;
};

}  // namespace braidway::dataplane
