#include "telemetry/ioam.hpp"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace braidway::telemetry {
namespace {

constexpr std::uint8_t option_pad1 = 0;
constexpr std::uint8_t option_padn = 1;
constexpr unsigned option_action_shift = 6;  // 00: who does not know the option skips it (RFC 8200, 4.2)
constexpr std::size_t option_type_and_length = 2;
constexpr std::size_t word_bytes = 4;
constexpr std::size_t lengths_offset = 2;
constexpr std::size_t trace_type_offset = 4;
constexpr unsigned node_words_shift = 11;
constexpr unsigned flags_shift = 7;
constexpr unsigned remaining_mask = 0x7f;

/// What is at the front of a trace: reading a field is a shift.
struct TraceHeader {
  std::uint16_t lengths;
  std::uint32_t trace_type;

  explicit TraceHeader(const std::byte* trace) noexcept
      : lengths(load_be16(trace + lengths_offset)), trace_type(load_be32(trace + trace_type_offset) >> 8U) {}

  [[nodiscard]] std::size_t node_words() const noexcept { return lengths >> node_words_shift; }
  [[nodiscard]] unsigned flags() const noexcept { return lengths >> flags_shift & 0xfU; }
  [[nodiscard]] std::size_t remaining_words() const noexcept { return lengths & remaining_mask; }
};

/// Writes the fields of a node in their order; below: reads them.
class Cursor {
 public:
  explicit Cursor(std::byte* at) noexcept : at_(at) {}
  void put32(std::uint32_t number) noexcept {
    store_be32(at_, number);
    at_ += sizeof(number);
  }
  void put64(std::uint64_t number) noexcept {
    store_be64(at_, number);
    at_ += sizeof(number);
  }
  void put(std::span<const std::byte> bytes) noexcept { std::ranges::copy(bytes, at_); }

 private:
  std::byte* at_;
};

class Reader {
 public:
  explicit Reader(const std::byte* at) noexcept : at_(at) {}
  std::uint32_t get32() noexcept {
    at_ += sizeof(std::uint32_t);
    return load_be32(at_ - sizeof(std::uint32_t));
  }
  std::uint64_t get64() noexcept {
    at_ += sizeof(std::uint64_t);
    return load_be64(at_ - sizeof(std::uint64_t));
  }
  [[nodiscard]] const std::byte* at() const noexcept { return at_; }

 private:
  const std::byte* at_;
};

void store_node(std::byte* to, std::uint32_t trace_type, const IoamNode& node,
                std::uint8_t hop_limit) noexcept {
  Cursor out(to);
  const auto asks = [trace_type](std::uint32_t bit) { return (trace_type & bit) != 0; };
  if (asks(ioam_node_id)) out.put32(std::uint32_t{hop_limit} << 24U | (node.node_id & 0xff'ffffU));
  if (asks(ioam_interfaces)) out.put32(std::uint32_t{node.ingress} << 16U | node.egress);
  if (asks(ioam_seconds)) out.put32(node.seconds);
  if (asks(ioam_fraction)) out.put32(node.fraction);
  if (asks(ioam_transit_delay)) out.put32(node.transit_delay);
  if (asks(ioam_namespace_data)) out.put32(node.namespace_data);
  if (asks(ioam_queue_depth)) out.put32(node.queue_depth);
  if (asks(ioam_checksum_complement)) out.put32(node.checksum_complement);
  if (asks(ioam_node_id_wide)) {
    out.put64(std::uint64_t{hop_limit} << 56U | (node.node_id_wide & 0xff'ffff'ffff'ffffU));
  }
  if (asks(ioam_interfaces_wide)) out.put64(std::uint64_t{node.ingress_wide} << 32U | node.egress_wide);
  if (asks(ioam_namespace_data_wide)) out.put64(node.namespace_data_wide);
  if (asks(ioam_buffer_occupancy)) out.put32(node.buffer_occupancy);
  for (auto rest = trace_type & ioam_undefined_bits; rest != 0; rest &= rest - 1) out.put32(0xffff'ffff);
  if (asks(ioam_opaque)) {
    const auto words = static_cast<std::uint32_t>(node.opaque.size() / word_bytes);
    out.put32(words << 24U | (node.schema_id & 0xff'ffffU));
    out.put(node.opaque);
  }
}

/// Reads all but opaque data; returns where that begins.
const std::byte* load_node(const std::byte* from, std::uint32_t trace_type, IoamNode& node) noexcept {
  Reader in(from);
  const auto asks = [trace_type](std::uint32_t bit) { return (trace_type & bit) != 0; };
  node = {};
  if (asks(ioam_node_id)) {
    const std::uint32_t word = in.get32();
    node.hop_limit = static_cast<std::uint8_t>(word >> 24U);
    node.node_id = word & 0xff'ffffU;
  }
  if (asks(ioam_interfaces)) {
    const std::uint32_t word = in.get32();
    node.ingress = static_cast<std::uint16_t>(word >> 16U);
    node.egress = static_cast<std::uint16_t>(word);
  }
  if (asks(ioam_seconds)) node.seconds = in.get32();
  if (asks(ioam_fraction)) node.fraction = in.get32();
  if (asks(ioam_transit_delay)) node.transit_delay = in.get32();
  if (asks(ioam_namespace_data)) node.namespace_data = in.get32();
  if (asks(ioam_queue_depth)) node.queue_depth = in.get32();
  if (asks(ioam_checksum_complement)) node.checksum_complement = in.get32();
  if (asks(ioam_node_id_wide)) {
    const std::uint64_t words = in.get64();
    node.hop_limit = static_cast<std::uint8_t>(words >> 56U);
    node.node_id_wide = words & 0xff'ffff'ffff'ffffU;
  }
  if (asks(ioam_interfaces_wide)) {
    const std::uint64_t words = in.get64();
    node.ingress_wide = static_cast<std::uint32_t>(words >> 32U);
    node.egress_wide = static_cast<std::uint32_t>(words);
  }
  if (asks(ioam_namespace_data_wide)) node.namespace_data_wide = in.get64();
  if (asks(ioam_buffer_occupancy)) node.buffer_occupancy = in.get32();
  return in.at() + word_bytes * static_cast<std::size_t>(std::popcount(trace_type & ioam_undefined_bits));
}

/// Checks the option at `at` of the Hop-by-Hop header.
IoamFault read_trace(std::span<const std::byte> hop_by_hop, std::size_t at, std::size_t length,
                     IoamTrace& out) noexcept {
  constexpr std::size_t least = ioam_option_header_bytes - option_type_and_length + ioam_trace_header_bytes;
  if (length < least) return IoamFault::option_truncated;
  if (at % word_bytes != 0) return IoamFault::option_misaligned;
  if ((length - least) % word_bytes != 0) return IoamFault::option_length_uneven;
  const std::byte* trace = &hop_by_hop[at + ioam_option_header_bytes];
  const TraceHeader header(trace);
  if ((header.trace_type & ~ioam_reserved_bit) == 0) return IoamFault::empty_trace_type;
  if (header.node_words() != ioam_node_words(header.trace_type)) return IoamFault::node_length_mismatch;
  const std::size_t space_words = (length - least) / word_bytes;
  if (header.remaining_words() > space_words) return IoamFault::remaining_beyond_space;
  out.trace_type = header.trace_type;
  out.namespace_id = load_be16(trace);
  out.flags = static_cast<std::uint8_t>(header.flags());
  out.node_words = static_cast<std::uint8_t>(header.node_words());
  out.remaining_words = static_cast<std::uint8_t>(header.remaining_words());
  out.space_words = static_cast<std::uint8_t>(space_words);
  out.trace_offset = static_cast<std::uint16_t>(at + ioam_option_header_bytes);
  return IoamFault::none;
}

/// Walks the options. `out.trace_offset` is from the header's beginning.
IoamFault search_options(std::span<const std::byte> hop_by_hop, IoamTrace& out) noexcept {
  bool found = false;
  for (std::size_t at = 2; at < hop_by_hop.size();) {
    const auto type = std::to_integer<std::uint8_t>(hop_by_hop[at]);
    if (type == option_pad1) {
      ++at;
      continue;
    }
    if (at + option_type_and_length > hop_by_hop.size()) return IoamFault::option_truncated;
    const auto length = std::to_integer<std::size_t>(hop_by_hop[at + 1]);
    const std::size_t end = at + option_type_and_length + length;
    if (end > hop_by_hop.size()) return IoamFault::option_truncated;
    if (type == ioam_option) {
      if (length < ioam_option_header_bytes - option_type_and_length) return IoamFault::option_truncated;
      if (hop_by_hop[at + 3] == std::byte{ioam_preallocated_trace}) {
        if (found) return IoamFault::several_traces;
        if (const IoamFault fault = read_trace(hop_by_hop, at, length, out); fault != IoamFault::none)
          return fault;
        found = true;
      }
    } else if (type != option_padn && type >> option_action_shift != 0) {
      return IoamFault::option_must_discard;
    }
    at = end;
  }
  return found ? IoamFault::none : IoamFault::no_trace;
}

}  // namespace

bool IoamNodes::next(IoamNode& out) noexcept {
  std::size_t bytes = word_bytes * ioam_node_words(trace_type_);
  const bool has_opaque = (trace_type_ & ioam_opaque) != 0;
  if (data_.empty() || bytes + (has_opaque ? word_bytes : 0) > data_.size()) return false;
  const std::byte* opaque = load_node(data_.data(), trace_type_, out);
  if (has_opaque) {
    const std::uint32_t word = load_be32(opaque);
    const std::size_t opaque_bytes = word_bytes * (word >> 24U);
    bytes += word_bytes;
    if (opaque_bytes > data_.size() - bytes) return false;
    out.schema_id = word & 0xff'ffffU;
    out.opaque = data_.subspan(bytes, opaque_bytes);
    bytes += opaque_bytes;
  }
  data_ = data_.subspan(bytes);
  return true;
}

IoamFault find_ioam_trace(const FrameInBuffer& frame, IoamTrace& out) noexcept {
  const std::size_t l3 = frame.l3_offset;
  if (l3 < ethernet_header_bytes || l3 > max_link_header_bytes ||
      l3 + ipv6_header_bytes > frame.frame_bytes) {
    return IoamFault::not_ipv6;
  }
  const std::size_t readable = std::min(frame.contiguous(), frame.frame_bytes);
  if (l3 + ipv6_header_bytes > readable) return IoamFault::headers_scattered;
  const std::byte* ip = frame.begin() + l3;
  if ((ip[0] >> 4U) != std::byte{6}) return IoamFault::not_ipv6;
  const std::size_t payload = load_be16(ip + 4);
  if (l3 + ipv6_header_bytes + payload > frame.frame_bytes) return IoamFault::ip_length_mismatch;
  if (ip[6] != std::byte{next_header_hop_by_hop}) return IoamFault::no_trace;
  if (payload < hop_by_hop_unit_bytes) return IoamFault::hop_by_hop_truncated;
  const std::size_t offset = l3 + ipv6_header_bytes;
  if (offset + hop_by_hop_unit_bytes > readable) return IoamFault::headers_scattered;
  const std::byte* hop_by_hop = frame.begin() + offset;
  const std::size_t bytes = hop_by_hop_unit_bytes * (1 + std::to_integer<std::size_t>(hop_by_hop[1]));
  if (bytes > payload) return IoamFault::hop_by_hop_truncated;
  if (offset + bytes > readable) return IoamFault::headers_scattered;
  if (const IoamFault fault = search_options({hop_by_hop, bytes}, out); fault != IoamFault::none)
    return fault;
  out.trace_offset = static_cast<std::uint16_t>(out.trace_offset + offset);
  out.hop_by_hop_bytes = static_cast<std::uint16_t>(bytes);
  out.next_header = std::to_integer<std::uint8_t>(hop_by_hop[0]);
  out.ip_bytes = static_cast<std::uint32_t>(ipv6_header_bytes + payload);
  return IoamFault::none;
}

bool add_ioam_node(std::byte* trace, const IoamNode& node, std::uint8_t hop_limit) noexcept {
  assert(node.opaque.size() % word_bytes == 0 && node.opaque.size() / word_bytes <= 0xff);
  const TraceHeader header(trace);
  std::size_t words = header.node_words();
  if ((header.trace_type & ioam_opaque) != 0) words += 1 + node.opaque.size() / word_bytes;
  if (words > header.remaining_words()) {
    const unsigned with_overflow = header.lengths | ioam_flag_overflow << flags_shift;
    store_be16(trace + lengths_offset, static_cast<std::uint16_t>(with_overflow));
    return false;
  }
  store_be16(trace + lengths_offset, static_cast<std::uint16_t>(header.lengths - words));
  const std::size_t at = word_bytes * (header.remaining_words() - words);
  store_node(trace + ioam_trace_header_bytes + at, header.trace_type, node, hop_limit);
  return true;
}

}  // namespace braidway::telemetry
