// parse: finds each packet's headers and the hash of its flow; drops what is provably malformed, under its
// own name.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <string_view>

#include <rte_prefetch.h>

#include "dataplane/burst.hpp"
#include "dataplane/drops.hpp"
#include "dataplane/fast_parse.hpp"
#include "dataplane/lane_context.hpp"
#include "dataplane/parser.hpp"
#include "telemetry/int_md.hpp"

namespace braidway::dataplane::stages {

struct Parse {
  static constexpr std::string_view name = "parse";
  using Drop = Malformed;
  static constexpr auto drops = malformed_names;

  static void run(Burst& burst, const LaneContext& lane, Drops<Parse> dropped) noexcept {
    lane.keeps_keys ? run_all<true>(burst, lane, dropped) : run_all<false>(burst, lane, dropped);
  }

  /// Looks at packet i once more, its frame having become another. False: it is malformed.
  static bool again(Burst& burst, std::uint16_t i, const LaneContext& lane) noexcept {
    const Parsed parsed = parse_packet(burst.packets[i], lane.own_ports);
    note(burst, i, parsed, lane);
    return parsed.malformed == Malformed::none;
  }

 private:
  static void note(Burst& burst, std::uint16_t i, const Parsed& parsed, const LaneContext& lane) noexcept {
    burst.meta[i] = {.l3_offset = parsed.l3_offset,
                     .l4_offset = parsed.l4_offset,
                     .egress = lane.host_port,
                     .traffic_class = parsed.traffic_class};
    burst.hashes[i] = lane.hasher.hash(parsed.key);
    burst.keys[i] = parsed.key;
    burst.all_flows = burst.all_flows && parsed.traffic_class < TrafficClass::non_ip;
  }

  template <bool keeps_keys>
  static void run_all(Burst& burst, const LaneContext& lane, Drops<Parse> dropped) noexcept {
    constexpr std::uint16_t ahead = 4;
    const std::uint16_t count = burst.count;
    const auto plain_rdma = std::bit_cast<std::uint64_t>(plain_meta(lane, TrafficClass::rdma));
    const auto plain_ud = std::bit_cast<std::uint64_t>(plain_meta(lane, TrafficClass::ud));
    burst.all_flows = true;
    burst.all_fit = true;
    for (std::uint16_t i = 0; i < std::min(ahead, count); ++i) {
      rte_prefetch0(rte_pktmbuf_mtod(burst.packets[i], const void*));
    }
    for (std::uint16_t i = 0; i < count; ++i) {
      // The last few are asked for again instead of a branch for every packet.
      const auto later = static_cast<std::uint16_t>(std::min(i + ahead, count - 1));
      rte_prefetch0(rte_pktmbuf_mtod(burst.packets[later], const void*));
      const rte_mbuf* packet = burst.packets[i];
      TrafficClass traffic_class{};
      lb::FlowKey key;
      const std::uint32_t bytes = packet->pkt_len;
      if (packet->data_len == bytes &&
          bytes - plain_header_bytes <= lane.fits_all_bytes - plain_header_bytes &&
          parse_plain_rocev2(rte_pktmbuf_mtod(packet, const std::byte*), bytes, traffic_class, key))
          [[likely]] {
        burst.meta[i] = std::bit_cast<PacketMeta>(traffic_class == TrafficClass::ud ? plain_ud : plain_rdma);
        burst.hashes[i] = lane.hasher.hash(key);
        if constexpr (keeps_keys) {
          burst.keys[i] = key;
        }
        continue;
      }
      if constexpr (keeps_keys) {
        constexpr std::uint32_t goes = telemetry::int_min_bytes;
        if (packet->data_len == bytes &&
            bytes - plain_header_bytes <= lane.fits_all_bytes + goes - plain_header_bytes &&
            parse_plain_tagged(rte_pktmbuf_mtod(packet, const std::byte*), bytes, lane.own_ports.int_md,
                               key)) {
          burst.meta[i] = plain_meta(lane, TrafficClass::tagged);
          burst.hashes[i] = lane.hasher.hash(key);
          burst.keys[i] = key;
          burst.all_flows = false;
          continue;
        }
      }
      parse_any(burst, i, lane, dropped);
    }
  }

  static PacketMeta plain_meta(const LaneContext& lane, TrafficClass traffic_class) noexcept {
    return {.l3_offset = plain_l3_offset,
            .l4_offset = plain_l4_offset,
            .egress = lane.host_port,
            .traffic_class = traffic_class};
  }

  [[gnu::noinline, gnu::cold]] static void parse_any(Burst& burst, std::uint16_t i, const LaneContext& lane,
                                                     Drops<Parse> dropped) noexcept {
    const rte_mbuf* packet = burst.packets[i];
    const Parsed parsed = parse_packet(packet, lane.own_ports);
    if (parsed.malformed != Malformed::none) {
      dropped.count(parsed.malformed);
      burst.discard(i);
      return;
    }
    note(burst, i, parsed, lane);
    // A tag goes before the packet does.
    const std::size_t goes = parsed.traffic_class == TrafficClass::tagged ? telemetry::int_min_bytes : 0;
    burst.all_fit = burst.all_fit && packet->nb_segs == 1 && packet->pkt_len <= lane.fits_all_bytes + goes;
  }

  static Parsed parse_packet(const rte_mbuf* packet, const OwnPorts& ports) noexcept {
    const std::size_t frame_bytes = packet->pkt_len;
    if (packet->data_len >= parsed_header_bytes || packet->data_len == frame_bytes) [[likely]] {
      return parse_frame({rte_pktmbuf_mtod(packet, const std::byte*), packet->data_len}, frame_bytes, ports);
    }
    // Headers that straddle segments are copied together; rare, since buffers take a whole frame of the
    // port's MTU.
    std::array<std::byte, parsed_header_bytes> copy;
    const auto bytes = static_cast<std::uint32_t>(std::min(frame_bytes, copy.size()));
    const auto* head = static_cast<const std::byte*>(rte_pktmbuf_read(packet, 0, bytes, copy.data()));
    return parse_frame({head, bytes}, frame_bytes, ports);
  }
};

}  // namespace braidway::dataplane::stages
