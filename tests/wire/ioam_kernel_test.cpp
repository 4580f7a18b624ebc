// IOAM traces of our source, written to by the Linux kernel on their way, and read and taken off by our sink:
// two implementations that share nothing but the standard. Exit code 77 (skipped) where the kernel cannot.
#include "tests/wire/ioam_kernel.hpp"

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

#include <gtest/gtest.h>

#include "telemetry/ioam_transit.hpp"
#include "tests/unit/telemetry/pcap_file.hpp"

namespace braidway::tests {
namespace {

using namespace telemetry;

constexpr std::uint16_t l3_offset = 14;
constexpr std::uint8_t hop_limit_sent = 64;
constexpr IoamNode own{.node_id = 7, .ingress = 1, .egress = 2};

IoamKernel& kernel() {
  static IoamKernel made;
  return made;
}

/// A packet for nobody in particular: what is inside is not the kernel's business.
Bytes any_packet() {
  return joined(
      from_hex("60012345 0040 fd40 20010db8000000000000000000000001 20010db8000000000000000000000002"),
      Bytes(64, std::byte{0x5a}));
}

IoamSettings settings(std::uint32_t trace_type, std::uint16_t namespace_id, std::uint8_t nodes = 1) {
  return {.source = IoamKernel::source(),
          .destination = IoamKernel::destination(),
          .trace_type = trace_type,
          .namespace_id = namespace_id,
          .nodes = nodes,
          .opaque_words = 2,
          .hop_limit = hop_limit_sent,
          .mtu = IoamKernel::mtu};
}

/// `packet` behind the headers of a trace, as it goes into the kernel.
Bytes with_trace(const Bytes& packet, const IoamSettings& settings, const IoamNode* node) {
  const IoamSource source(settings);
  FrameInMemory frame(joined(IoamKernel::link_header(), packet), source.added_bytes(), l3_offset);
  const auto added = source.add(frame.view(), 0xabcde, node);
  EXPECT_EQ(added.fault, IoamFault::none);
  frame.added(added);
  return frame.frame();
}

Bytes l3_of(const Bytes& frame) {
  return frame.size() < l3_offset ? Bytes{} : Bytes(frame.begin() + l3_offset, frame.end());
}

std::int64_t seconds_now() {
  using std::chrono::system_clock;  // not time(): that lags behind the kernel's stamps by up to a tick
  return std::chrono::floor<std::chrono::seconds>(system_clock::now()).time_since_epoch().count();
}

/// What came out of the kernel, and what our sink makes of it.
struct Passed {
  explicit Passed(const Bytes& sent, std::uint16_t namespace_id) : frame(kernel().pass(sent), 0, l3_offset) {
    fault = examine_ioam(frame.view(), namespace_id, traced);
  }
  Bytes stripped() {
    frame.stripped(strip_ioam(frame.view(), traced));
    return l3_of(frame.frame());
  }

  FrameInMemory frame;
  Traced traced;
  IoamFault fault;
};

/// All that the kernel says of itself; of what it does not know, ones.
IoamNode kernels_own(std::uint16_t namespace_id) {
  static const Bytes opaque = [] {
    const auto bytes = std::as_bytes(std::span{IoamKernel::schema, 8});
    return Bytes(bytes.begin(), bytes.end());
  }();
  IoamNode node{.node_id = IoamKernel::node_id,
                .ingress = IoamKernel::ingress,
                .egress = IoamKernel::egress,
                .queue_depth = 0,
                .node_id_wide = IoamKernel::node_id_wide,
                .ingress_wide = IoamKernel::ingress_wide,
                .egress_wide = IoamKernel::egress_wide};
  if (namespace_id == IoamKernel::rich_namespace) {
    node.namespace_data = IoamKernel::namespace_data;
    node.namespace_data_wide = IoamKernel::namespace_data_wide;
    node.schema_id = IoamKernel::schema_id;
    node.opaque = opaque;
  }
  return node;
}

void expect_kernels_node(std::uint32_t trace_type) {
  SCOPED_TRACE(trace_type);
  const auto packet = any_packet();
  Passed passed(with_trace(packet, settings(trace_type, IoamKernel::rich_namespace), nullptr),
                IoamKernel::rich_namespace);
  ASSERT_EQ(passed.fault, IoamFault::none);
  EXPECT_FALSE(passed.traced.trace.overflowed());
  ASSERT_EQ(passed.traced.node_count, 1U);
  IoamNode node;
  ASSERT_TRUE(passed.traced.nodes.next(node));
  EXPECT_TRUE(same(node, as_read(kernels_own(IoamKernel::rich_namespace), trace_type, hop_limit_sent - 1)));
  EXPECT_EQ(passed.stripped(), packet);
}

TEST(LinuxAsIoamNode, FillsTheShortFields) {
  expect_kernels_node(ioam_node_id | ioam_interfaces | ioam_namespace_data | ioam_queue_depth);
}

TEST(LinuxAsIoamNode, FillsTheWideFields) {
  expect_kernels_node(ioam_node_id_wide | ioam_interfaces_wide | ioam_namespace_data_wide);
}

TEST(LinuxAsIoamNode, FillsOpaqueData) {
  expect_kernels_node(ioam_opaque);
  expect_kernels_node(ioam_node_id | ioam_opaque);
}

TEST(LinuxAsIoamNode, WritesOnesForWhatItDoesNotKnow) {
  expect_kernels_node(ioam_transit_delay | ioam_checksum_complement | ioam_buffer_occupancy | ioam_node_id);
}

TEST(LinuxAsIoamNode, WritesTheTimeOfThePacket) {
  const auto packet = any_packet();
  const auto before = seconds_now();
  Passed passed(
      with_trace(packet, settings(ioam_seconds | ioam_fraction, IoamKernel::rich_namespace), nullptr),
      IoamKernel::rich_namespace);
  const auto after = seconds_now();
  ASSERT_EQ(passed.fault, IoamFault::none);
  IoamNode node;
  ASSERT_TRUE(passed.traced.nodes.next(node));
  EXPECT_GE(node.seconds, before);
  EXPECT_LE(node.seconds, after);
  EXPECT_LT(node.fraction, 1'000'000U) << "microseconds";
  EXPECT_EQ(passed.stripped(), packet);
}

TEST(LinuxAsIoamNode, WritesInFrontOfTheSourcesNode) {
  const auto packet = any_packet();
  constexpr auto trace_type = ioam_node_id | ioam_interfaces;
  Passed passed(with_trace(packet, settings(trace_type, IoamKernel::rich_namespace, 5), &own),
                IoamKernel::rich_namespace);
  ASSERT_EQ(passed.fault, IoamFault::none);
  ASSERT_EQ(passed.traced.node_count, 2U);
  EXPECT_EQ(passed.traced.trace.remaining_words, 6U);
  IoamNode node;
  ASSERT_TRUE(passed.traced.nodes.next(node));
  EXPECT_EQ(node.node_id, IoamKernel::node_id) << "the newest first";
  EXPECT_EQ(node.hop_limit, hop_limit_sent - 1);
  ASSERT_TRUE(passed.traced.nodes.next(node));
  EXPECT_EQ(node.node_id, own.node_id);
  EXPECT_EQ(node.hop_limit, hop_limit_sent);
  EXPECT_EQ(passed.stripped(), packet);
}

TEST(LinuxAsIoamNode, SetsOverflowWhereItsDataFindNoRoom) {
  const auto packet = any_packet();
  Passed passed(
      with_trace(packet, settings(ioam_node_id | ioam_interfaces, IoamKernel::rich_namespace), &own),
      IoamKernel::rich_namespace);
  ASSERT_EQ(passed.fault, IoamFault::none);
  EXPECT_TRUE(passed.traced.trace.overflowed());
  ASSERT_EQ(passed.traced.node_count, 1U);
  IoamNode node;
  ASSERT_TRUE(passed.traced.nodes.next(node));
  EXPECT_EQ(node.node_id, own.node_id);
  EXPECT_EQ(passed.stripped(), packet);
}

TEST(LinuxAsIoamNode, LeavesAnUnknownNamespaceAlone) {
  const auto sent = with_trace(any_packet(), settings(ioam_node_id, IoamKernel::unknown_namespace, 3), &own);
  auto expected = l3_of(sent);
  expected[7] = std::byte{hop_limit_sent - 1};
  Passed passed(sent, IoamKernel::unknown_namespace);
  ASSERT_EQ(passed.fault, IoamFault::none);
  EXPECT_EQ(l3_of(passed.frame.frame()), expected);
}

TEST(LinuxAsIoamNode, DoesByteForByteWhatOurTransitNodeDoes) {
  constexpr std::uint32_t times = ioam_seconds | ioam_fraction;
  std::size_t compared = 0;
  const auto compare = [&](std::uint32_t trace_type, std::uint16_t namespace_id, std::uint8_t nodes) {
    SCOPED_TRACE(testing::Message() << trace_type << " " << namespace_id << " " << unsigned{nodes});
    const auto with = settings(trace_type, namespace_id, nodes);
    if (IoamSource::check(with) != IoamFault::none) return;
    const auto sent = with_trace(any_packet(), with, &own);
    FrameInMemory ours(sent, 0, l3_offset);
    ours[l3_offset + 7] = std::byte{hop_limit_sent - 1};
    const auto fault = add_own_ioam_node(ours.view(), namespace_id, kernels_own(namespace_id));
    EXPECT_TRUE(fault == IoamFault::none || fault == IoamFault::overflow) << fault;
    EXPECT_EQ(l3_of(kernel().pass(sent)), l3_of(ours.frame()));
    ++compared;
  };
  for (const auto namespace_id : {IoamKernel::rich_namespace, IoamKernel::poor_namespace}) {
    for (std::uint32_t bit = ioam_node_id; bit >= ioam_buffer_occupancy; bit >>= 1U) {
      if ((bit & times) != 0) continue;
      compare(bit, namespace_id, 2);
      compare(bit | ioam_opaque, namespace_id, 2);
      compare(bit | ioam_node_id | ioam_interfaces_wide, namespace_id, 1);
    }
    compare(0xfff000 & ~times, namespace_id, 3);
    compare((0xfff000 & ~times) | ioam_opaque, namespace_id, 3);
  }
  EXPECT_GT(compared, 60U);
}

TEST(LinuxAsIoamNode, CarriesRdmaTrafficThatTheSinkRestores) {
  std::array<std::size_t, 2> restored{};
  for (const char* const name : {"rxe-send-v6.pcap", "rxe-jumbo-v6.pcap", "rxe-write-v4.pcap"}) {
    for (const auto& frame : read_pcap(std::string{BRAIDWAY_TEST_DATA} + "/" + name)) {
      const auto ethertype = load_be16(&frame[12]);
      if (ethertype != 0x0800 && ethertype != 0x86dd) continue;
      const bool ipv4 = ethertype == 0x0800;
      const std::size_t bytes =
          ipv4 ? load_be16(&frame[l3_offset + 2]) : 40U + load_be16(&frame[l3_offset + 4]);
      const auto begin = frame.begin() + l3_offset;
      const Bytes packet(begin, begin + static_cast<std::ptrdiff_t>(bytes));
      const auto with = settings(ioam_node_id | ioam_interfaces, IoamKernel::rich_namespace, 3);
      Passed passed(with_trace(packet, with, &own), IoamKernel::rich_namespace);
      ASSERT_EQ(passed.fault, IoamFault::none);
      ASSERT_EQ(passed.traced.node_count, 2U);
      ASSERT_EQ(passed.stripped(), packet);
      ASSERT_EQ(load_be16(&passed.frame[12]), ethertype);
      ++restored[ipv4 ? 0 : 1];
    }
  }
  EXPECT_GT(restored[0], 100U) << "IPv4";
  EXPECT_GT(restored[1], 100U) << "IPv6";
}

}  // namespace
}  // namespace braidway::tests

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (const auto missing = braidway::tests::kernel().start()) {
    constexpr int skipped = 77;
    std::printf("skipped: %s\n", missing->c_str());
    return skipped;
  }
  return RUN_ALL_TESTS();
}
