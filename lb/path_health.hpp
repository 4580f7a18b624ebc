// Which of a peer's paths may be used: liveness by what the peer says it has heard, and loss by what it says
// it has received. The rules are those of Braidway's design, section 5.
//
//   live     takes packets
//   suspect  packets are outstanding on it, it has shown nothing for 200 us, and another path has: takes no
//   new
//            packets, comes back at its first sign (a path paused by PFC looks just like that)
//   dead     silent for three heartbeats of 1 ms: only probes show that it is back
//   lossy    loses more than its share (gray loss): comes back after a while that doubles each time
//
// Loss is counted by alternate marking (RFC 9341): the departure time that is on every packet cuts its path's
// packets into periods of 2^19 ns, and since a path is first in, first out, all of a period have arrived or
// are lost when the first of the next arrives. So sent and received of a period compare to the packet,
// however many are under way.
//
// Never are more than half of the paths lossy: what all paths lose is lost behind them.
// `now` is the time that the worker ran (a worker that was off its core must not kill its paths); departures
// are the clock's that is stamped. Pure; owner: whoever handles the peer's messages. All memory at
// construction.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lb/types.hpp"

namespace braidway::lb {

enum class PathState : std::uint8_t { live, suspect, dead, lossy };

/// The period of alternate marking that a packet belongs to, by its departure.
constexpr std::uint32_t marking_period(Nanoseconds departure) noexcept {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(value(departure)) >> 19);
}

/// What a feedback message says of one path's packets.
struct PathReceipt {
  PathId path{};
  bool heard = false;        ///< anything came since the message before
  std::uint32_t period = 0;  ///< the last one that is complete: a packet of a later one has come
  std::uint32_t received =
      0;  ///< packets of all periods up to that one, wrapping; since the same start as sent
};

class PathHealth {
 public:
  struct Parameters {
    /// Silence after which a path with packets outstanding is suspect: a message interval, a round trip and
    /// slack.
    Nanoseconds suspect_after{200'000};
    /// Silence after which it is dead: three heartbeats.
    Nanoseconds dead_after{3'000'000};
    /// Packets over which loss is judged, by exponential forgetting: at 10,000 packets 0.1 % is 10.
    float loss_memory = 8'000;
    /// Loss that is too much, share, if at least `loss_least` packets were lost: RoCE fabrics lose none.
    float loss_share = 0.0003F;
    float loss_least = 3;
    /// How long a lossy path is left alone at first, and at most; doubled each time.
    Nanoseconds lossy_for{100'000'000};
    Nanoseconds lossy_longest{10'000'000'000};
  };

  explicit PathHealth(std::size_t paths) : PathHealth(paths, Parameters{}) {}
  PathHealth(std::size_t paths, const Parameters& parameters);

  /// A packet that counts leaves by the path, stamped with `departure`.
  void sent(PathId path, Nanoseconds departure, Nanoseconds now) noexcept;
  /// A message: one receipt a path at most.
  void received(std::span<const PathReceipt> receipts, Nanoseconds now) noexcept;
  /// Time alone. To be called at least every 100 us.
  void advance(Nanoseconds now) noexcept;

  [[nodiscard]] PathState state(PathId path) const noexcept { return paths_[value(path)].state; }
  [[nodiscard]] bool usable(PathId path) const noexcept { return state(path) == PathState::live; }
  /// Packets known to be lost on the path.
  [[nodiscard]] std::uint64_t lost(PathId path) const noexcept { return paths_[value(path)].lost; }

 private:
  static constexpr std::size_t periods = 16;

  struct Path {
    PathState state = PathState::live;
    bool outstanding = false;                           ///< something was sent since it was last heard
    Nanoseconds unheard_since{};                        ///< when the first of that was sent
    std::uint32_t sent = 0;                             ///< in all, wrapping
    std::uint32_t period = 0;                           ///< that of the last packet sent
    std::array<std::uint32_t, periods> sent_through{};  ///< by period: sent up to and including it
    std::uint32_t judged_sent = 0;                      ///< of the last receipt judged
    std::uint32_t judged_lost = 0;
    float recent_sent = 0;
    float recent_lost = 0;
    std::uint64_t lost = 0;
    Nanoseconds lossy_until{};
    Nanoseconds lossy_next{};
  };

  void judge_loss(Path& path, const PathReceipt& receipt, Nanoseconds now) noexcept;

  Parameters parameters_;
  std::vector<Path> paths_;
  Nanoseconds last_heard_{};  ///< anything from the peer on any path
};

}  // namespace braidway::lb
