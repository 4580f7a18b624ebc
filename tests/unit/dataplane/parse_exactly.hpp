// The parser on bytes that end where their heap block ends: what reads on is caught by AddressSanitizer.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <string_view>

#include "dataplane/parser.hpp"

namespace braidway::tests {

/// `frame_bytes`: length of the whole frame, of which `head` is the beginning.
inline dataplane::Parsed parse_exactly(std::span<const std::byte> head, std::size_t frame_bytes) {
  const auto block = std::make_unique<std::byte[]>(head.size());
  std::ranges::copy(head, block.get());
  return dataplane::parse_frame({block.get(), head.size()}, frame_bytes);
}
inline dataplane::Parsed parse_exactly(std::span<const std::byte> frame) {
  return parse_exactly(frame, frame.size());
}

inline std::string_view name_of(dataplane::Malformed why) {
  return why == dataplane::Malformed::none ? "well formed"
                                           : dataplane::malformed_names[static_cast<std::size_t>(why)];
}

}  // namespace braidway::tests
