// From the YAML tree to the draft: keys, types and ranges, one value at a time. What depends on several
// values is validate.hpp's. Plain values, any thread.
#pragma once

#include <vector>

#include "ctrl/config/draft.hpp"
#include "ctrl/config/field.hpp"
#include "ctrl/config/yaml.hpp"

namespace braidway::ctrl {

/// Decodes what is right and reports what is not.
[[nodiscard]] Draft decode(const Node& root, Problems& problems);

/// Every key that decode() knows, from the same tables, for comparison with the schema.
[[nodiscard]] std::vector<KeyInfo> known_keys();

}  // namespace braidway::ctrl
