#include "dataplane/path_condition.hpp"

#include <spdlog/spdlog.h>

#include "telemetry/message.hpp"

namespace braidway::dataplane {

PathCondition::PathCondition(const PathSignal& signal) noexcept
    : state(signal.state.load(std::memory_order_relaxed)),
      blocked(signal.blocked.load(std::memory_order_relaxed)),
      from_dead(signal.from_dead.load(std::memory_order_relaxed)),
      share(signal.share.load(std::memory_order_relaxed)),
      lost(signal.lost.get()),
      utilisation(telemetry::share_of_capacity(signal.utilisation.load(std::memory_order_relaxed))) {}

std::string_view PathCondition::name() const noexcept {
  if (blocked) {
    return "blocked";
  }
  switch (state) {
    case lb::PathState::live:
      return "live";
    case lb::PathState::suspect:
      return "suspect";
    case lb::PathState::dead:
      return "dead";
    case lb::PathState::lossy:
      break;
  }
  return "lossy";
}

void PathLog::tell(const PeerSettings& peer, const PeerLink& link) {
  for (std::size_t i = 0; i < told_.size(); ++i) {
    const std::string_view now = PathCondition(link.paths[i]).name();
    // A path is suspect for microseconds whenever PFC pauses it.
    if (now == told_[i] || now == "suspect") {
      continue;
    }
    told_[i] = now;
    spdlog::log(now == "live" ? spdlog::level::info : spdlog::level::warn, "path {} to {}: {}",
                peer.paths[i].name, peer.name, now);
  }
  const lb::Policy policy = link.policy.load(std::memory_order_relaxed);
  if (policy == told_policy_) {
    return;
  }
  if (policy < told_policy_) {
    spdlog::warn(
        "policy towards {}: {} in place of {}, since half of the paths are out or its hosts complain of "
        "disorder",
        peer.name, lb::name_of(policy), lb::name_of(told_policy_));
  } else {
    spdlog::info("policy towards {}: {} again", peer.name, lb::name_of(policy));
  }
  told_policy_ = policy;
}

}  // namespace braidway::dataplane
