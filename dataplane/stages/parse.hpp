// parse: finds each packet's headers and flow; drops what is provably malformed, under its own name.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include <rte_prefetch.h>

#include "dataplane/burst.hpp"
#include "dataplane/drops.hpp"
#include "dataplane/lane_context.hpp"
#include "dataplane/parser.hpp"

namespace braidway::dataplane::stages {

struct Parse {
  static constexpr std::string_view name = "parse";
  using Drop = Malformed;
  static constexpr auto drops = malformed_names;

  static void run(Burst& burst, LaneContext& /*lane*/, Drops<Parse> dropped) noexcept {
    constexpr std::uint16_t ahead = 4;
    for (std::uint16_t i = 0; i < burst.count; ++i) {
      if (i + ahead < burst.count) {
        rte_prefetch0(rte_pktmbuf_mtod(burst.packets[i + ahead], const void*));
      }
      const Parsed parsed = parse_packet(burst.packets[i]);
      if (parsed.malformed != Malformed::none) [[unlikely]] {
        dropped.count(parsed.malformed);
        burst.discard(i);
        continue;
      }
      auto& meta = burst.meta[i];
      meta.traffic_class = parsed.traffic_class;
      meta.l3_offset = parsed.l3_offset;
      meta.l4_offset = parsed.l4_offset;
      burst.keys[i] = parsed.key;
    }
  }

 private:
  static Parsed parse_packet(const rte_mbuf* packet) noexcept {
    const std::size_t frame_bytes = packet->pkt_len;
    if (packet->data_len >= parsed_header_bytes || packet->data_len == frame_bytes) [[likely]] {
      return parse_frame({rte_pktmbuf_mtod(packet, const std::byte*), packet->data_len}, frame_bytes);
    }
    // Headers that straddle segments are copied together; rare, since buffers take a whole frame of the
    // port's MTU.
    std::array<std::byte, parsed_header_bytes> copy;
    const auto bytes = static_cast<std::uint32_t>(std::min(frame_bytes, copy.size()));
    const auto* head = static_cast<const std::byte*>(rte_pktmbuf_read(packet, 0, bytes, copy.data()));
    return parse_frame({head, bytes}, frame_bytes);
  }
};

}  // namespace braidway::dataplane::stages
