// A burst of packets on its way through the stages, and what is known of each.
// Owner: the worker that runs the stages; nothing here is shared.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include <rte_mbuf.h>

#include "dataplane/parser.hpp"
#include "lb/flow_key.hpp"
#include "lb/steering.hpp"
#include "lb/types.hpp"
#include "telemetry/strip.hpp"

namespace braidway::dataplane {

inline constexpr std::uint16_t burst_size = 64;

enum class Direction : std::uint8_t { source, sink };  ///< host to fabric, fabric to host
inline constexpr std::size_t directions = 2;

/// What the stages have found out about one packet.
struct PacketMeta {
  std::uint16_t l3_offset = 0;  ///< bytes from the frame's start; 0: no IP
  std::uint16_t l4_offset = 0;  ///< bytes from the frame's start; 0: no UDP header
  std::uint16_t egress = 0;     ///< port index the packet leaves by; the host port until steered
  TrafficClass traffic_class = TrafficClass::non_ip;
  std::uint8_t rule = 0;  ///< of steer, where it has rules: the one that fits (treatments.hpp)
};
static_assert(sizeof(PacketMeta) == 8 && std::has_unique_object_representations_v<PacketMeta>,
              "eight to a cache line, each one move");

/// What travels with a packet that is handed to another worker, in its private area.
struct HandedOver {
  std::uint64_t flow_hash;
  PacketMeta meta;
  lb::FlowKey key;  ///< where the lane keeps keys
};

/// Private area of every mbuf: one cache line, used on the hand-off between workers.
inline constexpr std::uint16_t mbuf_private_bytes = 64;
static_assert(sizeof(HandedOver) <= mbuf_private_bytes);

inline HandedOver& handed_over(rte_mbuf* packet) noexcept {
  return *static_cast<HandedOver*>(rte_mbuf_to_priv(packet));
}

/// Arrays of a burst; entry i of each belongs to packet i. A stage may discard packets; those that remain
/// keep their order.
class Burst {
 public:
  std::array<rte_mbuf*, burst_size> packets;
  std::array<PacketMeta, burst_size> meta;
  std::array<std::uint64_t, burst_size> hashes;    ///< of the packets' flow keys
  std::array<lb::FlowKey, burst_size> keys;        ///< where the lane keeps keys
  std::array<lb::Decision, burst_size> decisions;  ///< of steer, where the lane steers flows
  std::array<telemetry::Tagged, burst_size> tags;  ///< of measure, for packets that were tagged
  std::uint16_t count = 0;
  std::uint16_t ingress = 0;  ///< port index all packets of the burst came from
  Direction direction = Direction::source;
  bool spread = false;     ///< the port spreads over several queues: a flow may arrive at several workers
  bool all_flows = false;  ///< every packet is IP and belongs to a flow: nothing needs a second look
  bool all_fit = false;    ///< every packet is in one segment and short enough for any port

  /// Frees packet i. It is out of the burst after the next close_gaps().
  void discard(std::uint16_t i) noexcept {
    rte_pktmbuf_free(packets[i]);
    packets[i] = nullptr;
    gaps_ = true;
  }
  /// Takes packet i out of the burst without freeing it: somebody else has it now.
  void release(std::uint16_t i) noexcept {
    packets[i] = nullptr;
    gaps_ = true;
  }
  void close_gaps() noexcept {
    if (gaps_) [[unlikely]] {
      close_gaps_slowly();
    }
  }

 private:
  void close_gaps_slowly() noexcept {
    std::uint16_t kept = 0;
    for (std::uint16_t i = 0; i < count; ++i) {
      if (packets[i] == nullptr) {
        continue;
      }
      packets[kept] = packets[i];
      meta[kept] = meta[i];
      hashes[kept] = hashes[i];
      keys[kept] = keys[i];
      decisions[kept] = decisions[i];
      tags[kept] = tags[i];
      ++kept;
    }
    count = kept;
    gaps_ = false;
  }

  bool gaps_ = false;
};

}  // namespace braidway::dataplane
