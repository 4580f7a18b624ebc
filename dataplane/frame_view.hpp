// A packet as the wire's codecs take it. Owner: the worker that holds the packet.
#pragma once

#include <rte_mbuf.h>

#include "dataplane/burst.hpp"
#include "telemetry/udp_packet.hpp"

namespace braidway::dataplane {

/// The first segment of a packet, with its headroom.
inline telemetry::FrameInBuffer frame_in(rte_mbuf* packet, const PacketMeta& meta) noexcept {
  return {
      .memory = {static_cast<std::byte*>(packet->buf_addr), std::size_t{packet->data_off} + packet->data_len},
      .headroom = packet->data_off,
      .frame_bytes = packet->pkt_len,
      .l3_offset = meta.l3_offset,
      .l4_offset = meta.l4_offset};
}

}  // namespace braidway::dataplane
