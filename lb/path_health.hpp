// Which of a peer's paths may be used: liveness by what the peer says it has heard, and loss by what it says
// it has received. The rules are those of Braidway's design, section 5.
//
//   live     takes packets
//   suspect  packets are outstanding on it, it has shown nothing for 200 us, and another path has, of late:
//            takes no new packets, comes back at its first sign (a path paused by PFC looks just like that)
//   dead     silent for three heartbeats of 1 ms: only probes show that it is back
//   lossy    loses more than it may and than the others do (gray loss), or brings as many so late that the
//            sink has given them up, which is no better: comes back after a while that doubles each time
//
// What is lost because a path died is not held against it when it is back.
// Loss is counted by alternate marking (alternate_marking.hpp). Never are more than half of the paths lossy,
// nor all that are left: what all paths lose is lost behind them.
//
// Silence counts only while the worker runs: between two calls no more than a turn passes, so a worker that
// was off its core kills none of its paths. Pure; owner: whoever handles the peer's messages. All memory at
// construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lb/alternate_marking.hpp"
#include "lb/types.hpp"

namespace braidway::lb {

enum class PathState : std::uint8_t { live, suspect, dead, lossy };

/// Packets that several lanes have sent by a path.
struct PathSent {
  std::optional<std::uint32_t> through;  ///< of all periods up to a receipt's; nothing if that is not known
  std::uint32_t total = 0;
};

/// What a feedback message says of one path's packets.
struct PathReceipt {
  PathId path{};
  bool heard = false;          ///< anything came since the message before
  std::uint32_t period = 0;    ///< the last one that is complete (ReceivedByPeriod)
  std::uint32_t received = 0;  ///< packets of all periods up to that one
  std::uint32_t late = 0;      ///< packets that came after their gap was given up, ever
  /// Where packets are counted elsewhere, and sent() is not told of them. The same for all receipts.
  std::optional<PathSent> sent{};
};

class PathHealth {
 public:
  struct Parameters {
    /// Silence after which a path with packets outstanding is suspect: a message interval, a round trip and
    /// slack. The other path must have been heard in the second half of it, an interval after the packets
    /// left: messages that stop coming make no path suspect.
    Nanoseconds suspect_after{200'000};
    /// Silence after which it is dead: three heartbeats.
    Nanoseconds dead_after{3'000'000};
    /// The most that passes between two calls: twice the time in which advance() is to be called.
    Nanoseconds longest_turn{200'000};
    /// Packets over which loss is judged, by exponential forgetting: at 10,000 packets 0.1 % is 10.
    float loss_memory = 8'000;
    /// Loss that is too much, share, if at least `loss_least` packets were lost: RoCE fabrics lose none, and
    /// one is no share yet.
    float loss_share = 0.0003F;
    float loss_least = 2;
    /// It is that much if `loss_least` are left after so many times what the other paths' share would be.
    float loss_outlying = 2;
    /// How long a lossy path is left alone at first, and at most; doubled each time, until it was well for
    /// the longest.
    Nanoseconds lossy_for{100'000'000};
    Nanoseconds lossy_longest{10'000'000'000};
  };

  explicit PathHealth(std::size_t paths) : PathHealth(paths, Parameters{}) {}
  /// For 1..256 paths. Throws std::invalid_argument for what it cannot work with.
  PathHealth(std::size_t paths, const Parameters& parameters);

  /// A packet that counts leaves by the path, stamped with `departure`.
  void sent(PathId path, Nanoseconds departure, Nanoseconds now) noexcept;
  /// A probe, or a packet that is counted elsewhere, has left by the path: its silence counts, too.
  void probed(PathId path, Nanoseconds now) noexcept;
  /// A message: one receipt a path at most.
  void received(std::span<const PathReceipt> receipts, Nanoseconds now) noexcept;
  /// Time alone. To be called at least every 100 us while anything is outstanding.
  void advance(Nanoseconds now) noexcept;

  [[nodiscard]] PathState state(PathId path) const noexcept { return paths_[value(path)].state; }
  [[nodiscard]] bool usable(PathId path) const noexcept { return state(path) == PathState::live; }
  /// Packets known to be lost on the path.
  [[nodiscard]] std::uint64_t lost(PathId path) const noexcept {
    return static_cast<std::uint64_t>(paths_[value(path)].lost);
  }

 private:
  struct Path {
    PathState state = PathState::live;
    bool outstanding = false;     ///< something was sent since it was last heard
    Nanoseconds unheard_since{};  ///< when the first of that was sent, in running time
    SentByPeriod sent;
    std::uint32_t judged_sent = 0;  ///< counts that were last compared
    std::uint32_t judged_received = 0;
    std::uint32_t judged_late = 0;
    std::uint32_t judged_from = 0;  ///< packets before this one are counted, but not held against the path
    float recent_sent = 0;
    float recent_lost = 0;
    std::int64_t lost = 0;
    Nanoseconds lossy_until{};
    Nanoseconds lossy_next{};
  };

  void run(Nanoseconds now) noexcept;
  void await_sign(Path& path) noexcept;
  void judge_loss(Path& path, const PathReceipt& receipt, const PathSent& counted, Nanoseconds now) noexcept;
  [[nodiscard]] bool loses_too_much(const Path& path) const noexcept;
  static void revive(Path& path) noexcept;

  Parameters parameters_;
  std::vector<Path> paths_;
  Nanoseconds last_call_{};
  Nanoseconds ran_{};       ///< running time
  Nanoseconds heard_at_{};  ///< running time when anything last came from the peer on any path
};

}  // namespace braidway::lb
