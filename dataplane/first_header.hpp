// A packet's link and IPv6 header in one piece, for looking at, wherever the buffers of its frame end.
// Owner: the worker that holds the packet.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <rte_mbuf.h>

#include "dataplane/frame_view.hpp"

namespace braidway::dataplane {

class FirstHeader {
 public:
  /// The packet outlives this.
  FirstHeader(rte_mbuf* packet, const PacketMeta& meta) noexcept : view_(frame_in(packet, meta)) {
    const std::size_t bytes = meta.l3_offset + telemetry::ipv6_header_bytes;
    if (packet->data_len >= bytes || bytes > copy_.size()) [[likely]] {
      return;
    }
    if (rte_pktmbuf_read(packet, 0, static_cast<std::uint32_t>(bytes), copy_.data()) != nullptr) {
      view_.memory = copy_;
      view_.headroom = 0;
    }
  }
  FirstHeader(const FirstHeader&) = delete;
  FirstHeader& operator=(const FirstHeader&) = delete;

  [[nodiscard]] const telemetry::FrameInBuffer& frame() const noexcept { return view_; }

 private:
  std::array<std::byte, telemetry::max_link_header_bytes + telemetry::ipv6_header_bytes> copy_;
  telemetry::FrameInBuffer view_;
};

}  // namespace braidway::dataplane
