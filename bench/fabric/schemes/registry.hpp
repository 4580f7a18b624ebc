// The schemes by name. A new one is listed in registry.cpp, once. Immutable; any thread.
#pragma once

#include <span>
#include <string_view>

#include "bench/fabric/scheme.hpp"

namespace braidway::bench::fabric {

struct SchemeEntry {
  std::string_view name;
  std::string_view what;  ///< for --help
  SchemeFactory make;
};

[[nodiscard]] std::span<const SchemeEntry> schemes() noexcept;
/// Null if there is none of that name.
[[nodiscard]] const SchemeEntry* find_scheme(std::string_view name) noexcept;

}  // namespace braidway::bench::fabric
