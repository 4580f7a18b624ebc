// Wording shared by the configuration's error messages. Pure, any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace braidway::ctrl {

/// In single quotes, shortened and without control characters, so that no file can write over a terminal.
[[nodiscard]] std::string in_quotes(std::string_view text);

/// "a, b and c"
[[nodiscard]] std::string listed(std::span<const std::string_view> words);

/// The one of `words` that a typing error most likely made into `text`; empty if none is near (edit distance
/// with transpositions, at most a third of the length).
[[nodiscard]] std::string_view nearest(std::string_view text, std::span<const std::string_view> words);

}  // namespace braidway::ctrl
