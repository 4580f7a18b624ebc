// An ICRC corrected without the packet's payload is the one that computing it anew gives.
#include "telemetry/icrc_update.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "telemetry/big_endian.hpp"
#include "telemetry/icrc.hpp"
#include "telemetry/roce.hpp"
#include "tests/unit/telemetry/pcap_file.hpp"

namespace braidway::telemetry {
namespace {

using Bytes = std::vector<std::byte>;

Bytes from_hex(std::string_view hex) {
  Bytes bytes;
  for (std::size_t at = 0; at + 1 < hex.size(); at += 2) {
    bytes.push_back(static_cast<std::byte>(std::stoul(std::string{hex.substr(at, 2)}, nullptr, 16)));
  }
  return bytes;
}

constexpr std::string_view connectx_cnp =
    "45c2003c718c4000401191610a0011010a001201000012b7002800008100ffff4000011800000000"
    "0000000000000000000000000000000082fd002a";
constexpr std::string_view scapy_uc_send =
    "45010040047840004011b4d5c0a80007c0a80007c00012b7002caca22460ffff000000d300cf17104630818be28935d90e9a9550"
    "5401be885e50000078f353f3";

/// Every way of multiplying that this machine has.
std::vector<Multiply> ways() {
  std::vector<Multiply> all{Multiply::portable};
  if (IcrcUpdate::fastest() != Multiply::portable) all.push_back(IcrcUpdate::fastest());
  return all;
}

const IcrcUpdate& update_by(Multiply way) {
  static const auto portable = std::make_unique<IcrcUpdate>(Multiply::portable);
  static const auto fastest = std::make_unique<IcrcUpdate>(IcrcUpdate::fastest());
  return way == Multiply::portable ? *portable : *fastest;
}

std::uint32_t little_endian(std::span<const std::byte> four) {
  std::uint32_t word = 0;
  std::memcpy(&word, four.data(), sizeof word);
  return word;
}

std::uint32_t stored_icrc(const Bytes& packet) { return little_endian(std::span{packet}.last(icrc_bytes)); }
std::uint32_t full_icrc(const Bytes& packet) {
  return icrc(std::span{packet}.first(packet.size() - icrc_bytes));
}
void store_icrc(Bytes& packet, std::uint32_t value) {
  std::memcpy(packet.data() + packet.size() - icrc_bytes, &value, sizeof value);
}

bool is_ipv4(const Bytes& packet) { return std::to_integer<unsigned>(packet[0]) >> 4U == 4; }
std::size_t udp_offset(const Bytes& packet) { return is_ipv4(packet) ? 20 : 40; }

/// UDP's checksum by the definition: the one's complement of the sum of pseudo header, header and data.
std::uint16_t full_udp_checksum(Bytes packet) {
  const std::size_t udp = udp_offset(packet);
  store_be16(&packet[udp + 6], 0);
  std::uint64_t sum = 17 + load_be16(&packet[udp + 4]);
  for (std::size_t at = is_ipv4(packet) ? 12 : 8; at < packet.size(); at += 2) sum += load_be16(&packet[at]);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return sum == 0xffff ? std::uint16_t{0xffff} : static_cast<std::uint16_t>(~sum);
}

/// A right RoCEv2 packet with this much of anything behind its BTH (a multiple of four).
Bytes packet_of(bool ipv4, const Bytes& behind_bth) {
  const std::size_t udp = ipv4 ? 20 : 40;
  const std::size_t udp_bytes = 8 + bth_bytes + behind_bth.size() + icrc_bytes;
  Bytes packet(udp + udp_bytes);
  if (ipv4) {
    packet[0] = std::byte{0x45};
    store_be16(&packet[2], static_cast<std::uint16_t>(packet.size()));
    packet[8] = std::byte{64};
    packet[9] = std::byte{17};
    store_be32(&packet[12], 0x0a000001);
    store_be32(&packet[16], 0x0a000002);
  } else {
    packet[0] = std::byte{0x60};
    store_be16(&packet[4], static_cast<std::uint16_t>(udp_bytes));
    packet[6] = std::byte{17};
    packet[7] = std::byte{64};
    store_be32(&packet[8], 0xfd000001);
    store_be32(&packet[24], 0xfd000002);
  }
  store_be16(&packet[udp], 0xc123);
  store_be16(&packet[udp + 2], rocev2_udp_port);
  store_be16(&packet[udp + 4], static_cast<std::uint16_t>(udp_bytes));
  packet[udp + 8] = std::byte{0x04};
  packet[udp + 15] = std::byte{0x11};
  std::ranges::copy(behind_bth, packet.begin() + static_cast<std::ptrdiff_t>(udp + 8 + bth_bytes));
  store_icrc(packet, full_icrc(packet));
  return packet;
}

Bytes any_bytes(std::size_t count) {
  return *rc::gen::container<Bytes>(count, rc::gen::cast<std::byte>(rc::gen::inRange(0, 256)));
}
/// Up to so many words of anything.
Bytes any_words(std::size_t most) { return any_bytes(4 * *rc::gen::inRange<std::size_t>(0, most + 1)); }

TEST(IcrcUpdate, HasTheFactorsOfTheReference) {
  for (const auto way : ways()) {
    const auto& update = update_by(way);
    EXPECT_EQ(update.factor(0), 0x80000000U) << "x^0";
    EXPECT_EQ(update.factor(22), 0x9a11d850U);
    EXPECT_EQ(update.factor(36), 0x78ed02d5U);
    EXPECT_EQ(update.factor(38), 0x1241289bU);
    EXPECT_EQ(update.factor(58), 0x00d2d4dbU);
    EXPECT_EQ(update.factor(1064), 0x362918d9U);
    EXPECT_EQ(update.factor(4136), 0x355253e0U);
  }
}

TEST(IcrcUpdate, IsRightOnTheConnectX4sCnpWithAnotherSourcePort) {
  for (const auto way : ways()) {
    auto packet = from_hex(connectx_cnp);
    EXPECT_EQ(update_by(way).delta(0x00c0, 36), 0x54288e16U);
    ASSERT_TRUE(update_by(way).set_udp_source_port(packet, 0xc000));
    EXPECT_EQ(stored_icrc(packet), little_endian(from_hex("9473287e")));
    EXPECT_EQ(load_be16(&packet[20]), 0xc000U);
    EXPECT_EQ(load_be16(&packet[26]), 0U) << "no checksum stays no checksum";
  }
}

TEST(IcrcUpdate, CorrectsAUdpChecksumThatIsThere) {
  for (const auto way : ways()) {
    auto packet = from_hex(scapy_uc_send);
    ASSERT_EQ(full_udp_checksum(packet), load_be16(&packet[26])) << "scapy's own";
    ASSERT_TRUE(update_by(way).set_udp_source_port(packet, 0xbeef));
    EXPECT_EQ(stored_icrc(packet), full_icrc(packet));
    EXPECT_EQ(load_be16(&packet[26]), full_udp_checksum(packet));
  }
}

TEST(IcrcUpdate, WritesAChecksumOfZeroAsOnes) {
  std::size_t written_as_ones = 0;
  for (unsigned payload = 0; payload < 8; ++payload) {
    auto packet = packet_of(false, Bytes(4, static_cast<std::byte>(payload)));
    store_be16(&packet[46], full_udp_checksum(packet));
    for (unsigned port = 0; port <= 0xffff; ++port) {
      ASSERT_TRUE(
          update_by(IcrcUpdate::fastest()).set_udp_source_port(packet, static_cast<std::uint16_t>(port)));
      const auto checksum = load_be16(&packet[46]);
      ASSERT_EQ(checksum, full_udp_checksum(packet)) << port;
      written_as_ones += checksum == 0xffff ? 1 : 0;
    }
  }
  EXPECT_GT(written_as_ones, 0U);
}

TEST(IcrcUpdate, LeavesAloneWhatIsNoWholeRocev2Packet) {
  struct Case {
    const char* what;
    std::size_t offset;
    std::uint8_t byte;
  };
  constexpr std::array ipv4_cases{Case{"IPv4 options", 0, 0x46},
                                  Case{"no IP", 0, 0x05},
                                  Case{"total length beyond the bytes", 3, 0x44},
                                  Case{"total length below the header's", 3, 0x10},
                                  Case{"total length that differs from UDP's", 3, 0x3c},
                                  Case{"more fragments", 6, 0x20},
                                  Case{"fragment offset", 7, 0x01},
                                  Case{"TCP", 9, 6},
                                  Case{"another destination port", 23, 0xb8},
                                  Case{"UDP length", 25, 0x2b}};
  constexpr std::array ipv6_cases{Case{"payload length", 5, 0x30}, Case{"extension header", 6, 0},
                                  Case{"another port", 42, 0x13}};
  const auto& update = update_by(IcrcUpdate::fastest());
  const auto expect_untouched = [&](Bytes packet, const Case& bad) {
    packet[bad.offset] = std::byte{bad.byte};
    const Bytes before = packet;
    EXPECT_FALSE(update.set_udp_source_port(packet, 1)) << bad.what;
    EXPECT_EQ(packet, before) << bad.what;
  };
  const auto ipv4 = from_hex(scapy_uc_send);
  const auto ipv6 = packet_of(false, Bytes(8));
  for (const auto& bad : ipv4_cases) expect_untouched(ipv4, bad);
  for (const auto& bad : ipv6_cases) expect_untouched(ipv6, bad);
  for (const auto& whole : {ipv4, ipv6}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      EXPECT_FALSE(update.set_udp_source_port(cut, 1)) << size;
    }
  }
  // Not a multiple of four, lengths otherwise consistent.
  auto odd = ipv4;
  odd.pop_back();
  store_be16(&odd[2], static_cast<std::uint16_t>(odd.size()));
  store_be16(&odd[24], static_cast<std::uint16_t>(odd.size() - 20));
  EXPECT_FALSE(update.set_udp_source_port(odd, 1));
  // No room for a BTH.
  auto tiny = packet_of(true, {});
  tiny.erase(tiny.end() - icrc_bytes, tiny.end());
  store_be16(&tiny[2], static_cast<std::uint16_t>(tiny.size()));
  store_be16(&tiny[24], static_cast<std::uint16_t>(tiny.size() - 20));
  EXPECT_FALSE(update.set_udp_source_port(tiny, 1));
}

TEST(IcrcUpdate, ReachesItsGreatestDistanceAndNoFurther) {
  for (const auto way : ways()) {
    auto longest = packet_of(true, Bytes(IcrcUpdate::max_distance - 8 - bth_bytes, std::byte{0x5a}));
    ASSERT_TRUE(update_by(way).set_udp_source_port(longest, 0x1234));
    EXPECT_EQ(stored_icrc(longest), full_icrc(longest));
    auto longer = packet_of(true, Bytes(IcrcUpdate::max_distance - 4 - bth_bytes, std::byte{0x5a}));
    const Bytes before = longer;
    EXPECT_FALSE(update_by(way).set_udp_source_port(longer, 0x1234));
    EXPECT_EQ(longer, before);
  }
}

RC_GTEST_PROP(IcrcUpdate, GivesEveryPacketTheIcrcThatComputingItAnewGives, ()) {
  auto packet = packet_of(*rc::gen::arbitrary<bool>(), any_words(64));
  const auto udp = udp_offset(packet);
  const bool with_checksum = *rc::gen::arbitrary<bool>();
  if (with_checksum) store_be16(&packet[udp + 6], full_udp_checksum(packet));
  const auto trailer = *rc::gen::inRange<std::size_t>(0, 9);
  const auto port = *rc::gen::arbitrary<std::uint16_t>();
  Bytes expected = packet;
  store_be16(&expected[udp], port);
  store_icrc(expected, full_icrc(expected));
  if (with_checksum) store_be16(&expected[udp + 6], full_udp_checksum(expected));
  for (const auto way : ways()) {
    Bytes changed = packet;
    changed.resize(changed.size() + trailer, std::byte{0xcc});
    RC_ASSERT(update_by(way).set_udp_source_port(changed, port));
    RC_ASSERT(std::equal(expected.begin(), expected.end(), changed.begin()));
    RC_ASSERT(std::all_of(changed.end() - static_cast<std::ptrdiff_t>(trailer), changed.end(),
                          [](std::byte byte) { return byte == std::byte{0xcc}; }));
  }
}

RC_GTEST_PROP(IcrcUpdate, HidesNoCorruption, ()) {
  auto packet = packet_of(*rc::gen::arbitrary<bool>(), any_words(16));
  const auto udp = udp_offset(packet);
  store_be16(&packet[udp + 6], full_udp_checksum(packet));
  const auto wrong_icrc = *rc::gen::nonZero<std::uint32_t>();
  const auto wrong_checksum = *rc::gen::inRange<std::uint16_t>(1, 0xffff);
  store_icrc(packet, stored_icrc(packet) ^ wrong_icrc);
  const auto right = full_udp_checksum(packet);
  const auto checksum = static_cast<std::uint16_t>(right + wrong_checksum);
  RC_PRE(checksum != 0 && checksum != 0xffff && right != 0xffff);
  store_be16(&packet[udp + 6], checksum);
  const auto port = *rc::gen::arbitrary<std::uint16_t>();
  for (const auto way : ways()) {
    Bytes changed = packet;
    RC_ASSERT(update_by(way).set_udp_source_port(changed, port));
    RC_ASSERT((full_icrc(changed) ^ stored_icrc(changed)) == wrong_icrc);
    RC_ASSERT(load_be16(&changed[udp + 6]) != full_udp_checksum(changed));
  }
}

RC_GTEST_PROP(IcrcUpdate, FollowsAnyFewBytesAndSeveralChangesAtOnce, ()) {
  auto packet = packet_of(*rc::gen::arbitrary<bool>(), any_words(32));
  const auto first_payload_byte = udp_offset(packet) + 8 + bth_bytes;
  const auto end = packet.size() - icrc_bytes;
  RC_PRE(end > first_payload_byte);
  std::array<std::uint32_t, 2> icrcs{stored_icrc(packet), stored_icrc(packet)};
  const auto changes = *rc::gen::inRange(1, 4);
  for (int i = 0; i < changes; ++i) {
    const auto at = *rc::gen::inRange(first_payload_byte, end);
    const auto count = *rc::gen::inRange<std::size_t>(1, std::min<std::size_t>(4, end - at) + 1);
    const auto after = any_bytes(count);
    const auto place = std::span{packet}.subspan(at, count);
    for (std::size_t way = 0; way < ways().size(); ++way) {
      icrcs[way] ^= update_by(ways()[way]).delta(place, after, end - at);
    }
    std::ranges::copy(after, place.begin());
  }
  for (std::size_t way = 0; way < ways().size(); ++way) RC_ASSERT(icrcs[way] == full_icrc(packet));
}

RC_GTEST_PROP(IcrcUpdate, MultipliesTheSameBothWays, ()) {
  const auto changed = *rc::gen::arbitrary<std::uint32_t>() * 0x9e3779b1U;
  const auto distance = *rc::gen::inRange<std::size_t>(4, IcrcUpdate::max_distance + 1);
  RC_ASSERT(update_by(Multiply::portable).delta(changed, distance) ==
            update_by(IcrcUpdate::fastest()).delta(changed, distance));
}

class CapturesWithNewEntropy : public testing::TestWithParam<const char*> {};

TEST_P(CapturesWithNewEntropy, HaveTheRightIcrcAndChecksum) {
  std::size_t changed_packets = 0;
  for (const auto& frame : tests::read_pcap(std::string{BRAIDWAY_TEST_DATA} + "/" + GetParam())) {
    constexpr std::size_t ethernet_bytes = 14;
    if (frame.size() <= ethernet_bytes) continue;
    Bytes padded(frame.begin() + ethernet_bytes, frame.end());
    for (const auto way : ways()) {
      Bytes packet = padded;
      if (!update_by(way).set_udp_source_port(packet, 0xabcd)) continue;
      packet.resize(is_ipv4(packet) ? load_be16(&packet[2]) : 40U + load_be16(&packet[4]));
      ASSERT_EQ(stored_icrc(packet), full_icrc(packet));
      const auto checksum = load_be16(&packet[udp_offset(packet) + 6]);
      ASSERT_TRUE(checksum == 0 || checksum == full_udp_checksum(packet));
      ++changed_packets;
    }
  }
  EXPECT_GT(changed_packets, 0U);
  RecordProperty("packets", std::to_string(changed_packets));
}

INSTANTIATE_TEST_SUITE_P(OfSoftRoce, CapturesWithNewEntropy,
                         testing::Values("rxe-jumbo-v6.pcap", "rxe-multi-qp.pcap", "rxe-read-v4.pcap",
                                         "rxe-send-v6.pcap", "rxe-write-v4.pcap"));

}  // namespace
}  // namespace braidway::telemetry
