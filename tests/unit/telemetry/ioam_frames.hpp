// What the tests of IOAM share: frames in memory of exactly their size, so that the address sanitizer sees
// every byte too far; and nodes as a reader should find them.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/ioam_sink.hpp"
#include "telemetry/ioam_source.hpp"

namespace braidway::telemetry {

inline std::ostream& operator<<(std::ostream& out, IoamFault fault) {
  return out << (fault == IoamFault::none ? "none" : ioam_fault_names[static_cast<std::size_t>(fault)]);
}

}  // namespace braidway::telemetry

namespace braidway::tests {

using Bytes = std::vector<std::byte>;

/// Spaces are for the reader.
inline Bytes from_hex(std::string_view hex) {
  Bytes bytes;
  std::string digits;
  for (const char digit : hex) {
    if (digit == ' ') continue;
    digits += digit;
    if (digits.size() < 2) continue;
    bytes.push_back(static_cast<std::byte>(std::stoul(digits, nullptr, 16)));
    digits.clear();
  }
  return bytes;
}

/// One behind the other.
template <typename... Parts>
Bytes joined(const Parts&... parts) {
  Bytes all;
  all.reserve((parts.size() + ...));
  (std::ranges::copy(parts, std::back_inserter(all)), ...);
  return all;
}

/// A frame with free bytes in front of it.
class FrameInMemory {
 public:
  FrameInMemory(const Bytes& frame, std::size_t headroom, std::uint16_t l3_offset)
      : memory_(headroom + frame.size(), std::byte{0xaa}),
        headroom_(headroom),
        frame_bytes_(frame.size()),
        l3_offset_(l3_offset) {
    std::ranges::copy(frame, memory_.begin() + static_cast<std::ptrdiff_t>(headroom));
  }

  [[nodiscard]] telemetry::FrameInBuffer view() {
    return {.memory = memory_, .headroom = headroom_, .frame_bytes = frame_bytes_, .l3_offset = l3_offset_};
  }
  [[nodiscard]] Bytes frame() const {
    const auto begin = memory_.begin() + static_cast<std::ptrdiff_t>(headroom_);
    return {begin, begin + static_cast<std::ptrdiff_t>(frame_bytes_)};
  }
  [[nodiscard]] std::size_t headroom() const { return headroom_; }
  /// Byte `at` of the frame.
  std::byte& operator[](std::size_t at) { return memory_[headroom_ + at]; }

  void added(const telemetry::IoamRewritten& by) {
    headroom_ -= by.front_moved;
    frame_bytes_ = by.frame_bytes;
  }
  void stripped(const telemetry::IoamRewritten& by) {
    headroom_ += by.front_moved;
    frame_bytes_ = by.frame_bytes;
  }

 private:
  Bytes memory_;
  std::size_t headroom_;
  std::size_t frame_bytes_;
  std::uint16_t l3_offset_;
};

/// What a reader should find of a node that was written into a trace of this type.
inline telemetry::IoamNode as_read(const telemetry::IoamNode& written, std::uint32_t type,
                                   std::uint8_t hop_limit) {
  telemetry::IoamNode read;
  const auto take = [type](std::uint32_t bit, auto& to, auto from) {
    if ((type & bit) != 0) to = from;
  };
  take(0x808000, read.hop_limit, hop_limit);
  take(0x800000, read.node_id, written.node_id & 0xffffffU);
  take(0x400000, read.ingress, written.ingress);
  take(0x400000, read.egress, written.egress);
  take(0x200000, read.seconds, written.seconds);
  take(0x100000, read.fraction, written.fraction);
  take(0x080000, read.transit_delay, written.transit_delay);
  take(0x040000, read.namespace_data, written.namespace_data);
  take(0x020000, read.queue_depth, written.queue_depth);
  take(0x010000, read.checksum_complement, written.checksum_complement);
  take(0x008000, read.node_id_wide, written.node_id_wide & 0xff'ffff'ffff'ffffU);
  take(0x004000, read.ingress_wide, written.ingress_wide);
  take(0x004000, read.egress_wide, written.egress_wide);
  take(0x002000, read.namespace_data_wide, written.namespace_data_wide);
  take(0x001000, read.buffer_occupancy, written.buffer_occupancy);
  take(0x000002, read.schema_id, written.schema_id & 0xffffffU);
  take(0x000002, read.opaque, written.opaque);
  return read;
}

inline bool same(const telemetry::IoamNode& a, const telemetry::IoamNode& b) {
  return a.hop_limit == b.hop_limit && a.node_id == b.node_id && a.ingress == b.ingress &&
         a.egress == b.egress && a.seconds == b.seconds && a.fraction == b.fraction &&
         a.transit_delay == b.transit_delay && a.namespace_data == b.namespace_data &&
         a.queue_depth == b.queue_depth && a.checksum_complement == b.checksum_complement &&
         a.node_id_wide == b.node_id_wide && a.ingress_wide == b.ingress_wide &&
         a.egress_wide == b.egress_wide && a.namespace_data_wide == b.namespace_data_wide &&
         a.buffer_occupancy == b.buffer_occupancy && a.schema_id == b.schema_id &&
         std::ranges::equal(a.opaque, b.opaque);
}

}  // namespace braidway::tests
