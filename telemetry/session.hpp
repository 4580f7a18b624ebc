// What a gateway knows of one peer, and what makes an authentic message of that peer count: it echoes our
// boot id, so it was sent in this life of ours; its boot is the peer's present one; and its sequence is new.
//
// Who can record, hold back and replay messages, but not forge them, is to restart nothing:
//   - A message of an earlier life of ours echoes another boot id. It is answered, no more.
//   - A boot of the peer that another has followed is retired for the rest of our life. Its messages echo
//     our boot id, but never count again.
//   - A boot that we have not met becomes the peer's only when the present one has been silent for
//     `silence`, as it is after a restart; while both speak there are two gateways with the peer's id.
//   - So many boots are remembered as retired, and no retired one is forgotten: when there is no room for
//     another, we need a new life towards this peer, in which all that was ever recorded is void.
// One thing is left to who can silence the living peer on all paths, and has kept back all that an earlier
// boot sent until the next one had our ear: he may pass that boot off as a restart. Then the peer speaks
// while retired, which is noticed, and a new life undoes it. A new life is a new boot id towards this peer,
// who takes it for a restart.
//
// Owner: whoever handles the peer's messages. Time is an argument, never goes back. Fixed size, 5 KB.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "lb/types.hpp"
#include "telemetry/message.hpp"

namespace braidway::telemetry {

/// Which sequences have been taken: the newest, and 1,023 before it. From 1; they end at 2^64 - 1.
class SequenceWindow {
 public:
  static constexpr std::uint64_t span = 1024;

  enum class Place : std::uint8_t { fresh, repeated, too_old };

  [[nodiscard]] Place place(std::uint64_t sequence) const noexcept;
  /// Of a fresh one.
  void take(std::uint64_t sequence) noexcept;
  /// 0: none yet.
  [[nodiscard]] std::uint64_t newest() const noexcept { return newest_; }

 private:
  std::uint64_t newest_ = 0;
  std::array<std::uint64_t, span / 64> taken_{1};  ///< bit `sequence % span`; 0 is none and counts as taken
};

/// What becomes of an authentic message. Only one that `counts` may be believed.
enum class Verdict : std::uint8_t {
  counts,
  repeated,      ///< taken before
  too_old,       ///< 1024 or more behind the newest
  unknown_echo,  ///< not sent in this life of ours
  retired_boot,  ///< of an earlier boot of the peer: replayed, or very late
  second_boot,  ///< another boot speaks beside the peer's, or a retired one goes on: two gateways with its id
  no_room,      ///< a restart that has to wait for a new life of ours
  own_message,  ///< we have sent it: the strand that it came by loops back
  own_id,       ///< our id, but not our boot: two gateways with our id (or a message of our past, replayed)
  other_pair,   ///< not between us and this peer
};
inline constexpr std::array<std::string_view, 10> verdict_names{
    "counts",      "repeated", "too_old",     "unknown_echo", "retired_boot",
    "second_boot", "no_room",  "own_message", "own_id",       "other_pair"};
static_assert(verdict_names.size() == static_cast<std::size_t>(Verdict::other_pair) + 1);

struct Reception {
  Verdict verdict{};
  /// Send a probe headed by Session::answer(): the peer has to learn our boot id.
  bool answer = false;
  bool first_contact = false;  ///< the first message of the peer in this life of ours
  bool restarted = false;      ///< the peer has booted anew: flush its order windows before its packets count
  bool paths_changed = false;  ///< Session::generation() is another
  bool block_changed = false;  ///< Session::blocked() of the message's path is another
};

class Session {
 public:
  struct Parameters {
    /// Three heartbeats of 1 ms.
    lb::Nanoseconds silence{3'000'000};
    /// Least time between two answers, so that nobody makes us flood the peer with them.
    lb::Nanoseconds between_answers{1'000'000};
    /// Least time between two lives.
    lb::Nanoseconds life{1'000'000'000};
  };
  /// What is to be said in the header of a message.
  struct Sending {
    lb::Nanoseconds now{};
    std::uint16_t generation = 0;
    lb::PathId path{};
    lb::Lane lane{};
    bool blocked_strand = false;
  };
  static constexpr std::size_t most_retired = 16;

  /// `boot`: random and not 0.
  Session(lb::GatewayId self, lb::GatewayId peer, BootId boot) : Session(self, peer, boot, Parameters{}) {}
  Session(lb::GatewayId self, lb::GatewayId peer, BootId boot, const Parameters& parameters) noexcept
      : self_(self), peer_(peer), boot_(boot), parameters_(parameters) {}

  /// Takes a message that read_message() found no defect in.
  Reception receive(const Message& message, lb::Nanoseconds now) noexcept;

  /// The header of the next message to the peer.
  MessageHeader next(const Sending& sending) noexcept { return header(sending, peer_boot_); }
  /// The header of the answer to a message that Reception::answer is said of.
  MessageHeader answer(const Message& to, const Sending& sending) noexcept {
    return header(sending, to.header.sender_boot);
  }

  /// The state of things asks for begin_life(), and the last one is long enough ago.
  [[nodiscard]] bool wants_new_life(lb::Nanoseconds now) const noexcept;
  /// From now on our boot id is `fresh` (random, not 0, never used), and the peer has yet to show itself.
  void begin_life(BootId fresh, lb::Nanoseconds now) noexcept;

  [[nodiscard]] BootId boot() const noexcept { return boot_; }
  /// The peer's present boot, or unknown_boot.
  [[nodiscard]] BootId peer_boot() const noexcept { return peer_boot_; }
  /// Of the peer's set of paths, as it last said.
  [[nodiscard]] std::uint16_t generation() const noexcept { return generation_; }
  /// As the peer last said; none until its first feedback.
  [[nodiscard]] std::uint32_t capabilities() const noexcept { return capabilities_; }
  /// The peer uses the strand of this path of its for nothing but messages.
  [[nodiscard]] bool blocked(lb::PathId path) const noexcept { return paths_[value(path)].blocked; }

 private:
  struct Retired {
    BootId boot{};
    std::uint64_t newest = 0;  ///< highest sequence seen of it
  };
  struct Path {
    std::uint64_t newest = 0;  ///< highest sequence seen on it
    bool blocked = false;
  };

  MessageHeader header(const Sending& sending, BootId echo) noexcept;
  [[nodiscard]] Verdict own(const MessageHeader& header) const noexcept;
  [[nodiscard]] bool silent(lb::Nanoseconds now) const noexcept;
  Retired* retired(BootId boot) noexcept;
  Verdict hear_retired(Retired& retired, std::uint64_t sequence, lb::Nanoseconds now) noexcept;
  void forget_peer() noexcept;
  void take(const Message& message, lb::Nanoseconds now, Reception& out) noexcept;

  lb::GatewayId self_;
  lb::GatewayId peer_;
  BootId boot_;
  BootId boot_before_ = unknown_boot;
  Parameters parameters_;
  std::uint64_t sent_ = 0;  ///< sequence of our last message
  lb::Nanoseconds born_{std::numeric_limits<std::int64_t>::min()};
  bool needs_new_life_ = false;
  lb::Nanoseconds next_answer_{std::numeric_limits<std::int64_t>::min()};

  BootId peer_boot_ = unknown_boot;
  SequenceWindow window_;
  lb::Nanoseconds heard_at_{};  ///< the last message that counted
  std::uint16_t generation_ = 0;
  std::uint32_t capabilities_ = 0;
  std::array<Path, lb::max_paths_per_peer> paths_{};
  std::array<Retired, most_retired> retired_{};
  std::size_t retired_count_ = 0;
};

}  // namespace braidway::telemetry
