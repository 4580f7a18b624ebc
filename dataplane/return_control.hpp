// Which of the paths to hosts without a gateway are slow, by what comes back from them (telemetry/
// return_traffic.hpp): each millisecond, the paths' round trips move their slow weights, and the NAKs of the
// hosts the policy in force, as a peer's messages do where there are some (path_control.hpp). A path that is
// dead is not known by this: nothing tells whether an ACK that is missing was lost on the way there, on the
// way back, or with its host. Links that are down are.
//
// A round trip is the way there, the host, and the way back by whichever path the far side chose: paths
// differ by the first part only, and by chance. So what counts as outlying is more than with one-way delays.
//
// Owner: the lane that runs it. Time is an argument. All memory at construction.
#pragma once

#include <cstdint>
#include <vector>

#include "dataplane/peer_link.hpp"
#include "dataplane/settings.hpp"
#include "lb/path_delay.hpp"
#include "lb/path_weights.hpp"
#include "lb/policy_governor.hpp"
#include "lb/types.hpp"
#include "telemetry/delay_floor.hpp"

namespace braidway::dataplane {

class ReturnControl {
 public:
  /// `link` outlives this; its lanes' returns are there.
  ReturnControl(const PeerSettings& peer, PeerLink& link);

  /// To be called at least each millisecond; does nothing more often.
  void advance(lb::Nanoseconds now) noexcept;

 private:
  struct Path {
    telemetry::DelayFloor floor;
    std::uint64_t rtts = 0;     ///< of all lanes, as last looked at
    std::uint64_t rtt_sum = 0;  ///< ns, the same
  };

  void measure(lb::Nanoseconds now) noexcept;
  void govern(lb::Nanoseconds now) noexcept;
  void publish() noexcept;

  PeerLink& link_;
  lb::PathWeights weights_;
  lb::PolicyGovernor governor_;
  std::vector<Path> paths_;
  std::vector<lb::PathDelay> delays_;  ///< of the millisecond in hand
  std::uint64_t requests_ = 0;         ///< that the governor has been told of
  std::uint64_t naks_ = 0;             ///< the same
  lb::Nanoseconds advanced_at_{};
};

}  // namespace braidway::dataplane
