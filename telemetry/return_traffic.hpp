// What a path is like, told by the traffic that comes back, where the far end is no gateway: round trips by
// ACK, CNPs and NAKs. By these `idle-move` and the choice of a path work single-ended.
//
// A round trip is a packet's that asks for an ACK (BTH, AckReq) and gets one with its very PSN; it includes
// the receiver and the way back, whichever that is. One packet a flow is timed at once. What would lie is not
// measured:
//   - a PSN that was sent before (Karn and Partridge, SIGCOMM 1987): a flow's PSNs are followed, and whatever
//     does not lead them is sent again. The timed packet is then given up, as all behind it may be sent
//     again.
//   - an ACK beyond the timed packet, which stands for several (coalesced): it does not tell when the first
//     would have come. The packet is given up after `patience`, and the next one timed.
//   - READ and ATOMIC: their answers wait for the host's memory.
//
// An ACK, NAK or CNP bears the sender's QPN, data the receiver's, and nothing tells which belong together. It
// is learnt: the flow of return traffic that answers a timed packet's PSN is that flow's partner. PSNs begin
// at random, so this is hardly chance, but not never: the first answer is not measured, and an answer for
// another flow than the partner is not either; after three of those in a row the partner has changed. CNPs
// and NAKs count for the path of the packet that was last measured: the one they are most likely about.
//
// What says that a flow fares badly is kept for it, until it is asked for: a CNP, a NAK, or a round trip of
// more than twice its path's usual one (and 20 us more). A byte for many flows' hashes: chance may tell one
// flow of another's trouble.
//
// With several lanes the two directions of a flow may belong to different ones; such flows are not measured.
// One of n is, and a path has many.
//
// Pure; owner: one worker, meters read by any thread. All memory at construction: 261 bytes a flow of the
// capacity, 3.8 KB a path. A full table measures fewer flows; nothing is evicted by what comes back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lb/flow_key.hpp"
#include "lb/flow_map.hpp"
#include "lb/tick.hpp"
#include "lb/types.hpp"
#include "telemetry/awaited_acks.hpp"
#include "telemetry/counter.hpp"
#include "telemetry/extremes.hpp"
#include "telemetry/log_linear_histogram.hpp"
#include "telemetry/roce.hpp"

namespace braidway::telemetry {

/// What is read of a host's RoCEv2 packet.
struct SentPacket {
  std::uint32_t psn = 0;
  std::uint16_t path = 0;  ///< it leaves by
  std::uint8_t opcode = 0;
  bool ack_requested = false;
};
static_assert(sizeof(SentPacket) == 8);
/// Of one that comes back.
struct ReturnedPacket {
  std::uint32_t psn = 0;
  std::uint8_t opcode = 0;
  std::uint8_t syndrome = 0;  ///< of the AETH, if the opcode is rc_acknowledge
};
static_assert(sizeof(ReturnedPacket) == 8);

/// One path's. Written by ReturnTraffic's owner.
class ReturnMeter {
 public:
  /// Round trips, ns.
  [[nodiscard]] const LogLinearHistogram& rtt() const noexcept { return rtt_; }
  [[nodiscard]] std::uint64_t rtts() const noexcept { return rtts_.get(); }
  [[nodiscard]] std::uint64_t rtt_sum() const noexcept { return rtt_sum_.get(); }  ///< ns
  [[nodiscard]] std::uint64_t cnps() const noexcept { return cnps_.get(); }
  /// Of those that say "PSN sequence error".
  [[nodiscard]] std::uint64_t naks() const noexcept { return naks_.get(); }
  /// Packets sent over it that were no flow's first of their PSN.
  [[nodiscard]] std::uint64_t repeats() const noexcept { return repeats_.get(); }
  /// Requests sent over it, repeats apart.
  [[nodiscard]] std::uint64_t requests() const noexcept { return requests_.get(); }
  /// By one thread: since it last asked.
  std::optional<Extremes::Range> take_rtts() noexcept { return range_.take(); }

 private:
  friend class ReturnTraffic;

  /// Answers whether it is far above what is usual.
  bool measure(std::uint32_t rtt) noexcept;

  Extremes range_;
  float usual_ = 0;  ///< round trip, ns; read by the owner alone
  Counter rtts_;
  Counter rtt_sum_;
  Counter cnps_;
  Counter naks_;
  Counter repeats_;
  Counter requests_;
  LogLinearHistogram rtt_;
};

class ReturnTraffic {
 public:
  struct Parameters {
    /// Flows followed, of each direction.
    std::size_t flows = 65'536;
    /// How long an ACK is waited for: far above round trips, and below what brings the same PSN again.
    lb::Nanoseconds patience{10'000'000};
    /// Silence after which a flow is forgotten. Longer than an RNIC usually waits before it sends again.
    lb::Nanoseconds forget{10'000'000'000};
    /// Of the names of awaited packets.
    std::uint64_t seed = 0;
  };
  /// What belongs to no path.
  struct Counters {
    Counter no_room;     ///< packets of flows that are not followed
    Counter unpaired;    ///< CNPs and NAKs for a flow that nobody knows
    Counter other_flow;  ///< ACKs of a timed PSN that came for another flow than the partner
  };

  /// Paths are numbered by the caller, 0..paths-1. Throws std::invalid_argument for what it cannot work with.
  ReturnTraffic(std::size_t paths, const Parameters& parameters);

  /// A burst of hosts' RoCEv2 packets leaves. The spans are of one length; hashes[i] of keys[i] is always the
  /// same.
  void sent(std::span<const std::uint64_t> hashes, std::span<const lb::FlowKey> keys,
            std::span<const SentPacket> packets, lb::Nanoseconds now) noexcept;
  /// A burst comes back for hosts.
  void returned(std::span<const std::uint64_t> hashes, std::span<const lb::FlowKey> keys,
                std::span<const ReturnedPacket> packets, lb::Nanoseconds now) noexcept;
  /// Whether there was trouble with the flow that was sent under the hash, since this was last asked.
  bool take_trouble(std::uint64_t hash) noexcept;
  /// Forgets silent flows, a few a call. To be called each turn of the worker.
  void sweep(lb::Nanoseconds now) noexcept;

  [[nodiscard]] ReturnMeter& path(std::uint16_t number) noexcept { return paths_[number]; }
  [[nodiscard]] const ReturnMeter& path(std::uint16_t number) const noexcept { return paths_[number]; }
  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  struct Sender {
    std::uint32_t next_psn = 0;  ///< after the highest that was sent
    std::uint32_t timed_psn = 0;
    lb::Tick last_seen{};
    lb::Tick repeated_at{};  ///< means something if `repeated`
    bool known = false;
    bool timing = false;
    bool repeated = false;
  };
  struct Partner {
    std::uint32_t flow = 0;  ///< that is answered
    lb::Tick last_seen{};
    std::uint16_t path = 0;        ///< of the packet last measured
    std::uint8_t disagreeing = 0;  ///< answers in a row for another flow
    bool known = false;
  };

  void follow(Sender& sender, std::uint32_t flow, const lb::FlowKey& key, const SentPacket& packet,
              lb::Nanoseconds now) noexcept;
  void time(Sender& sender, std::uint32_t flow, const lb::FlowKey& key, const SentPacket& packet,
            lb::Nanoseconds now) noexcept;
  void acknowledged(std::uint64_t hash, const lb::FlowKey& key, AwaitedAcks::Name name,
                    lb::Nanoseconds now) noexcept;
  const Partner* troubled(std::uint64_t hash, const lb::FlowKey& key, lb::Nanoseconds now) noexcept;

  Parameters parameters_;
  lb::FlowMap<Sender> senders_;
  lb::FlowMap<Partner> partners_;
  AwaitedAcks awaited_;
  std::vector<ReturnMeter> paths_;
  std::vector<std::uint8_t> troubles_;  ///< by the flow's short name, modulo their number, a power of two
  Counters counters_;
};

}  // namespace braidway::telemetry
