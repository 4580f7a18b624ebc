// What gateways send each other, for tests: tagged packets and messages, made by the gateways' own codecs.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>

#include "telemetry/message.hpp"
#include "telemetry/stamp.hpp"
#include "telemetry/tunnel.hpp"
#include "tests/unit/dataplane/frame_builder.hpp"

namespace braidway::tests {

/// What a tag says, unless a test says otherwise: the first packet of a flow, from gateway 2.
inline constexpr telemetry::OrderWords first_of_flow{
    .tag = {0, lb::GatewayId{2}, lb::PathId{0}, lb::Lane{0}, 0}, .departure = 0};
inline telemetry::OrderWords numbered(std::uint32_t sequence, std::uint8_t path = 0,
                                      std::uint16_t gateway = 2, std::uint8_t epoch = 0) {
  return {.tag = {sequence, lb::GatewayId{gateway}, lb::PathId{path}, lb::Lane{0}, epoch}, .departure = 0};
}

/// The frame as a source's strand carries it. `own_hop`: with the source's own metadata for the bitmap.
inline Bytes tagged(const Frame& frame, const telemetry::OrderWords& words = first_of_flow,
                    const telemetry::IntSettings& settings = {.mtu = 9000}, bool own_hop = false) {
  constexpr std::size_t headroom = 128;
  const Bytes plain = frame.bytes();
  Bytes memory(headroom + plain.size());
  std::ranges::copy(plain, memory.begin() + headroom);
  const telemetry::HopMetadata hop{.node_id = 7};
  const auto done =
      telemetry::StrandStamp(settings).stamp({.memory = memory,
                                              .headroom = headroom,
                                              .frame_bytes = plain.size(),
                                              .l3_offset = static_cast<std::uint16_t>(frame.l3_offset()),
                                              .l4_offset = static_cast<std::uint16_t>(frame.udp_offset())},
                                             words, own_hop ? &hop : nullptr);
  if (done.fault != telemetry::IntFault::none) {
    throw std::logic_error("this frame cannot be stamped");
  }
  return {memory.begin() + static_cast<std::ptrdiff_t>(headroom - done.front_moved), memory.end()};
}

/// The frame's IP packet as a source's tunnel carries it, from 192.0.2.2 to 192.0.2.1.
inline Bytes in_tunnel(const Frame& frame, const telemetry::OrderWords& words = first_of_flow) {
  constexpr std::size_t headroom = 128;
  const Bytes plain = frame.bytes();
  Bytes memory(headroom + plain.size());
  std::ranges::copy(plain, memory.begin() + headroom);
  const telemetry::TunnelStamp tunnel({.telemetry = {.mtu = 9000},
                                       .link = {},
                                       .source = lb::ipv4(0xc0000202),
                                       .destination = lb::ipv4(0xc0000201),
                                       .source_port = 0xc000});
  const auto done = tunnel.stamp({.memory = memory,
                                  .headroom = headroom,
                                  .frame_bytes = plain.size(),
                                  .l3_offset = static_cast<std::uint16_t>(frame.l3_offset())},
                                 words, nullptr);
  if (done.fault != telemetry::IntFault::none) {
    throw std::logic_error("this packet cannot be put into a tunnel");
  }
  return {memory.begin() + static_cast<std::ptrdiff_t>(headroom - done.front_moved), memory.end()};
}

/// A probe of gateway 2 to gateway 1, behind headers that end with UDP's.
inline Bytes probe(const Frame& headers) {
  std::array<std::byte, telemetry::most_message_bytes> message{};
  const std::size_t bytes = telemetry::write_probe({.sender = lb::GatewayId{2},
                                                    .receiver = lb::GatewayId{1},
                                                    .sender_boot = telemetry::BootId{7},
                                                    .sequence = 1},
                                                   {}, message);
  Frame frame = headers;
  const std::size_t at = frame.bytes().size();
  frame.payload(bytes);
  for (std::size_t i = 0; i < bytes; ++i) frame.byte(at + i, std::to_integer<std::uint8_t>(message.at(i)));
  return frame.bytes();
}

}  // namespace braidway::tests
