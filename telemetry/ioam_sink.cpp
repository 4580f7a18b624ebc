#include "telemetry/ioam_sink.hpp"

#include <cstring>

#include "telemetry/ip_packet.hpp"

namespace braidway::telemetry {
namespace {

IoamFault examine_inner(const FrameInBuffer& frame, Traced& out) noexcept {
  const bool ipv4 = out.trace.next_header == protocol_ipv4;
  if (!ipv4 && out.trace.next_header != protocol_ipv6) return IoamFault::not_encapsulated;
  const std::size_t outer_bytes = ipv6_header_bytes + out.trace.hop_by_hop_bytes;
  const std::size_t inner_offset = frame.l3_offset + outer_bytes;
  const std::size_t inner_bytes = out.trace.ip_bytes - outer_bytes;
  const std::size_t header_bytes = ipv4 ? ipv4_header_bytes : ipv6_header_bytes;
  if (inner_bytes < header_bytes) return IoamFault::inner_malformed;
  if (inner_offset + header_bytes > frame.contiguous()) return IoamFault::headers_scattered;
  std::byte* inner = frame.begin() + inner_offset;
  IpPacket packet;
  if (!find_ip(inner, frame.contiguous() - inner_offset, packet) || packet.ipv4 != ipv4 ||
      packet.bytes != inner_bytes) {
    return IoamFault::inner_malformed;
  }
  const unsigned outer_class = load_be16(frame.begin() + frame.l3_offset) >> 4U;
  const unsigned ecn = decapsulated_ecn(packet.traffic_class, outer_class);
  if (ecn == ecn_drop) return IoamFault::ce_on_not_ect;
  out.inner_offset = static_cast<std::uint16_t>(inner_offset);
  out.inner_bytes = static_cast<std::uint32_t>(inner_bytes);
  out.inner_ipv4 = ipv4;
  out.inner_ecn = static_cast<std::uint8_t>(ecn);
  out.inner_ecn_changes = ecn != (packet.traffic_class & ecn_mask);
  return IoamFault::none;
}

}  // namespace

IoamFault examine_ioam(const FrameInBuffer& frame, std::uint16_t namespace_id, Traced& out) noexcept {
  if (const IoamFault fault = find_ioam_trace(frame, out.trace); fault != IoamFault::none) return fault;
  if (out.trace.namespace_id != namespace_id) return IoamFault::other_namespace;
  const std::byte* space = frame.begin() + out.trace.trace_offset + ioam_trace_header_bytes;
  const std::size_t free_bytes = std::size_t{4} * out.trace.remaining_words;
  out.nodes = IoamNodes({space + free_bytes, std::size_t{4} * out.trace.space_words - free_bytes},
                        out.trace.trace_type);
  out.node_count = 0;
  IoamNodes walked = out.nodes;
  for (IoamNode node; walked.next(node);) ++out.node_count;
  if (walked.left() != 0) return IoamFault::nodes_uneven;
  return examine_inner(frame, out);
}

IoamRewritten strip_ioam(const FrameInBuffer& frame, const Traced& traced) noexcept {
  const std::size_t l3 = frame.l3_offset;
  std::byte* inner = frame.begin() + traced.inner_offset;
  if (traced.inner_ecn_changes) set_ecn(inner, traced.inner_ipv4, traced.inner_ecn);
  std::memmove(inner - l3, frame.begin(), l3);
  store_be16(inner - 2, traced.inner_ipv4 ? ethertype_ipv4 : ethertype_ipv6);
  return {.front_moved = static_cast<std::uint16_t>(traced.inner_offset - l3),
          .frame_bytes = static_cast<std::uint32_t>(l3 + traced.inner_bytes)};
}

}  // namespace braidway::telemetry
