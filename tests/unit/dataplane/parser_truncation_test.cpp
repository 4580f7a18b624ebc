// Frames cut off after every byte, in three ways: the frame alone is cut; the IP length knows of it; the UDP
// length does too. What comes of it is known for every length.
#include <algorithm>
#include <functional>
#include <string>

#include <gtest/gtest.h>

#include "tests/unit/dataplane/frame_builder.hpp"
#include "tests/unit/dataplane/parse_exactly.hpp"

namespace braidway::tests {
namespace {

using dataplane::Malformed;
using dataplane::Parsed;
using dataplane::TrafficClass;

/// The layout of a frame, as its expectations need it.
struct Kind {
  std::string name;
  std::function<Frame(Frame)> behind_ethernet;
  std::size_t tags;
  bool v6;
  std::size_t options;         // of IPv4
  bool first_header_only;      // fragment, options or extension header
  TrafficClass traffic_class;  // of the whole
};

Frame ethernet(std::size_t tags) {
  Frame frame;
  if (tags > 1) frame.vlan(100, 0x88a8);
  if (tags > 0) frame.vlan(7);
  return frame;
}

std::vector<Kind> kinds() {
  std::vector<Kind> all;
  for (const std::size_t tags : {0U, 1U, 2U}) {
    const auto add = [&](const std::string& name, bool v6, std::size_t options, bool first_only,
                         TrafficClass traffic_class, std::function<Frame(Frame)> behind) {
      all.push_back({name + ", tags: " + std::to_string(tags), std::move(behind), tags, v6, options,
                     first_only, traffic_class});
    };
    add("IPv4 RC", false, 0, false, TrafficClass::rdma,
        [](Frame f) { return f.ipv4().udp().bth(0x06, 5).payload(40).icrc(); });
    add("IPv6 RC", true, 0, false, TrafficClass::rdma,
        [](Frame f) { return f.ipv6().udp().bth(0x06, 5).payload(40).icrc(); });
    add("IPv4 CNP", false, 0, false, TrafficClass::cnp,
        [](Frame f) { return f.ipv4().udp().bth(0x81, 5).payload(16).icrc(); });
    add("IPv6 UD", true, 0, false, TrafficClass::ud,
        [](Frame f) { return f.ipv6().udp().bth(0x64, 1).payload(20).icrc(); });
    add("IPv4 options", false, 40, true, TrafficClass::other, [](Frame f) {
      return f.ipv4(Frame::host_a, Frame::host_b, 40).udp().bth(0x06, 5).payload(8).icrc();
    });
    add("IPv4 fragment", false, 0, true, TrafficClass::other,
        [](Frame f) { return f.ipv4().fragment(0, true).udp().bth(0x06, 5).payload(8).icrc(); });
    add("IPv6 extension header", true, 0, true, TrafficClass::other,
        [](Frame f) { return f.ipv6().ipv6_extension(60, 17).udp_header().bth(0x06, 5).icrc(); });
  }
  return all;
}

std::size_t ip_offset(const Kind& kind) { return 14 + 4 * kind.tags; }
std::size_t ip_header(const Kind& kind) { return kind.v6 ? 40 : 20 + kind.options; }

/// What a frame is that ends within Ethernet, a tag or the IP header.
Malformed cut_in_headers(const Kind& kind, std::size_t length) {
  if (length < 14) return Malformed::truncated_ethernet;
  if (length < ip_offset(kind)) return Malformed::truncated_vlan;
  if (length < ip_offset(kind) + ip_header(kind)) {
    return kind.v6 ? Malformed::truncated_ipv6 : Malformed::truncated_ipv4;
  }
  return Malformed::none;
}

void set16(Bytes& frame, std::size_t offset, std::size_t number) {
  frame[offset] = static_cast<std::byte>(number >> 8U);
  frame[offset + 1] = static_cast<std::byte>(number);
}

void set_ip_length(const Kind& kind, Bytes& frame) {
  const std::size_t ip_bytes = frame.size() - ip_offset(kind);
  set16(frame, ip_offset(kind) + (kind.v6 ? 4 : 2), kind.v6 ? ip_bytes - 40 : ip_bytes);
}

Bytes prefix(const Bytes& frame, std::size_t length) {
  return {frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(length)};
}

std::string at(const Kind& kind, std::size_t length) {
  return kind.name + ", " + std::to_string(length) + " bytes";
}

TEST(ParserTruncation, ACutFrameIsRefusedUnderTheHeaderThatIsNotWhole) {
  for (const Kind& kind : kinds()) {
    const Bytes whole = kind.behind_ethernet(ethernet(kind.tags)).bytes();
    for (std::size_t length = 0; length < whole.size(); ++length) {
      Malformed expected = cut_in_headers(kind, length);
      if (expected == Malformed::none) {
        expected = kind.v6 ? Malformed::bad_ipv6_length : Malformed::bad_ipv4_length;
      }
      EXPECT_EQ(name_of(parse_exactly(prefix(whole, length)).malformed), name_of(expected))
          << at(kind, length);
    }
    const Parsed parsed = parse_exactly(whole);
    EXPECT_EQ(parsed.malformed, Malformed::none) << kind.name;
    EXPECT_EQ(parsed.traffic_class, kind.traffic_class) << kind.name;
  }
}

TEST(ParserTruncation, ACutPacketIsRefusedUnderItsUdpHeader) {
  for (const Kind& kind : kinds()) {
    const Bytes whole = kind.behind_ethernet(ethernet(kind.tags)).bytes();
    for (std::size_t length = ip_offset(kind) + ip_header(kind); length < whole.size(); ++length) {
      Bytes cut = prefix(whole, length);
      set_ip_length(kind, cut);
      const std::size_t payload = length - ip_offset(kind) - ip_header(kind);
      const Malformed expected = kind.first_header_only ? Malformed::none
                                 : payload < 8          ? Malformed::truncated_udp
                                                        : Malformed::bad_udp_length;
      const Parsed parsed = parse_exactly(cut);
      EXPECT_EQ(name_of(parsed.malformed), name_of(expected)) << at(kind, length);
      if (expected == Malformed::none) {
        EXPECT_EQ(parsed.traffic_class, TrafficClass::other) << at(kind, length);
      }
    }
  }
}

TEST(ParserTruncation, AShortDatagramIsRocev2AsSoonAsBthAndIcrcFit) {
  for (const Kind& kind : kinds()) {
    if (kind.first_header_only) continue;
    const Bytes whole = kind.behind_ethernet(ethernet(kind.tags)).bytes();
    const std::size_t udp = ip_offset(kind) + ip_header(kind);
    for (std::size_t length = udp + 8; length < whole.size(); ++length) {
      Bytes cut = prefix(whole, length);
      set_ip_length(kind, cut);
      set16(cut, udp + 4, length - udp);
      const Parsed parsed = parse_exactly(cut);
      EXPECT_EQ(name_of(parsed.malformed), "well formed") << at(kind, length);
      const bool fits = length - udp >= 8 + telemetry::bth_bytes + telemetry::icrc_bytes;
      EXPECT_EQ(parsed.traffic_class, fits ? kind.traffic_class : TrafficClass::other) << at(kind, length);
      EXPECT_EQ(lb::kind(parsed.key), fits ? lb::FlowKind::rocev2 : lb::FlowKind::ports) << at(kind, length);
    }
  }
}

TEST(ParserTruncation, PaddingOfAShortFrameMayBeMissingInPart) {
  const Frame packet = Frame().ipv4().udp().bth(0x11, 5).icrc();
  const std::size_t needed = packet.bytes().size();
  const Bytes padded = Frame(packet).pad_to(128).bytes();
  for (std::size_t length = needed; length <= padded.size(); ++length) {
    const Parsed parsed = parse_exactly(prefix(padded, length));
    EXPECT_EQ(parsed.malformed, Malformed::none) << length;
    EXPECT_EQ(parsed.traffic_class, TrafficClass::rdma) << length;
  }
}

TEST(ParserTruncation, FramesWithoutIpNeedTheirEthernetHeaderOnly) {
  const Bytes arp = Frame().type(0x0806).payload(46).bytes();
  const Bytes deep = Frame().vlan(1).vlan(2).vlan(3).ipv4().bytes();
  for (std::size_t length = 0; length < arp.size(); ++length) {
    EXPECT_EQ(name_of(parse_exactly(prefix(arp, length)).malformed),
              length < 14 ? "truncated_ethernet" : "well formed")
        << length;
  }
  for (std::size_t length = 14; length < deep.size(); ++length) {
    EXPECT_EQ(name_of(parse_exactly(prefix(deep, length)).malformed),
              length < 22 ? "truncated_vlan" : "well formed")
        << length;
  }
}

}  // namespace
}  // namespace braidway::tests
