// What messages tell of a path to the peer and of the path from it, as the control thread and `show` see it.
// Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "dataplane/peer_link.hpp"
#include "dataplane/settings.hpp"
#include "dataplane/treatments.hpp"
#include "lb/path_health.hpp"
#include "lb/policy.hpp"

namespace braidway::dataplane {

/// Without messages it is live.
struct PathCondition {
  lb::PathState state = lb::PathState::live;
  bool blocked = false;    ///< it is a loop
  bool from_dead = false;  ///< nothing comes by it from the peer
  float share = 1;         ///< of its weight that it is given
  std::uint64_t lost = 0;  ///< packets on the way to the peer
  /// Of its capacity, 0..1, that is in use where it is busiest on the way to the peer; nothing: nobody tells.
  std::optional<float> utilisation;

  explicit PathCondition(const PathSignal& signal) noexcept;
  [[nodiscard]] std::string_view name() const noexcept;
  /// Packets may be given to it.
  [[nodiscard]] bool usable() const noexcept { return !blocked && state != lb::PathState::dead; }
};

/// Tells the log of each change of a path, and of the policy in force. Owner: the control thread.
class PathLog {
 public:
  explicit PathLog(const PeerSettings& peer)
      : told_(peer.paths.size(), "live"), told_policy_(boldest_policy(peer)) {}
  void tell(const PeerSettings& peer, const PeerLink& link);

 private:
  std::vector<std::string_view> told_;  ///< by path
  lb::Policy told_policy_;
};

}  // namespace braidway::dataplane
