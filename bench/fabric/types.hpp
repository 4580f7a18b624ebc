// The words of the simulator: times in whole nanoseconds, and indices into its tables.
// Values; no owner thread.
#pragma once

#include <cstdint>
#include <limits>

namespace braidway::bench::fabric {

/// Simulated time or a span of it.
using Nanoseconds = std::int64_t;
/// A host or a switch: its number in the topology file.
using NodeIndex = std::uint32_t;
/// One end of a link. Link i of the topology has ports 2i (at the node named first) and 2i + 1.
using PortIndex = std::uint32_t;
/// A flow: its place in the flow list, ordered by start.
using FlowIndex = std::uint32_t;
/// A packet of the pool.
using PacketIndex = std::uint32_t;

inline constexpr std::uint32_t nobody = std::numeric_limits<std::uint32_t>::max();

/// The other end of a port's link.
constexpr PortIndex peer_of(PortIndex port) noexcept { return port ^ 1U; }

/// Time that `bytes` occupy a link of `rate` bit/s, truncated to whole nanoseconds.
constexpr Nanoseconds transmission_time(std::uint64_t bytes, std::uint64_t rate) noexcept {
  return static_cast<Nanoseconds>(bytes * 8'000'000'000ULL / rate);
}

}  // namespace braidway::bench::fabric
