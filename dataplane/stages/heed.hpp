// heed: where the far end is no gateway, notes the ACKs, NAKs and CNPs that come back for the hosts.
#pragma once

#include <array>
#include <cstring>
#include <string_view>

#include "dataplane/burst.hpp"
#include "dataplane/frame_view.hpp"
#include "dataplane/lane_context.hpp"
#include "telemetry/return_traffic.hpp"
#include "telemetry/roce.hpp"

namespace braidway::dataplane::stages {

struct Heed {
  static constexpr std::string_view name = "heed";

  static void run(const Burst& burst, LaneContext& lane) noexcept {
    if (lane.returns == nullptr) {
      return;
    }
    std::array<std::uint64_t, burst_size> hashes;
    std::array<lb::FlowKey, burst_size> keys;
    std::array<telemetry::ReturnedPacket, burst_size> packets;
    std::size_t count = 0;
    for (std::uint16_t i = 0; i < burst.count; ++i) {
      const PacketMeta& meta = burst.meta[i];
      if (meta.traffic_class != TrafficClass::rdma && meta.traffic_class != TrafficClass::cnp) {
        continue;
      }
      const auto frame = frame_in(burst.packets[i], meta);
      const std::size_t at = meta.l4_offset + telemetry::udp_header_bytes;
      if (at + telemetry::bth_bytes + sizeof(telemetry::Aeth) > frame.contiguous()) {
        continue;
      }
      telemetry::Bth bth;
      std::memcpy(&bth, frame.begin() + at, sizeof bth);
      hashes[count] = burst.hashes[i];
      keys[count] = burst.keys[i];
      packets[count++] = {
          .psn = telemetry::psn(bth),
          .opcode = bth.opcode,
          .syndrome = std::to_integer<std::uint8_t>(frame.begin()[at + telemetry::bth_bytes])};
    }
    lane.returns->returned(std::span{hashes}.first(count), std::span{keys}.first(count),
                           std::span{packets}.first(count), lane.now_ns);
    lane.order_counts->set(OrderCount::unpaired, lane.returns->counters().unpaired.get());
  }
};

}  // namespace braidway::dataplane::stages
