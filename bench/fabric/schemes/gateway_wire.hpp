// What gateways write on packets and tell each other in the simulator.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "bench/fabric/types.hpp"
#include "lb/path_health.hpp"
#include "lb/path_weights.hpp"

namespace braidway::bench::fabric {

/// Bytes of a feedback message on the wire: Ethernet, IPv4, UDP, the message's own, 44 a path.
constexpr std::uint16_t message_bytes(std::size_t paths) noexcept {
  return static_cast<std::uint16_t>(14 + 20 + 8 + 60 + 44 * paths + 4);
}
/// UDP port of messages and probes.
inline constexpr std::uint16_t message_port = 61792;

/// Share of capacity of the fullest port that a packet came by, as hops tell it and messages carry it: 0 to
/// 254 in 254ths.
using Utilisation = std::uint8_t;
inline constexpr Utilisation not_told = 255;

inline Utilisation fuller(Utilisation told, float port) noexcept {
  const auto tells = static_cast<Utilisation>(std::lround(port * 254));
  return told == not_told ? tells : std::max(told, tells);
}

/// On data between gateways.
struct GatewayTag {
  Nanoseconds departure = 0;  ///< when it will leave the source's egress, by the source's clock
  std::uint32_t sequence = 0;
  std::uint16_t path = 0;  ///< of the peer
  std::uint8_t epoch = 0;
  bool numbered = false;
  Utilisation utilisation = not_told;  ///< so far
};

/// What came by a path since the last message.
struct PathArrivals {
  std::uint64_t bytes = 0;
  Nanoseconds least_delay = -1;        ///< above the path's least ever; below 0: nothing came
  Utilisation utilisation = not_told;  ///< by the last packet or probe that came
};

/// One message: what a sink has seen of the paths from the source it goes to.
struct GatewayMessage {
  std::vector<lb::PathDelay> delays;      ///< of the paths heard
  std::vector<lb::PathReceipt> receipts;  ///< of all paths
  std::vector<PathArrivals> arrivals;     ///< of all paths
};

enum class ControlKind : std::uint8_t { message, probe };

/// On control packets.
struct ControlTag {
  ControlKind kind = ControlKind::message;
  std::uint16_t path = 0;              ///< that it takes
  std::uint32_t message = 0;           ///< a message's: where its content is
  Utilisation utilisation = not_told;  ///< so far
};

}  // namespace braidway::bench::fabric
