// What flows to a peer may do by its policy and its rules'. Plain values, any thread.
#pragma once

#include <algorithm>

#include "ctrl/config/draft.hpp"

namespace braidway::ctrl {

template <typename Is>
[[nodiscard]] bool any_policy(const PeerDraft& peer, const Draft& draft, Is is) {
  return is(peer.policy.value_or(draft.policy.value_or(lb::Policy::pinned))) ||
         std::ranges::any_of(peer.rules, [&](const RuleDraft& rule) { return is(rule.policy.value); });
}

/// Some may leave the path that their hash picks.
[[nodiscard]] inline bool may_move(const PeerDraft& peer, const Draft& draft) {
  return any_policy(peer, draft, [](lb::Policy policy) { return policy != lb::Policy::pinned; });
}

/// Some may have their packets on several paths, and are stamped for that.
[[nodiscard]] inline bool may_be_stamped(const PeerDraft& peer, const Draft& draft) {
  return peer.stamping.value_or(dataplane::Stamping::none) != dataplane::Stamping::none &&
         any_policy(peer, draft, [](lb::Policy policy) { return policy > lb::Policy::idle_move; });
}

}  // namespace braidway::ctrl
