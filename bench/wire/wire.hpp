// A running wire: DPDK, the ports of all paths, and the packet loop on a core of its own. Owner: the main
// thread. One at a time in a process.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include <tl/expected.hpp>

#include "bench/wire/direction.hpp"
#include "bench/wire/packet_loop.hpp"
#include "bench/wire/settings.hpp"
#include "dataplane/eal.hpp"
#include "dataplane/link_monitor.hpp"
#include "dataplane/mempool.hpp"
#include "dataplane/port.hpp"

namespace braidway::bench::wire {

struct PathState {
  std::array<bool, 2> up{};                  ///< link of end a and end b
  std::array<DirectionState, 2> directions;  ///< as in direction_names
};

class Wire {
 public:
  /// Error: one sentence saying what to do.
  static tl::expected<std::unique_ptr<Wire>, std::string> start(const Settings& settings);
  /// Ends the loop and closes all.
  ~Wire();
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;

  /// From the next turn of the loop on, both directions at once.
  void set(std::size_t path, const std::array<Parameters, 2>& directions);
  /// All paths at one moment.
  [[nodiscard]] std::vector<PathState> state();
  /// Looks after the links; to be called some ten times a second or more often. Error: the kernel tells
  /// nothing more about them.
  tl::expected<void, std::string> tick();

 private:
  explicit Wire(Settings settings) : settings_{std::move(settings)} {}
  tl::expected<void, std::string> start_eal();
  tl::expected<void, std::string> open_ports();
  tl::expected<void, std::string> start_loop();
  void link_changed(std::uint16_t port_id, bool up);
  static int run_loop(void* wire);

  // Goes down in reverse order.
  Settings settings_;
  std::unique_ptr<dataplane::Eal> eal_;
  dataplane::Mempool pool_;
  std::vector<std::unique_ptr<dataplane::Port>> ports_;  ///< path i: end a is 2i, end b is 2i + 1
  std::vector<std::unique_ptr<Direction>> directions_;   ///< path i: a>b is 2i, b>a is 2i + 1
  std::unique_ptr<dataplane::LinkMonitor> links_;
  std::unique_ptr<PacketLoop> loop_;
};

}  // namespace braidway::bench::wire
