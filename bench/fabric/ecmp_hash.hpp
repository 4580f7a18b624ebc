// The hash that switches spread flows with: MurmurHash3_x86_32 (Appleby, public domain) over addresses and
// UDP ports, seeded by the switch. Hosts have the addresses 11.x.y.1 of the anchors' simulator, so that the
// same seeds choose the same ports as there. Pure.
#pragma once

#include <bit>
#include <cstdint>

#include "bench/fabric/packet.hpp"
#include "bench/fabric/types.hpp"

namespace braidway::bench::fabric {

/// 11.(node / 256).(node % 256).1
constexpr std::uint32_t address_of(NodeIndex host) noexcept { return 0x0b00'0001U + (host << 8); }

constexpr std::uint32_t ecmp_hash(const Packet& packet, std::uint32_t seed) noexcept {
  constexpr auto mix = [](std::uint32_t hash, std::uint32_t word) {
    hash ^= std::rotl(word * 0xcc9e'2d51U, 15) * 0x1b87'3593U;
    return std::rotl(hash, 13) * 5 + 0xe654'6b64U;
  };
  std::uint32_t hash = mix(seed, address_of(packet.source));
  hash = mix(hash, address_of(packet.destination));
  hash = mix(hash, packet.source_port | std::uint32_t{packet.destination_port} << 16);
  hash ^= 12;  // bytes hashed
  hash = (hash ^ hash >> 16) * 0x85eb'ca6bU;
  hash = (hash ^ hash >> 13) * 0xc2b2'ae35U;
  return hash ^ hash >> 16;
}

}  // namespace braidway::bench::fabric
