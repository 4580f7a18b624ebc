// What tunnels to a peer must keep to, and what they come to. Plain values, any thread.
#pragma once

#include <optional>
#include <vector>

#include "ctrl/config/draft.hpp"
#include "ctrl/config/yaml.hpp"
#include "dataplane/settings.hpp"

namespace braidway::ctrl {

/// Reports tunnels beside strands, of two families, with the same ends, without stamps or without the link
/// headers that they need; and link headers that nothing needs.
void check_tunnels(const Draft& draft, std::vector<Problem>& problems);

std::optional<dataplane::LinkSettings> link_of(const LinkDraft& draft);
std::optional<dataplane::TunnelPath> tunnel_of(const TunnelDraft& draft);

}  // namespace braidway::ctrl
