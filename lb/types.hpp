// The identifiers that decisions are made of. Strong types, so that mixing them up does not compile.
// Pure: no DPDK, threads, clock or I/O. Values; no owner thread.
#pragma once

#include <compare>
#include <cstdint>

namespace braidway::lb {

/// A path of one peer, 0..255: the index of the path in that peer's configured list.
enum class PathId : std::uint8_t {};
/// A gateway, as in the order tag and in messages (16 bits on the wire).
enum class GatewayId : std::uint16_t {};
/// One worker of a source gateway; a flow belongs to one lane.
enum class Lane : std::uint8_t {};
/// An RDMA queue pair number, 24 bits (IBTA 9.2.3, BTH DestQP).
enum class Qpn : std::uint32_t {};
/// A point in time or a span, nanoseconds; the caller says from which clock.
enum class Nanoseconds : std::int64_t {};

inline constexpr unsigned max_paths_per_peer = 256;
inline constexpr unsigned max_lanes = 16;
/// Peers are numbered by 16 bits where they are told apart packet by packet.
inline constexpr unsigned max_peers = 65'536;

constexpr auto value(PathId id) noexcept { return static_cast<std::uint8_t>(id); }
constexpr auto value(GatewayId id) noexcept { return static_cast<std::uint16_t>(id); }
constexpr auto value(Lane lane) noexcept { return static_cast<std::uint8_t>(lane); }
constexpr auto value(Qpn qpn) noexcept { return static_cast<std::uint32_t>(qpn); }
constexpr auto value(Nanoseconds time) noexcept { return static_cast<std::int64_t>(time); }

}  // namespace braidway::lb
