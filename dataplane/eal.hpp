// DPDK's environment, as an object: arguments derived from the settings, undone in the destructor.
// Owner: the main thread. One at a time in a process.
#pragma once

#include <cstdint>
#include <sched.h>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "dataplane/unique_fd.hpp"

namespace braidway::dataplane {

struct EalSettings {
  std::string name;                          ///< file prefix: names the telemetry socket; one process a name
  std::vector<std::uint16_t> worker_cores;   ///< worker i runs on lcore i + 1
  std::vector<std::uint16_t> control_cores;  ///< of the main lcore; empty: any core
  std::vector<std::string> pci_devices;      ///< the only PCI devices DPDK may look at
  std::uint32_t memory_mib = 0;              ///< taken at start
  std::uint32_t limit_mib = 0;               ///< that hugepage memory may grow to
  bool hugepages = true;
  bool telemetry = true;  ///< the DPDK telemetry socket
};

class Eal {
 public:
  /// Error: one sentence saying what to do.
  static tl::expected<Eal, std::string> start(const EalSettings& settings);
  ~Eal();
  Eal(Eal&& other) noexcept;
  Eal& operator=(Eal&&) = delete;

  /// The lcore a worker runs on: lane + 1.
  static unsigned lcore_of(unsigned worker) noexcept { return worker + 1; }

 private:
  Eal(cpu_set_t affinity, std::string runtime_dir, UniqueFd claim)
      : affinity_(affinity), runtime_dir_(std::move(runtime_dir)), claim_(std::move(claim)) {}
  cpu_set_t affinity_;  ///< of the main thread before EAL pinned it
  std::string runtime_dir_;
  UniqueFd claim_;  ///< the runtime directory, locked
  bool owner_ = true;
};

/// MiB in free hugepages of any size.
std::uint64_t free_hugepage_mib();

}  // namespace braidway::dataplane
