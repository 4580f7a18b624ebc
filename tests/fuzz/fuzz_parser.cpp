// libFuzzer over the parser: whatever the bytes, the answer is consistent with them, with itself, and with
// what the same packet gives under other Ethernet headers. A frame lies in a heap block of its own size.
#include <algorithm>
#include <cstdint>
#include <span>

#include "telemetry/strip.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/unit/dataplane/frame_builder.hpp"
#include "tests/unit/dataplane/parse_exactly.hpp"

namespace braidway::tests {
namespace {

using dataplane::Malformed;
using dataplane::Parsed;
using dataplane::parsed_header_bytes;
using dataplane::TrafficClass;

unsigned byte_at(const Bytes& frame, std::size_t offset) { return static_cast<unsigned>(frame[offset]); }
unsigned word_at(const Bytes& frame, std::size_t offset) {
  return byte_at(frame, offset) << 8U | byte_at(frame, offset + 1);
}

bool is_rocev2(TrafficClass traffic_class) {
  return traffic_class == TrafficClass::rdma || traffic_class == TrafficClass::cnp ||
         traffic_class == TrafficClass::ud;
}

bool same(const Parsed& a, const Parsed& b, std::size_t shift = 0) {
  const auto moved = [shift](std::uint16_t offset) { return offset == 0 ? 0U : offset + shift; };
  return a.malformed == b.malformed &&
         (a.malformed != Malformed::none ||
          (a.traffic_class == b.traffic_class && moved(a.l3_offset) == b.l3_offset &&
           moved(a.l4_offset) == b.l4_offset && a.key == b.key));
}

/// Where the IP packet ends by its own length field.
std::size_t ip_end(const Bytes& frame, std::size_t l3) {
  return byte_at(frame, l3) >> 4U == 4 ? l3 + word_at(frame, l3 + 2) : l3 + 40 + word_at(frame, l3 + 4);
}

void check_addresses(const Bytes& frame, const Parsed& parsed) {
  const std::byte* l3 = frame.data() + parsed.l3_offset;
  const bool v4 = byte_at(frame, parsed.l3_offset) >> 4U == 4;
  const auto source = v4 ? lb::load_ipv4(l3 + 12) : lb::load_ipv6(l3 + 8);
  const auto destination = v4 ? lb::load_ipv4(l3 + 16) : lb::load_ipv6(l3 + 24);
  const auto& words = parsed.key.words;
  require(words[0] == source.high && words[1] == source.low, "the key has the source address");
  require(words[2] == destination.high && words[3] == destination.low, "the key has the destination address");
}

void check_rocev2(const Bytes& frame, const Parsed& parsed) {
  const std::size_t udp = parsed.l4_offset;
  require(udp != 0, "RoCEv2 has a UDP header");
  const std::size_t udp_bytes = word_at(frame, udp + 4);
  require(word_at(frame, udp + 2) == 4791, "RoCEv2 goes to its port");
  require(udp + udp_bytes == ip_end(frame, parsed.l3_offset), "the datagram fills its IP packet");
  require(udp_bytes >= 8 + 12 + 4, "BTH and ICRC fit");
  require((byte_at(frame, udp + 9) & 0x0fU) == 0, "the transport version is 0");
  require(lb::kind(parsed.key) == lb::FlowKind::rocev2, "a RoCEv2 flow");
  require((parsed.key.words[4] & 0xffffffU) == (byte_at(frame, udp + 13) << 16U | word_at(frame, udp + 14)),
          "the key has the destination QP");
}

/// A tag that the parser knows is one that the sink can take off, and what it finds then is of the same flow.
void check_tagged(const Bytes& frame, const Parsed& parsed) {
  Bytes memory = frame;
  const telemetry::FrameInBuffer view{.memory = memory,
                                      .headroom = 0,
                                      .frame_bytes = memory.size(),
                                      .l3_offset = parsed.l3_offset,
                                      .l4_offset = parsed.l4_offset};
  telemetry::Tagged tag;
  const telemetry::IntFault fault = telemetry::examine(view, telemetry::int_udp_port, tag);
  require(fault == telemetry::IntFault::none || fault >= telemetry::IntFault::int_discard,
          "the sink can read what the parser takes for tagged");
  // Type (4 bits) and next protocol type (2).
  const bool in_tunnel = (byte_at(frame, parsed.l4_offset + 8U) >> 2U & 3U) == 2;
  if (!in_tunnel) check_addresses(frame, parsed);
  if (fault != telemetry::IntFault::none) return;
  const auto done = telemetry::strip(view, tag, {});
  memory.erase(memory.begin(), memory.begin() + done.front_moved);
  const Parsed restored = parse_exactly(memory);
  // A tag in a tag; or a packet in a tunnel that is refused when it comes out.
  const bool known_otherwise =
      restored.traffic_class == TrafficClass::tagged || (in_tunnel && restored.malformed != Malformed::none);
  require(known_otherwise || restored.key == parsed.key, "a tag leaves the flow as it is");
}

void check_fields(const Bytes& frame, const Parsed& parsed) {
  if (parsed.l3_offset == 0) {
    require(parsed.key == lb::FlowKey{}, "without IP there is no flow");
    require(!is_rocev2(parsed.traffic_class) && parsed.traffic_class != TrafficClass::other,
            "no IP, no class of IP");
    require(parsed.l4_offset == 0, "without IP there is no UDP");
    return;
  }
  require(parsed.l3_offset == 14 || parsed.l3_offset == 18 || parsed.l3_offset == 22, "at most two tags");
  const bool of_gateways =
      parsed.traffic_class == TrafficClass::tagged || parsed.traffic_class == TrafficClass::message;
  require(is_rocev2(parsed.traffic_class) || parsed.traffic_class == TrafficClass::other || of_gateways,
          "IP has a class of IP");
  require(ip_end(frame, parsed.l3_offset) <= frame.size(), "the IP packet lies within the frame");
  if (parsed.traffic_class != TrafficClass::tagged) check_addresses(frame, parsed);
  if (parsed.l4_offset != 0) {
    require(parsed.l4_offset + word_at(frame, parsed.l4_offset + 4U) <= ip_end(frame, parsed.l3_offset),
            "the datagram lies within the IP packet");
  }
  if (is_rocev2(parsed.traffic_class)) {
    check_rocev2(frame, parsed);
  } else if (parsed.traffic_class == TrafficClass::tagged) {
    check_tagged(frame, parsed);
  } else {
    require(lb::kind(parsed.key) == lb::FlowKind::ports || lb::kind(parsed.key) == lb::FlowKind::addresses,
            "other IP is known by ports or addresses");
  }
}

/// The same packet under another Ethernet header and with other bytes behind its end.
void check_relatives(const Bytes& frame, const Parsed& parsed) {
  if (parsed.l3_offset == 0) return;
  Bytes relative = frame;
  std::fill_n(relative.begin(), 12, std::byte{0xee});
  relative.resize(relative.size() + 9, std::byte{0xff});
  require(same(parsed, parse_exactly(relative)), "MAC addresses and trailers are no part of the packet");
  if (parsed.l3_offset < 22) {
    constexpr std::array tag{std::byte{0x81}, std::byte{0x00}, std::byte{0x00}, std::byte{0x07}};
    relative = frame;
    relative.insert(relative.begin() + 12, tag.begin(), tag.end());
    require(same(parsed, parse_exactly(relative), tag.size()), "a VLAN tag changes nothing but offsets");
  }
  const auto end = static_cast<std::ptrdiff_t>(ip_end(frame, parsed.l3_offset));
  const Bytes bare(frame.begin(), frame.begin() + end);
  require(same(parsed, parse_exactly(bare)), "padding is not needed");
  const Bytes shorter(frame.begin(), frame.begin() + end - 1);
  require(parse_exactly(shorter).malformed != Malformed::none, "a packet that is not whole is refused");
}

void check(const Bytes& frame) {
  const Parsed parsed = parse_exactly(frame);
  const Bytes head(frame.begin(),
                   frame.begin() + static_cast<std::ptrdiff_t>(std::min(frame.size(), parsed_header_bytes)));
  require(same(parsed, parse_exactly(head, frame.size())), "the first bytes are all that the parser needs");
  require(parsed.malformed <= Malformed::none, "a reason with a name");
  require(frame.size() >= 14 || parsed.malformed == Malformed::truncated_ethernet, "Ethernet comes first");
  if (parsed.malformed != Malformed::none) return;
  check_fields(frame, parsed);
  check_relatives(frame, parsed);
}

}  // namespace
}  // namespace braidway::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  braidway::tests::check({bytes, bytes + size});
  return 0;
}
