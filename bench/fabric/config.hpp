// The parameters of a simulation, with the anchors' values as defaults. Immutable during a run; any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/fabric/network_event.hpp"
#include "bench/fabric/packet.hpp"
#include "bench/fabric/types.hpp"

namespace braidway::bench::fabric {

/// How switches hold back their neighbours.
enum class PfcMode : std::uint8_t {
  off,    ///< not at all: what the buffer does not take is lost
  leaky,  ///< as the anchors' simulator: a pause lasts 5 us and only a new arrival renews it, with a frame a
          ///< packet; egress queues are limited
  proper  ///< paused until resumed: one frame each; ingress alone limits, so that nothing is lost
};

/// What an RNIC does about a packet that is missing.
enum class Recovery : std::uint8_t {
  go_back_n,        ///< sends it and all after it again
  selective_repeat  ///< keeps what comes early, has the missing ones alone sent again
};

/// What flows are: of either, data goes from the flow's source to its destination.
enum class Verb : std::uint8_t {
  send,  ///< or RDMA WRITE: the source begins, each packet is acknowledged
  read   ///< the destination asks for it, and asks again for what is missing; responses are not acknowledged
};

/// Marking by RED on the instantaneous queue, as DCQCN wants it; bytes.
struct EcnConfig {
  std::uint64_t kmin = 100'000;
  std::uint64_t kmax = 400'000;
  double pmax = 0.2;

  /// Of a packet that leaves `queued` bytes behind in its queue.
  [[nodiscard]] double mark_probability(std::uint64_t queued) const noexcept {
    if (queued > kmax) return 1;
    if (queued <= kmin || kmax == kmin) return 0;
    return pmax * static_cast<double>(queued - kmin) / static_cast<double>(kmax - kmin);
  }
};

/// How gateways are built, where the scheme has them.
struct GatewayBuild {
  std::uint32_t lanes = 4;      ///< workers that a gateway's flows are spread over
  Nanoseconds lane_jitter = 0;  ///< the longest that a lane lets its packets wait for its turn
  std::uint32_t tunnels = 16;   ///< to each peer, at the edge
};

struct Config {
  std::uint64_t seed = 1;  ///< of every choice at random; 1 has the anchors' ECMP hashes
  PfcMode pfc = PfcMode::proper;
  EcnConfig ecn = {};
  std::uint64_t buffer_bytes = 9U << 20;  ///< of a switch
  Nanoseconds leaky_pause = 5'000;
  Recovery recovery = Recovery::go_back_n;
  Verb verb = Verb::send;
  Nanoseconds nak_interval = 4'000;
  Nanoseconds retransmission_timeout = 4'000'000;
  GatewayBuild gateways{};
  Nanoseconds stall_limit = 100'000'000;  ///< without any progress, after which a run is given up
  std::vector<NetworkEvent> network_events = {};
  Nanoseconds series_bin = 0;  ///< of Core::series; 0: none is recorded
};

/// What may still arrive on a port after the buffer has told its neighbour to pause: a round trip's worth,
/// a packet being sent at either end; bytes.
constexpr std::uint64_t headroom_bytes(std::uint64_t rate, Nanoseconds delay) noexcept {
  return rate / 8'000 * static_cast<std::uint64_t>(delay) / 1'000'000 * 2 +
         std::uint64_t{2} * full_packet_bytes;
}

}  // namespace braidway::bench::fabric
