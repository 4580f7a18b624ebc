// await: where the far end is no gateway, notes which of the hosts' packets ask for an ACK, for what comes
// back tells how their paths are.
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

struct Await {
  static constexpr std::string_view name = "await";

  static void run(const Burst& burst, LaneContext& lane) noexcept {
    if (lane.returns == nullptr) {
      return;
    }
    std::array<std::uint64_t, burst_size> hashes;
    std::array<lb::FlowKey, burst_size> keys;
    std::array<telemetry::SentPacket, burst_size> packets;
    std::size_t count = 0;
    for (std::uint16_t i = 0; i < burst.count; ++i) {
      const PacketMeta& meta = burst.meta[i];
      const auto frame = frame_in(burst.packets[i], meta);
      const std::size_t at = meta.l4_offset + telemetry::udp_header_bytes;
      if (meta.traffic_class != TrafficClass::rdma || at + telemetry::bth_bytes > frame.contiguous()) {
        continue;
      }
      telemetry::Bth bth;
      std::memcpy(&bth, frame.begin() + at, sizeof bth);
      hashes[count] = burst.hashes[i];
      keys[count] = burst.keys[i];
      packets[count++] = {.psn = telemetry::psn(bth),
                          .path = lb::value(burst.decisions[i].path),
                          .opcode = bth.opcode,
                          .ack_requested = telemetry::ack_requested(bth)};
    }
    lane.returns->sent(std::span{hashes}.first(count), std::span{keys}.first(count),
                       std::span{packets}.first(count), lane.now_ns);
    lane.order_counts->set(OrderCount::unfollowed, lane.returns->counters().no_room.get());
  }
};

}  // namespace braidway::dataplane::stages
