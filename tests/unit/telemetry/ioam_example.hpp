// A frame with an IOAM trace, written by hand from RFC 9197 and RFC 9486, and where things are in it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "tests/unit/telemetry/ioam_frames.hpp"

namespace braidway::tests::ioam_example {

inline constexpr std::uint16_t our_namespace = 123;
inline const Bytes macs = from_hex("020000000002 020000000001");
inline const Bytes ethernet = joined(macs, from_hex("86dd"));

/// DSCP 26, ECT(0), nothing behind 8 bytes of payload.
inline const Bytes inner_packet = from_hex(
    "66a00000 0008 3b40 fd000000000000000000000000000011 fd000000000000000000000000000022 0102030405060708");
inline const Bytes inner_ipv4 = from_hex("4568001c00004000401126670a0000010a000002 c00012b700081234");

/// inner_packet as it leaves its host.
inline const Bytes plain_frame = joined(ethernet, inner_packet);

/// Room for two nodes of two words each.
inline telemetry::IoamSettings settings() {
  return {.source = lb::ipv6(0xfd00000000000000, 1),
          .destination = lb::ipv6(0xfd00000000000000, 2),
          .trace_type = telemetry::ioam_node_id | telemetry::ioam_interfaces,
          .namespace_id = our_namespace,
          .nodes = 2};
}

inline constexpr telemetry::IoamNode own{.node_id = 7, .ingress = 1, .egress = 2};

/// The frame that `settings()` make of `inner_packet`, our own node in it.
inline const Bytes traced_frame =
    joined(ethernet,
           from_hex("66aabcde 0050 0040 fd000000000000000000000000000001 fd000000000000000000000000000002"
                    "29030100 311a0000 007b1002 c0000000 0000000000000000 40000007 00010002"),
           inner_packet);

// Offsets in it.
inline constexpr std::size_t outer = 14;
inline constexpr std::size_t hop_by_hop = outer + 40;
inline constexpr std::size_t option = hop_by_hop + 4;
inline constexpr std::size_t trace_header = option + 4;
inline constexpr std::size_t data_space = trace_header + 8;
inline constexpr std::size_t inner = hop_by_hop + 32;

inline FrameInMemory in_memory(const Bytes& frame, std::size_t headroom = 0) {
  return {frame, headroom, outer};
}

}  // namespace braidway::tests::ioam_example
