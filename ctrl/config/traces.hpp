// What traces to a peer (IOAM) must keep to, and what they come to. Plain values, any thread.
#pragma once

#include <optional>
#include <vector>

#include "ctrl/config/draft.hpp"
#include "ctrl/config/yaml.hpp"
#include "dataplane/settings.hpp"

namespace braidway::ctrl {

/// Reports traces beside stamps, with ends that are none, and without room for them in front of a packet.
void check_traces(const Draft& draft, std::vector<Problem>& problems);

std::optional<dataplane::TraceSettings> trace_of(const TraceDraft& draft);

}  // namespace braidway::ctrl
