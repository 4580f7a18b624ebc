// DPDK's environment for this program: in memory only, no telemetry socket, one thread that may float over
// its CPUs. Owner: the main thread.
#pragma once

#include <cstddef>
#include <string>

#include <tl/expected.hpp>

namespace braidway::bench::traffic {

class Eal {
 public:
  struct Settings {
    std::string cores;  ///< empty: all CPUs that the process may use
    bool no_huge = false;
    std::size_t memory_mib = 64;
    std::string client_device;  ///< a device on a bus, not a virtual one, must be allowed before EAL looks
                                ///< for devices
    std::string server_device;
  };

  /// Once in a process. The error is a sentence for the user.
  static tl::expected<Eal, std::string> start(const Settings& settings);
  ~Eal();
  Eal(Eal&& other) noexcept : running_{other.running_} { other.running_ = false; }
  Eal& operator=(Eal&&) = delete;
  Eal(const Eal&) = delete;
  Eal& operator=(const Eal&) = delete;

 private:
  Eal() = default;
  bool running_ = true;
};

}  // namespace braidway::bench::traffic
