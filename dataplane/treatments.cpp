#include "dataplane/treatments.hpp"

#include <algorithm>
#include <vector>

namespace braidway::dataplane {
namespace {

std::vector<lb::FlowRules::Rule> rules_of(const PeerSettings& peer) {
  std::vector<lb::FlowRules::Rule> rules;
  rules.reserve(peer.rules.size());
  for (const RuleSettings& rule : peer.rules) rules.push_back(rule.flows);
  return rules;
}

}  // namespace

Treatments::Treatments(const PeerSettings& peer) : rules_(rules_of(peer)) {
  limits_.fill(lb::Policy::pinned);
  for (std::size_t i = 0; i < peer.rules.size(); ++i) limits_[i] = policy_of(peer.rules[i].treatment);
  // Without rules there is nothing that the peer's policy would have to be kept from.
  limits_[lb::FlowRules::none] = peer.rules.empty() ? lb::Policy::automatic : peer.policy;
}

lb::Policy policy_of(const Treatment& treatment) noexcept {
  return treatment.stamping == Stamping::none ? std::min(treatment.policy, lb::Policy::idle_move)
                                              : treatment.policy;
}

lb::Policy boldest_policy(const PeerSettings& peer) noexcept {
  lb::Policy boldest = peer.policy;
  for (const RuleSettings& rule : peer.rules) boldest = std::max(boldest, policy_of(rule.treatment));
  return boldest;
}

}  // namespace braidway::dataplane
