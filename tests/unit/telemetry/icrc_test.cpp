#include "telemetry/icrc.hpp"

#include <array>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "telemetry/roce.hpp"
#include "tests/unit/telemetry/pcap_file.hpp"

namespace braidway::telemetry {
namespace {

std::vector<std::byte> from_hex(std::string_view hex) {
  std::vector<std::byte> bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoul(std::string{hex.substr(at, 2)}, nullptr, 16)));
  }
  return bytes;
}

std::uint32_t little_endian(std::span<const std::byte> bytes) {
  std::uint32_t word = 0;
  std::memcpy(&word, bytes.data(), sizeof(word));
  return word;
}

std::size_t big_endian16(std::span<const std::byte> bytes) {
  return std::to_integer<std::size_t>(bytes[0]) << 8 | std::to_integer<std::size_t>(bytes[1]);
}

constexpr std::string_view connectx_cnp =
    "45c2003c718c4000401191610a0011010a001201000012b7002800008100ffff4000011800000000"
    "0000000000000000000000000000000082fd002a";
constexpr std::string_view scapy_uc_send =
    "45010040047840004011b4d5c0a80007c0a80007c00012b7002caca22460ffff000000d300cf17104630818be28935d90e9a9550"
    "5401be885e50000078f353f3";

/// Bit by bit, straight from the definition: what the table-driven code is compared with.
std::uint32_t slow_crc32(std::span<const std::byte> bytes) {
  std::uint32_t state = 0xffffffff;
  for (const std::byte byte : bytes) {
    state ^= std::to_integer<std::uint32_t>(byte);
    for (int bit = 0; bit < 8; ++bit) state = (state & 1U) != 0 ? (state >> 1) ^ 0xedb88320U : state >> 1;
  }
  return ~state;
}

TEST(Crc32, AgreesWithTheDefinitionForEveryLengthAndAlignment) {
  std::vector<std::byte> bytes(300);
  for (std::size_t at = 0; at < bytes.size(); ++at) bytes[at] = static_cast<std::byte>(at * 167 + 13);
  for (std::size_t start = 0; start < 8; ++start) {
    for (std::size_t length = 0; length + start <= bytes.size(); ++length) {
      const auto part = std::span<const std::byte>{bytes}.subspan(start, length);
      ASSERT_EQ(~crc32_update(crc32_initial, part), slow_crc32(part)) << start << "+" << length;
    }
  }
}

TEST(Crc32, HasTheCheckValueOfIeee8023) {
  const auto digits = std::as_bytes(std::span{"123456789", 9});
  EXPECT_EQ(~crc32_update(crc32_initial, digits), 0xcbf43926U);
}

TEST(Icrc, IsRightOnACongestionNotificationOfAConnectX4) {
  const auto packet = from_hex(connectx_cnp);
  const auto body = std::span{packet}.first(packet.size() - icrc_bytes);
  EXPECT_EQ(icrc(body), 0x2a00fd82U);
  EXPECT_EQ(icrc(body), little_endian(std::span{packet}.last(icrc_bytes)));
}

TEST(Icrc, FollowsTheUdpSourcePort) {
  auto packet = from_hex(connectx_cnp);
  packet[20] = std::byte{0xc0};
  EXPECT_EQ(icrc(std::span{packet}.first(packet.size() - icrc_bytes)), little_endian(from_hex("9473287e")));
}

TEST(Icrc, IsRightOnScapysUnreliableSend) {
  const auto packet = from_hex(scapy_uc_send);
  EXPECT_EQ(icrc(std::span{packet}.first(packet.size() - icrc_bytes)),
            little_endian(std::span{packet}.last(icrc_bytes)));
}

TEST(Icrc, LeavesTheResidueWhenTheImageIsFollowedByIt) {
  const auto image = from_hex(
      "ffffffffffffffff45ff003c718c4000ff11ffff0a0011010a001201000012b70028ffff8100ffffff00011800000000"
      "0000000000000000000000000000000082fd002a");
  EXPECT_EQ(~crc32_update(crc32_initial, image), crc32_residue);
}

TEST(Icrc, IgnoresWhatRoutersMayChangeAndNothingElse) {
  struct Case {
    const char* what;
    std::size_t offset;
    std::uint8_t bits;
    bool covered;
  };
  constexpr std::array cases{
      Case{"version and header length stay: type of service", 1, 0xff, false},
      Case{"total length", 3, 0x01, true},
      Case{"identification", 5, 0x80, true},
      Case{"don't fragment", 6, 0x40, true},
      Case{"time to live", 8, 0xff, false},
      Case{"protocol", 9, 0x01, true},
      Case{"header checksum", 10, 0xff, false},
      Case{"header checksum, second byte", 11, 0xff, false},
      Case{"source address", 12, 0x01, true},
      Case{"destination address", 19, 0x01, true},
      Case{"source port", 20, 0x01, true},
      Case{"UDP length", 25, 0x01, true},
      Case{"UDP checksum", 26, 0xff, false},
      Case{"UDP checksum, second byte", 27, 0xff, false},
      Case{"opcode", 28, 0x01, true},
      Case{"FECN and BECN", 32, 0xc0, false},
      Case{"destination QP", 35, 0x01, true},
      Case{"reserved bits beside AckReq", 36, 0x7f, true},
      Case{"PSN", 39, 0x01, true},
      Case{"payload", 45, 0x01, true},
  };
  const auto packet = from_hex(scapy_uc_send);
  const auto before = icrc(std::span{packet}.first(packet.size() - icrc_bytes));
  for (const auto& [what, offset, bits, covered] : cases) {
    auto changed = packet;
    changed[offset] ^= std::byte{bits};
    EXPECT_EQ(icrc(std::span{changed}.first(packet.size() - icrc_bytes)) != before, covered) << what;
  }
}

TEST(Icrc, OfAnythingTooShortOrOfAnotherKindIsZero) {
  const auto packet = from_hex(scapy_uc_send);
  for (std::size_t size = 0; size < 40; ++size) EXPECT_EQ(icrc(std::span{packet}.first(size)), 0U) << size;
  auto with_options = packet;
  with_options[0] = std::byte{0x46};
  EXPECT_EQ(icrc(with_options), 0U);
  auto arp = packet;
  arp[0] = std::byte{0x00};
  EXPECT_EQ(icrc(arp), 0U);
}

class Captures : public testing::TestWithParam<const char*> {};

TEST_P(Captures, CarryOnlyFramesWhoseIcrcWeComputeTheSame) {
  const auto frames = tests::read_pcap(std::string{BRAIDWAY_TEST_DATA} + "/" + GetParam());
  std::size_t checked = 0;
  for (const auto& frame : frames) {
    constexpr std::size_t ethernet_bytes = 14;
    if (frame.size() <= ethernet_bytes + 40) continue;  // ARP, TCP acknowledgements
    const auto ip = std::span{frame}.subspan(ethernet_bytes);
    const auto ether_type = big_endian16(std::span{frame}.subspan(12));
    const bool ipv4 = ether_type == 0x0800;
    if (!ipv4 && ether_type != 0x86dd) continue;
    const std::size_t ip_header = ipv4 ? 20 : 40;
    if (std::to_integer<unsigned>(ip[ipv4 ? 9 : 6]) != 17) continue;
    if (big_endian16(ip.subspan(ip_header + 2)) != rocev2_udp_port) continue;
    const std::size_t size = ipv4 ? big_endian16(ip.subspan(2)) : ip_header + big_endian16(ip.subspan(4));
    ASSERT_LE(size, ip.size());
    EXPECT_EQ(icrc(ip.first(size - icrc_bytes)), little_endian(ip.subspan(size - icrc_bytes)));
    ++checked;
  }
  EXPECT_GT(checked, 0U);
  RecordProperty("frames", std::to_string(checked));
}

INSTANTIATE_TEST_SUITE_P(OfSoftRoce, Captures,
                         testing::Values("rxe-jumbo-v6.pcap", "rxe-multi-qp.pcap", "rxe-read-v4.pcap",
                                         "rxe-send-v6.pcap", "rxe-write-v4.pcap"));

}  // namespace
}  // namespace braidway::telemetry
