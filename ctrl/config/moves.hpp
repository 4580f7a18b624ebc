// Whether any flow to a peer may leave the path that its hash picks. Plain values, any thread.
#pragma once

#include <algorithm>

#include "ctrl/config/draft.hpp"

namespace braidway::ctrl {

[[nodiscard]] inline bool may_move(const PeerDraft& peer, const Draft& draft) {
  const auto moves = [](lb::Policy policy) { return policy != lb::Policy::pinned; };
  return moves(peer.policy.value_or(draft.policy.value_or(lb::Policy::pinned))) ||
         std::ranges::any_of(peer.rules, [&](const RuleDraft& rule) { return moves(rule.policy.value); });
}

}  // namespace braidway::ctrl
