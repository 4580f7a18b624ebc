// ConWeave (Song et al., SIGCOMM 2023), as its authors' simulator has it: a flow leaves its path when a reply
// does not come in time, and the destination's leaf holds what arrives by the new path until the last packet
// of the old one has passed.
//
// Source leaf, for each flow: an epoch begins with a packet that asks for a reply (INIT). If the reply is
// there by the deadline, the next packet begins the next epoch, on the same path. If not, one more packet
// goes by the old path (TAIL), the rest (phase 1) by another: of two drawn at random the first that nobody
// has complained of for 16 us; if both are bad, by the old one. The reply to the TAIL ends the epoch. After
// 300 us of silence a flow begins anew, on a path chosen so. Destination leaf: phase 1 before its TAIL is
// held, outside the switch's buffer, until the TAIL comes, or until it must have: when it left (phase 1 says)
// plus the time the last packet of phase 0 took, plus 16 us; 200 us where that is not known. Every marked
// packet's path is complained of (NOTIFY) to its source's leaf. Times are those of the anchors. Owner: the
// thread of its simulation.
#pragma once

#include <limits>
#include <vector>

#include "bench/fabric/schemes/leaf_paths.hpp"

namespace braidway::bench::fabric {

class ConWeave final : public Scheme {
 public:
  static constexpr Nanoseconds reply_slack = 4'000;  ///< over the round trip between the leaves
  static constexpr Nanoseconds path_pause = 16'000;
  static constexpr Nanoseconds flush_slack = 16'000;
  static constexpr Nanoseconds default_wait = 200'000;
  static constexpr Nanoseconds expiry = 300'000;

  explicit ConWeave(Fabric& fabric);

  PortIndex choose(NodeIndex node, Packet& packet, std::span<const PortIndex> candidates) override;
  bool on_arrival(NodeIndex node, PacketIndex index) override;
  void on_timer(std::uint32_t flow, std::uint32_t setting) override;
  [[nodiscard]] std::uint64_t order_peak_bytes() const override { return peak_bytes_; }

 private:
  static constexpr Nanoseconds never = std::numeric_limits<Nanoseconds>::max();

  enum class Role : std::uint8_t { usual, init, tail };
  enum class Message : std::uint8_t { init_reply, tail_reply, notify };
  struct DataTag {
    Nanoseconds sent;
    Nanoseconds tail_sent;  ///< in phase 1: when its TAIL was
    std::uint32_t epoch;
    PathNumber path;
    std::uint8_t phase;
    Role role;
  };
  struct ControlTag {
    std::uint32_t epoch;
    PathNumber path;
    Message message;
  };
  struct Source {
    Nanoseconds active = -1;  ///< when it last sent; never
    Nanoseconds deadline = never;
    Nanoseconds tail_sent = 0;
    std::uint32_t epoch = 0;
    PathNumber path = 0;
    std::uint8_t phase = 0;
    bool stabilized = false;  ///< what the epoch waited for has come
  };
  struct Sink {
    Nanoseconds phase0_sent = 0;
    Nanoseconds phase0_arrived = 0;
    Nanoseconds tail_sent = 0;
    std::uint32_t epoch = 0;
    std::uint32_t timer_setting = 0;  ///< the latest; earlier ones are void
    std::uint8_t phase = 0;
    bool phase0_seen = false;  ///< in this epoch
    bool holds = false;
    PacketFifo held;
  };

  void depart(Packet& packet);
  /// The path of two drawn at random that is not paused, or `otherwise`.
  PathNumber good_path(std::uint32_t pair, PathNumber otherwise);
  bool arrive(NodeIndex node, PacketIndex index);
  void begin_epoch(Sink& sink, const DataTag& tag);
  void answer(const Packet& packet, const DataTag& tag);
  void send(const Packet& packet, const ControlTag& tag);
  void take(const Packet& packet);
  void hold(PacketIndex index);
  void set_flush(FlowIndex flow, Nanoseconds at);
  void flush(FlowIndex flow);

  Fabric& fabric_;
  LeafPaths paths_;
  std::vector<Nanoseconds> round_trips_;                ///< by pair of leaves
  std::vector<std::vector<Nanoseconds>> paused_until_;  ///< by pair of leaves and path
  std::vector<Source> sources_;                         ///< by flow
  std::vector<Sink> sinks_;                             ///< by flow
  std::vector<std::uint64_t> held_;                     ///< bytes by destination
  std::uint64_t peak_bytes_ = 0;
};

}  // namespace braidway::bench::fabric
