// The commands that only look, offered to DPDK's own telemetry as well: /braidway/ports and so on in
// dpdk-telemetry.py. Owner: the control thread. Queries come on DPDK's telemetry thread.
#pragma once

#include "ctrl/api/command.hpp"

namespace braidway::ctrl {

/// Registers the commands with rte_telemetry for as long as the object lives. One at a time in a process.
class DpdkTelemetry {
 public:
  explicit DpdkTelemetry(Session session);
  ~DpdkTelemetry();
  DpdkTelemetry(const DpdkTelemetry&) = delete;
  DpdkTelemetry& operator=(const DpdkTelemetry&) = delete;
};

}  // namespace braidway::ctrl
