// What a peer's rules must keep to, and what they come to. Plain values, any thread.
#pragma once

#include <vector>

#include "ctrl/config/draft.hpp"
#include "ctrl/config/yaml.hpp"
#include "dataplane/settings.hpp"

namespace braidway::ctrl {

/// Reports rules that cannot be as written, or that others leave nothing to; and hops that nobody stamps.
void check_rules(const Draft& draft, std::vector<Problem>& problems);

/// The peer's `int` and rules as settings; what a rule leaves out is the peer's.
dataplane::HopSettings hops_of(const HopsDraft& draft);
std::vector<dataplane::RuleSettings> rules_of(const PeerDraft& peer, const dataplane::PeerSettings& settings);

}  // namespace braidway::ctrl
