// The bytes of a configuration file, checked to be text, with their lines. Plain values, any thread.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "ctrl/config/config.hpp"

namespace braidway::ctrl {

struct Problem;

/// Valid UTF-8 (RFC 3629) without control characters but tab and line end. Refers to bytes that the caller
/// keeps.
class Text {
 public:
  /// A byte order mark at the start is left out.
  static tl::expected<Text, Problem> from_bytes(std::string_view raw);

  [[nodiscard]] std::string_view bytes() const { return bytes_; }
  /// From 1; empty beyond the last.
  [[nodiscard]] std::string_view line(std::size_t number) const;

 private:
  explicit Text(std::string_view bytes);

  std::string_view bytes_;
  std::vector<std::size_t> starts_;  // of each line
};

/// From yaml-cpp's mark: line and column from 0, column in bytes.
[[nodiscard]] Location locate(const Text& text, int line, int column);

}  // namespace braidway::ctrl
