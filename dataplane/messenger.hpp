// The messages between this gateway and one peer (telemetry/message.hpp): takes those of the peer, and says
// when which of ours is due.
//
//   feedback  every `interval` while anything comes from the peer, with all paths in it
//   probe     on a path on which nothing was sent for a `heartbeat`, dead and blocked paths too; and as the
//             answer to who does not know our boot id
//
// What is not a path's own probe goes by the paths in turn that may be used, so that no one path's death
// silences us; and not by one that has just brought nothing while most others did: it may be dead, and what
// is lost on it is the news of that. Who hears himself has a loop: the strand is blocked for all but
// messages. The peer's path is dead to us, and nothing is waited for on it, when nothing has come by it for
// three heartbeats in which this lane ran, and something has by another.
//
// Owner: the lane that handles messages. Time is an argument. All memory at construction; no DPDK, so that
// two of them can be tested against each other.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/path_control.hpp"
#include "dataplane/peer_link.hpp"
#include "dataplane/settings.hpp"
#include "lb/path_delay.hpp"
#include "telemetry/counter.hpp"
#include "telemetry/feedback_records.hpp"
#include "telemetry/message.hpp"
#include "telemetry/path_meter.hpp"
#include "telemetry/session.hpp"

namespace braidway::dataplane {

/// What became of messages received: by the defect, or by the verdict on an authentic one.
struct MessageCounts {
  std::array<telemetry::Counter, telemetry::message_defect_names.size()> defects;
  std::array<telemetry::Counter, telemetry::verdict_names.size()> verdicts;
  telemetry::Counter probes_sent;
  telemetry::Counter feedbacks_sent;
};

class Messenger {
 public:
  /// `meters`: of all lanes; `link` and they outlive this. `boot`: random, not 0.
  Messenger(const GatewaySettings& settings, telemetry::BootId boot, PeerLink& link,
            std::span<telemetry::PathMeters* const> meters);

  /// A UDP payload that came by the port. Answers the message if it is a feedback that counts, good until the
  /// next call; else nullptr.
  const telemetry::Message* receive(std::span<const std::byte> payload, std::uint16_t port,
                                    lb::Nanoseconds now) noexcept;

  struct Due {
    lb::PathId path{};
    std::size_t bytes = 0;  ///< of the payload
  };
  /// Time. To be called each turn, before next().
  void advance(lb::Nanoseconds now) noexcept;
  /// Writes the next message that is due by a path for which `open(path)`; none: nothing is.
  template <typename Open>
  std::optional<Due> next(lb::Nanoseconds now, telemetry::MessageBuffer out, Open open) noexcept;

  [[nodiscard]] const MessageCounts& counts() const noexcept { return counts_; }

 private:
  static constexpr std::int64_t never = -1'000'000'000'000'000;

  /// The peer's path of one number, and ours.
  struct Path {
    lb::Nanoseconds heard{};      ///< from the peer, in running time
    std::uint64_t packets = 0;    ///< that the meters had counted
    bool lags = false;            ///< these were none of late, and most other paths had some
    bool news = false;            ///< a message has come by it since the last feedback
    lb::Nanoseconds sent{never};  ///< our last message by it
  };

  void take(const telemetry::Message& message, lb::Nanoseconds now) noexcept;
  void block(std::uint16_t port, lb::Nanoseconds now) noexcept;
  void look_at_meters() noexcept;
  void judge_silence() noexcept;
  template <typename Open>
  [[nodiscard]] std::optional<lb::PathId> in_turn(Open open) noexcept;
  [[nodiscard]] telemetry::Session::Sending sending(lb::PathId path, lb::Nanoseconds now) const noexcept;
  [[nodiscard]] Due answer(const telemetry::Message& to, lb::PathId path, lb::Nanoseconds now,
                           telemetry::MessageBuffer out) noexcept;
  [[nodiscard]] Due feedback(lb::PathId path, lb::Nanoseconds now, telemetry::MessageBuffer out) noexcept;
  [[nodiscard]] Due probe(lb::PathId path, lb::Nanoseconds now, telemetry::MessageBuffer out) noexcept;
  void sent(lb::PathId path, lb::Nanoseconds now) noexcept;
  [[nodiscard]] bool wants_feedback(lb::Nanoseconds now) const noexcept {
    return heard_ && lb::value(now) - lb::value(feedback_at_) >= interval_ns_;
  }
  [[nodiscard]] lb::Nanoseconds probe_due(std::size_t path) const noexcept;

  lb::GatewayId self_;
  telemetry::MessageKey key_;
  std::int64_t interval_ns_;
  std::int64_t heartbeat_ns_;
  std::int64_t longest_turn_ns_;
  std::uint32_t capabilities_;
  std::vector<std::uint16_t> ports_;  ///< by path
  PeerLink& link_;
  std::vector<telemetry::PathMeters*> meters_;
  PathControl control_;
  telemetry::Session session_;
  telemetry::FeedbackRecords records_;
  std::uint64_t lives_ = 0;

  std::vector<Path> paths_;
  lb::Nanoseconds now_{};
  lb::Nanoseconds ran_{};             ///< time in which this lane ran
  lb::Nanoseconds looked_at_{never};  ///< meters
  bool heard_ = false;                ///< anything of the peer since the last feedback
  std::optional<telemetry::Message> to_answer_;
  lb::Nanoseconds feedback_at_{never};
  std::uint8_t first_record_ = 0;            ///< of the next feedback
  telemetry::Message read_;                  ///< the message in hand
  std::vector<lb::PathDelay> delays_;        ///< of the feedback in hand
  std::vector<telemetry::PathRecord> told_;  ///< by path; those of a feedback are filled in
  std::size_t turn_ = 0;                     ///< path that is tried first for what goes by the paths in turn
  std::size_t probe_turn_ = 0;               ///< the same for probes
  lb::Nanoseconds no_probe_before_{};
  MessageCounts counts_;
};

template <typename Open>
std::optional<lb::PathId> Messenger::in_turn(Open open) noexcept {
  // If none may be used any will do: somebody has to find out that one can be again.
  enum class Of : std::uint8_t { best, usable, all };
  for (const Of of : {Of::best, Of::usable, Of::all}) {
    for (std::size_t i = 0; i < paths_.size(); ++i) {
      const std::size_t at = (turn_ + i) % paths_.size();
      const auto path = static_cast<lb::PathId>(at);
      if (!open(path) || (of != Of::all && !control_.usable(path)) || (of == Of::best && paths_[at].lags)) {
        continue;
      }
      turn_ = at + 1;
      return path;
    }
  }
  return std::nullopt;
}

template <typename Open>
std::optional<Messenger::Due> Messenger::next(lb::Nanoseconds now, telemetry::MessageBuffer out,
                                              Open open) noexcept {
  if (to_answer_ || wants_feedback(now)) {
    const auto path = in_turn(open);
    if (path && to_answer_) {
      const telemetry::Message to = *to_answer_;
      to_answer_.reset();
      return answer(to, *path, now, out);
    }
    if (path) return feedback(*path, now, out);
  }
  if (now < no_probe_before_) return std::nullopt;
  lb::Nanoseconds earliest{INT64_MAX};
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    const std::size_t at = (probe_turn_ + i) % paths_.size();
    const auto path = static_cast<lb::PathId>(at);
    const lb::Nanoseconds due = probe_due(at);
    if (due <= now && open(path)) {
      probe_turn_ = at + 1;
      return probe(path, now, out);
    }
    earliest = std::min(earliest, due);
  }
  // Only later can it become, by what is sent meanwhile.
  no_probe_before_ = earliest;
  return std::nullopt;
}

}  // namespace braidway::dataplane
