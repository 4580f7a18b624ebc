// What the messages of a peer make of the paths to it: their health, their slow weights, and the policy in
// force, told to all lanes by PeerLink. What the slow loop expects of the paths biases their weights, for as
// long as it goes on.
//
// Owner: the lane that handles the peer's messages. Time is an argument. All memory at construction.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "dataplane/peer_link.hpp"
#include "dataplane/settings.hpp"
#include "lb/path_delay.hpp"
#include "lb/path_health.hpp"
#include "lb/path_weights.hpp"
#include "lb/policy_governor.hpp"
#include "telemetry/message.hpp"

namespace braidway::dataplane {

class PathControl {
 public:
  PathControl(const PeerSettings& peer, PeerLink& link);

  /// A feedback of the peer that counts.
  void take(const telemetry::Message& feedback, lb::Nanoseconds now) noexcept;
  /// A message of ours has left by the path.
  void sent_message(lb::PathId path, lb::Nanoseconds now) noexcept { health_.probed(path, now); }
  /// The peer has booted anew, or says that it restores order, or does not.
  void set_restores_order(bool restores) noexcept;
  /// We have heard ourselves by the path.
  void heard_ourselves(lb::PathId path, lb::Nanoseconds now) noexcept;
  /// Looks at what the lanes have sent, and at the time. To be called at least every 100 us.
  void advance(lb::Nanoseconds now) noexcept;

  [[nodiscard]] bool usable(lb::PathId path) const noexcept { return health_.usable(path) && !blocked(path); }
  [[nodiscard]] bool blocked(lb::PathId path) const noexcept {
    return blocked_until_[lb::value(path)] != free;
  }
  /// When data last left by the path.
  [[nodiscard]] lb::Nanoseconds data_at(lb::PathId path) const noexcept { return data_at_[lb::value(path)]; }

 private:
  static constexpr lb::Nanoseconds free{-1};

  [[nodiscard]] lb::PathSent sent(lb::PathId path, std::uint32_t period) const noexcept;
  void note_utilisation(lb::PathId path, std::uint8_t told, lb::Nanoseconds now) noexcept;
  void govern(lb::Nanoseconds now) noexcept;
  /// Takes over what the slow loop expects, or forgets it when the loop has stopped. Answers whether that
  /// changes anything.
  [[nodiscard]] bool heed_foresight(lb::Nanoseconds now) noexcept;
  void publish() noexcept;

  PeerLink& link_;
  lb::PathHealth health_;
  lb::PathWeights weights_;
  lb::PolicyGovernor governor_;
  std::vector<std::uint32_t> totals_;           ///< by path: packets sent, as last looked at
  std::vector<lb::Nanoseconds> data_at_;        ///< by path
  std::vector<lb::Nanoseconds> delay_at_;       ///< by path: when the peer last told of one
  std::vector<lb::Nanoseconds> told_at_;        ///< by path: when it last told of utilisation
  std::vector<lb::Nanoseconds> blocked_until_;  ///< by path, or `free`
  std::vector<lb::PathReceipt> receipts_;       ///< of the message in hand
  std::vector<lb::PathDelay> delays_;           ///< the same
  std::uint64_t naks_ = 0;                      ///< that the governor has been told of
  std::uint64_t governed_packets_ = 0;          ///< the same
  lb::Nanoseconds governed_at_{};
  std::vector<float> biases_;            ///< by path, as heeded
  std::uint32_t foresight_version_ = 0;  ///< that is heeded
  std::uint32_t foresight_ticks_ = 0;    ///< of the loop, as last looked at
  lb::Nanoseconds foresight_at_{};       ///< when they last grew
};

}  // namespace braidway::dataplane
