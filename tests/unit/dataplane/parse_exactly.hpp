// The parser on bytes that end where their heap block ends: what reads on is caught by AddressSanitizer.
// Frames that the short cut of fast_parse.hpp takes must get the same answer from it.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <stdexcept>
#include <string_view>

#include "dataplane/fast_parse.hpp"
#include "dataplane/parser.hpp"

namespace braidway::tests {

/// `frame_bytes`: length of the whole frame, of which `head` is the beginning.
inline dataplane::Parsed parse_exactly(std::span<const std::byte> head, std::size_t frame_bytes) {
  const auto block = std::make_unique<std::byte[]>(head.size());
  std::ranges::copy(head, block.get());
  const auto parsed = dataplane::parse_frame({block.get(), head.size()}, frame_bytes);
  dataplane::TrafficClass traffic_class{};
  lb::FlowKey key{};
  if (head.size() >= dataplane::plain_header_bytes &&
      dataplane::parse_plain_rocev2(block.get(), frame_bytes, traffic_class, key)) {
    const bool same = parsed.malformed == dataplane::Malformed::none &&
                      parsed.traffic_class == traffic_class && parsed.key == key &&
                      parsed.l3_offset == dataplane::plain_l3_offset &&
                      parsed.l4_offset == dataplane::plain_l4_offset;
    if (!same) {
      throw std::logic_error("the short cut and the parser read a frame differently");
    }
  }
  if (head.size() == frame_bytes && frame_bytes >= dataplane::plain_header_bytes &&
      dataplane::parse_plain_tagged(block.get(), frame_bytes, telemetry::int_udp_port, key)) {
    const bool same = parsed.malformed == dataplane::Malformed::none &&
                      parsed.traffic_class == dataplane::TrafficClass::tagged && parsed.key == key &&
                      parsed.l3_offset == dataplane::plain_l3_offset &&
                      parsed.l4_offset == dataplane::plain_l4_offset;
    if (!same) {
      throw std::logic_error("the short cut and the parser read a tagged frame differently");
    }
  }
  return parsed;
}
inline dataplane::Parsed parse_exactly(std::span<const std::byte> frame) {
  return parse_exactly(frame, frame.size());
}

inline std::string_view name_of(dataplane::Malformed why) {
  return why == dataplane::Malformed::none ? "well formed"
                                           : dataplane::malformed_names[static_cast<std::size_t>(why)];
}

}  // namespace braidway::tests
