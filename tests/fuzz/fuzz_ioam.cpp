// Fuzzes IOAM: any frame, and traced frames with any bits of their headers flipped.
//
// What is refused stays as it was. What a transit node writes into is still a trace, with one node more. What
// the sink takes off leaves the packet that was inside, in its place. What our source makes of any IP packet,
// our sink undoes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "telemetry/ioam_sink.hpp"
#include "telemetry/ioam_source.hpp"
#include "telemetry/ioam_transit.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/unit/telemetry/ioam_frames.hpp"

namespace braidway::tests {
namespace {

using namespace telemetry;

constexpr std::uint16_t our_namespace = 0;
constexpr std::uint16_t l3_offset = 14;

const Bytes& plain_frame() {
  static const Bytes frame =
      joined(from_hex("020000000002 020000000001 86dd"),
             from_hex("66a00000 0008 3b40 fd000000000000000000000000000011 fd000000000000000000000000000022"),
             from_hex("0102030405060708"));
  return frame;
}

const IoamSource& source() {
  static const IoamSource made({.source = lb::ipv6(0xfd00000000000000, 1),
                                .destination = lb::ipv6(0xfd00000000000000, 2),
                                .trace_type = ioam_node_id | ioam_interfaces_wide | ioam_opaque,
                                .namespace_id = our_namespace,
                                .nodes = 3,
                                .opaque_words = 1});
  return made;
}

/// Taking the trace off gives what was inside; only its ECN, and with it IPv4's checksum, may have changed.
void check_strip(const Bytes& bytes, const Traced& traced) {
  FrameInMemory frame(bytes, 0, l3_offset);
  frame.stripped(strip_ioam(frame.view(), traced));
  const auto after = frame.frame();
  require(after.size() == l3_offset + std::size_t{traced.inner_bytes}, "the frame is as long as its packet");
  require(std::equal(after.begin(), after.begin() + 12, bytes.begin()), "the link header is the frame's");
  const auto changed_by_ecn = [&](std::size_t at) {
    return at == 1 || (traced.inner_ipv4 && (at == 10 || at == 11));
  };
  for (std::size_t at = 0; at < traced.inner_bytes; ++at) {
    require(after[l3_offset + at] == bytes[traced.inner_offset + at] ||
                (traced.inner_ecn_changes && changed_by_ecn(at)),
            "the packet inside is what it was");
  }
}

void check_nodes(const Traced& traced) {
  IoamNodes nodes = traced.nodes;
  std::size_t count = 0;
  for (IoamNode node; nodes.next(node);) {
    require(node.opaque.size() % 4 == 0, "opaque data are words");
    ++count;
  }
  require(count == traced.node_count, "the nodes are all that were counted");
}

void check_frame(const Bytes& bytes) {
  FrameInMemory frame(bytes, 0, l3_offset);
  Traced before;
  const auto sink_fault = examine_ioam(frame.view(), our_namespace, before);
  require(frame.frame() == bytes, "examining changes nothing");
  if (sink_fault == IoamFault::none) {
    check_nodes(before);
    check_strip(bytes, before);
  }
  const auto fault = add_own_ioam_node(frame.view(), our_namespace, {.node_id = 1});
  if (fault != IoamFault::none) {
    auto with_overflow = bytes;
    if (fault == IoamFault::overflow) {
      IoamTrace trace;
      require(find_ioam_trace(frame.view(), trace) == IoamFault::none && trace.overflowed(), "O is set");
      with_overflow[trace.trace_offset + std::size_t{2}] |= std::byte{0x04};
    }
    require(frame.frame() == with_overflow, "a packet that is refused is left alone");
    return;
  }
  if (sink_fault != IoamFault::none) return;
  Traced after;
  require(examine_ioam(frame.view(), our_namespace, after) == IoamFault::none, "it is still a trace");
  require(after.node_count == before.node_count + 1, "with one node more");
}

void check_round_trip(const Bytes& bytes) {
  FrameInMemory frame(bytes, source().added_bytes(), l3_offset);
  const auto added = source().add(frame.view(), 0xfffff, nullptr);
  if (added.fault != IoamFault::none) {
    require(frame.frame() == bytes, "a packet that is refused is left alone");
    return;
  }
  frame.added(added);
  Traced traced;
  require(examine_ioam(frame.view(), our_namespace, traced) == IoamFault::none, "the sink takes it");
  frame.stripped(strip_ioam(frame.view(), traced));
  auto expected = bytes;
  expected.resize(added.frame_bytes - source().added_bytes());
  store_be16(&expected[12], traced.inner_ipv4 ? 0x0800 : 0x86dd);  // the parser's business, not the source's
  require(frame.frame() == expected, "and the packet is what it was");
}

void check(std::span<const std::byte> input) {
  check_frame({input.begin(), input.end()});
  check_round_trip({input.begin(), input.end()});

  FrameInMemory frame(plain_frame(), source().added_bytes(), l3_offset);
  frame.added(source().add(frame.view(), 0, nullptr));
  auto damaged = frame.frame();
  for (std::size_t i = 0; i < std::min(input.size(), damaged.size() - l3_offset); ++i) {
    damaged[l3_offset + i] ^= input[i];
  }
  check_frame(damaged);
}

}  // namespace
}  // namespace braidway::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  braidway::tests::check(std::as_bytes(std::span{data, size}));
  return 0;
}
