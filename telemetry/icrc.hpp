// The invariant CRC at the end of every RoCEv2 packet: CRC-32 (IEEE 802.3) over the packet from its IP header
// on, with the fields that routers may change taken as ones (IBTA annex A17.3.3). Pure: no state, any thread,
// no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace braidway::telemetry {

/// State of the CRC register (reflected 0xEDB88320) before the first byte; the CRC is the state inverted.
inline constexpr std::uint32_t crc32_initial = 0xffffffff;
/// CRC-32 over bytes that end with their own CRC, least significant byte first.
inline constexpr std::uint32_t crc32_residue = 0x2144df1c;

/// Runs the CRC register over `bytes`.
std::uint32_t crc32_update(std::uint32_t state, std::span<const std::byte> bytes) noexcept;

/// The ICRC of a RoCEv2 packet that begins with its IP header (IPv4 without options, or IPv6 without
/// extension headers) and ends before the ICRC. On the wire the value is stored least significant byte first.
/// The packet is not changed. A packet too short for IP, UDP and BTH, or of another kind, has no ICRC: 0.
std::uint32_t icrc(std::span<const std::byte> ip_packet_without_icrc) noexcept;

}  // namespace braidway::telemetry
