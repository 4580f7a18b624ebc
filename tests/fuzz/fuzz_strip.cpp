// libFuzzer over INT: whatever the bytes, nothing beyond them is touched; what the sink takes it takes for
// the reasons that the standard gives, and what it has stripped can be stamped again to the same; a hop
// writes all of its words or nothing. The bytes are taken as a frame, and as what stands behind a right UDP
// header.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

#include "telemetry/strip.hpp"
#include "telemetry/transit.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/unit/telemetry/int_packets.hpp"

namespace braidway::tests {
namespace {

using namespace braidway::telemetry;

constexpr std::size_t greatest_packet = 65'535;

/// The datagram's INT part: from the shim to the order words' end.
std::size_t int_bytes(const Tagged& tagged) { return 4 + 4 * tagged.header.length_words(); }

/// No reserved bits, no flags, no other hops: what a source writes.
bool as_from_a_source(const Tagged& tagged) {
  const auto& header = tagged.header;
  const IntHeader canonical{std::uint64_t{1} << 60U | static_cast<std::uint64_t>(header.npt()) << 58U |
                                std::uint64_t{6} << 48U | std::uint64_t{header.original_port()} << 32U |
                                std::uint64_t{2} << 28U | std::uint64_t{header.hop_words()} << 8U |
                                header.remaining_hops(),
                            std::uint64_t{header.bitmap()} << 48U | std::uint64_t{int_domain} << 32U |
                                std::uint64_t{0xc000} << 16U};
  return header.first == canonical.first && header.second == canonical.second &&
         (header.bitmap() & ~int_defined_bits) == 0 && header.remaining_hops() > 0;
}

/// 0000 and FFFF are one number to IPv4's checksum, and only 0000 comes out of computing it.
bool ipv4_checksum_is_canonical(const Bytes& frame, std::size_t l3) {
  return (frame.at(l3) >> 4U) != std::byte{4} || number16(frame, l3 + 10) != 0xffff;
}

void check_stripped_strand(const Bytes& frame, const Tagged& tagged, Buffer& buffer, std::size_t l3) {
  const IntSettings settings{.bitmap = static_cast<std::uint16_t>(tagged.header.bitmap() & int_defined_bits),
                             .hops = static_cast<std::uint8_t>(std::max(1U, tagged.header.remaining_hops())),
                             .mtu = greatest_packet};
  const Bytes stripped = buffer.bytes();
  const auto again = StrandStamp{settings}.stamp(buffer.view(), tagged.words, nullptr);
  require(again.fault == IntFault::none, "what was stripped can be stamped");
  buffer.moved_forward(again);
  if (as_from_a_source(tagged) && ipv4_checksum_is_canonical(frame, l3)) {
    const Bytes bytes = buffer.bytes();
    require(std::equal(bytes.begin(), bytes.end(), frame.begin()), "stamped again it is the same");
  }
  Tagged second;
  require(examine(buffer.view(), int_udp_port, second) == IntFault::none, "a source's packet is tagged");
  require(second.words == tagged.words, "order words come through");
  buffer.moved_back(strip(buffer.view(), second, {}));
  require(buffer.bytes() == stripped, "stripped again it is the same");
}

void check_sink(const Bytes& frame) {
  Buffer buffer{frame};
  const auto view = buffer.view();
  Tagged tagged;
  const IntFault fault = examine(view, int_udp_port, tagged);
  require(fault <= IntFault::none, "a reason with a name");
  require(buffer.bytes() == frame, "examining changes nothing");
  if (fault != IntFault::none) return;
  const auto head = std::span{frame}.subspan(view.l4_offset);
  require(is_tagged(head, int_udp_port), "what the sink takes is tagged");
  for (std::size_t hop = 0; hop < tagged.stack.hops(); ++hop) {
    Bytes written(4 * int_hop_words(tagged.header.bitmap()));
    store_hop(written.data(), tagged.header.bitmap(), tagged.stack.hop(hop));
    require((tagged.header.bitmap() & ~0xff80U) != 0 ||
                std::memcmp(written.data(), frame.data() + view.l4_offset + 24 + hop * written.size(),
                            written.size()) == 0,
            "a hop that was read is written the same");
  }
  const bool tunnel = tagged.header.npt() == Npt::tunnel;
  const std::size_t packet_end = view.l3_offset + tagged.ip_bytes;
  const Bytes payload(frame.begin() + static_cast<std::ptrdiff_t>(view.l4_offset + 8 + int_bytes(tagged)),
                      frame.begin() + static_cast<std::ptrdiff_t>(packet_end));
  const Bytes link = ethernet();
  buffer.moved_back(strip(view, tagged, LinkHeader{link}));
  const Bytes out = buffer.bytes();
  const std::size_t headers = tunnel ? link.size() : view.l4_offset + 8U;
  require(out.size() == headers + payload.size(), "INT is gone, and trailers are");
  const std::size_t untouched = tunnel ? 12 : 0;  // of the packet: ECN and checksum may change
  require(std::equal(payload.begin() + static_cast<std::ptrdiff_t>(untouched), payload.end(),
                     out.begin() + static_cast<std::ptrdiff_t>(headers + untouched)),
          "the payload is where it was");
  if (!tunnel) check_stripped_strand(frame, tagged, buffer, view.l3_offset);
}

void check_hop(const Bytes& frame, std::uint16_t mtu, std::size_t headroom) {
  Buffer buffer{frame, headroom};
  const auto result = push_hop(buffer.view(), {.udp_port = int_udp_port, .mtu = mtu}, {.node_id = 7});
  if (result.frame.fault != IntFault::none || result.outcome == TransitOutcome::stack_full ||
      result.outcome == TransitOutcome::nothing_asked) {
    require(buffer.bytes() == frame, "nothing is changed");
    return;
  }
  buffer.moved_forward(result.frame);
  const bool pushed = result.outcome == TransitOutcome::pushed;
  require(pushed == (result.frame.front_moved > 0), "all words or nothing");
  require(pushed || buffer.bytes().size() == frame.size(), "flags take no room");
  Tagged before;
  Tagged after;
  Buffer whole{frame};
  if (examine(whole.view(), int_udp_port, before) != IntFault::none) return;
  require(examine(buffer.view(), int_udp_port, after) == IntFault::none,
          "a hop leaves a tagged packet tagged");
  require(after.words == before.words, "a hop leaves the order words alone");
  require(after.stack.hops() == before.stack.hops() + (pushed ? 1 : 0), "one hop more, or none");
}

void check_sources(const Bytes& frame) {
  Buffer buffer{frame};
  const auto stamped = StrandStamp{{.bitmap = 0xf000}}.stamp(buffer.view(), golden_words, nullptr);
  if (stamped.fault != IntFault::none) {
    require(buffer.bytes() == frame, "nothing is changed");
  } else {
    buffer.moved_forward(stamped);
    Tagged tagged;
    require(examine(buffer.view(), int_udp_port, tagged) == IntFault::none, "a source's packet is tagged");
  }
  Buffer other{frame};
  const TunnelStamp tunnel{{.telemetry = {},
                            .link = LinkHeader{ethernet()},
                            .source = lb::ipv6(1, 2),
                            .destination = lb::ipv6(3, 4)}};
  const auto in_tunnel = tunnel.stamp(other.view(), golden_words, nullptr);
  if (in_tunnel.fault != IntFault::none) return;
  other.moved_forward(in_tunnel);
  Tagged tagged;
  require(examine(other.view(), int_udp_port, tagged) == IntFault::none, "so is a tunnel's");
}

void check(const Bytes& frame) {
  check_sink(frame);
  check_hop(frame, greatest_packet, Buffer::headroom);
  check_hop(frame, 200, Buffer::headroom);
  check_hop(frame, greatest_packet, 12);
  check_sources(frame);
}

/// The bytes behind a right UDP header to our port.
Bytes as_payload(std::span<const std::byte> bytes, bool ipv4) {
  auto frame = ipv4 ? Frame().ipv4() : Frame().ipv6();
  Bytes packet = frame.udp(int_udp_port).payload(bytes.size()).bytes();
  std::ranges::copy(bytes, packet.end() - static_cast<std::ptrdiff_t>(bytes.size()));
  return packet;
}

}  // namespace
}  // namespace braidway::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 9'000) return 0;
  const auto bytes = std::as_bytes(std::span{data, size});
  braidway::tests::check({bytes.begin(), bytes.end()});
  braidway::tests::check(braidway::tests::as_payload(bytes, true));
  braidway::tests::check(braidway::tests::as_payload(bytes, false));
  return 0;
}
