// What a wire is told to be: plain data, decoded and checked once at start.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/wire/parameters.hpp"
#include "bench/wire/problem.hpp"

namespace braidway::bench::wire {

inline constexpr std::array<std::string_view, 2> end_names{"a", "b"};
/// Direction i leads from end i to the other.
inline constexpr std::array<std::string_view, 2> direction_names{"a>b", "b>a"};

struct PathSettings {
  std::string name;
  std::array<std::string, 2> devices;  ///< of end a and end b: device words (dataplane/device.hpp)
  std::array<Parameters, 2> directions;
  std::uint32_t frames = 0;  ///< that may wait in each direction
};

struct Settings {
  std::vector<PathSettings> paths;
  std::string control;                ///< path of the control socket; empty: none
  std::optional<std::uint16_t> core;  ///< of the packet loop; none: the last one allowed
  bool sleep = false;                 ///< naps when nothing is under way: frees the core, costs timing
  bool hugepages = true;              ///< where there are enough
  std::uint16_t mtu = 4200;           ///< bytes behind the Ethernet header: a RoCE MTU of 4096
  std::uint16_t descriptors = 1024;   ///< of every queue
  std::uint16_t stall_ms = 200;       ///< time without taking a frame after which a port's frames are dropped
  std::uint64_t seed = 1;
};

/// The settings, which are whole only if there is no problem.
Settings decode_settings(const Json& given, Problems& problems);

/// Frames that fit into a direction of those parameters: delay times rate, and the queue.
std::uint32_t frames_for(const Parameters& parameters);

}  // namespace braidway::bench::wire
