// Every reason not to write into a trace, or not to take it off, and that what is refused is left alone.
#include <functional>
#include <initializer_list>
#include <set>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "telemetry/ioam_sink.hpp"
#include "telemetry/ioam_transit.hpp"
#include "tests/unit/telemetry/ioam_example.hpp"

namespace braidway::telemetry {
namespace {

using tests::Bytes;
using tests::FrameInMemory;
using tests::from_hex;
using namespace tests::ioam_example;

/// A frame with something wrong, and what transit and sink say of it.
struct Wrong {
  const char* what;
  IoamFault transit;
  IoamFault sink;
  std::function<void(Bytes&)> change;
};

void put(Bytes& frame, std::size_t at, std::string_view hex) {
  std::ranges::copy(from_hex(hex), frame.begin() + static_cast<std::ptrdiff_t>(at));
}

const std::vector<Wrong>& wrong_frames() {
  using enum IoamFault;
  static const std::vector<Wrong> frames{
      {"nothing is wrong", none, none, [](Bytes&) {}},
      {"padding behind the packet", none, none, [](Bytes& frame) { frame.resize(frame.size() + 9); }},
      {"IPv4", not_ipv6, not_ipv6, [](Bytes& frame) { put(frame, outer, "45"); }},
      {"cut in the outer header", not_ipv6, not_ipv6, [](Bytes& frame) { frame.resize(hop_by_hop - 1); }},
      {"cut behind it", ip_length_mismatch, ip_length_mismatch, [](Bytes& frame) { frame.pop_back(); }},
      {"no Hop-by-Hop header", no_trace, no_trace, [](Bytes& frame) { put(frame, outer + 6, "29"); }},
      {"payload shorter than any such header", hop_by_hop_truncated, hop_by_hop_truncated,
       [](Bytes& frame) { put(frame, outer + 4, "0007"); }},
      {"payload shorter than the header", hop_by_hop_truncated, hop_by_hop_truncated,
       [](Bytes& frame) { put(frame, outer + 4, "001f"); }},
      {"header beyond the payload", hop_by_hop_truncated, hop_by_hop_truncated,
       [](Bytes& frame) { put(frame, hop_by_hop + 1, "0a"); }},
      {"header ends within the option", option_truncated, option_truncated,
       [](Bytes& frame) { put(frame, hop_by_hop + 1, "02"); }},
      {"an option's type is all that there is of it", option_truncated, option_truncated,
       [](Bytes& frame) {
         put(frame, option, "01191111111111");
         std::fill_n(frame.begin() + inner - 1, 1, std::byte{0x31});
       }},
      {"option length beyond the header", option_truncated, option_truncated,
       [](Bytes& frame) { put(frame, option + 1, "1e"); }},
      {"option too short for IOAM", option_truncated, option_truncated,
       [](Bytes& frame) { put(frame, option, "3101 00 0117"); }},
      {"option too short for a trace", option_truncated, option_truncated,
       [](Bytes& frame) {
         put(frame, option + 1, "09");
         put(frame, option + 11, "010f");
       }},
      {"option not at a multiple of 4", option_misaligned, option_misaligned,
       [](Bytes& frame) { put(frame, hop_by_hop + 2, "0000 0100 311600 00007b1001c0000000"); }},
      {"room of no whole words", option_length_uneven, option_length_uneven,
       [](Bytes& frame) {
         put(frame, option + 1, "18");
         put(frame, inner - 2, "0100");
       }},
      {"another option that may be skipped", none, none,
       [](Bytes& frame) { put(frame, hop_by_hop, "2903 1e00"); }},
      {"an option that must not", option_must_discard, option_must_discard,
       [](Bytes& frame) { put(frame, hop_by_hop, "2903 5e00"); }},
      {"an incremental trace", no_trace, no_trace, [](Bytes& frame) { put(frame, option + 3, "01"); }},
      {"nothing but padding", no_trace, no_trace,
       [](Bytes& frame) {
         put(frame, option, "011a");
         std::fill_n(frame.begin() + option + 2, 26, std::byte{0});
       }},
      {"an incremental trace beside ours", none, none,
       [](Bytes& frame) { put(frame, option, "31020001 31160000 007b1003 c0000000"); }},
      {"two traces", several_traces, several_traces,
       [](Bytes& frame) {
         put(frame, option, "310a0000 007b1000 c0000000 310a0000 007b1000 c0000000 01020000");
       }},
      {"another namespace", other_namespace, other_namespace,
       [](Bytes& frame) { put(frame, trace_header, "007c"); }},
      {"nothing asked for", empty_trace_type, empty_trace_type,
       [](Bytes& frame) { put(frame, trace_header + 2, "0002 000000"); }},
      {"nothing but the reserved bit", empty_trace_type, empty_trace_type,
       [](Bytes& frame) { put(frame, trace_header + 2, "0002 000001"); }},
      {"the reserved bit beside others", none, none,
       [](Bytes& frame) { put(frame, trace_header + 4, "c00001"); }},
      {"reserved flags and bytes", none, none,
       [](Bytes& frame) {
         put(frame, option + 2, "ff");
         put(frame, trace_header + 2, "1382 c00000 ff");
       }},
      {"NodeLen too small", node_length_mismatch, node_length_mismatch,
       [](Bytes& frame) { put(frame, trace_header + 2, "0802"); }},
      {"NodeLen too big", node_length_mismatch, node_length_mismatch,
       [](Bytes& frame) { put(frame, trace_header + 2, "1802"); }},
      {"RemLen beyond the room", remaining_beyond_space, remaining_beyond_space,
       [](Bytes& frame) { put(frame, trace_header + 2, "1005"); }},
      {"half a node", none, nodes_uneven, [](Bytes& frame) { put(frame, trace_header + 2, "1003"); }},
      {"opaque data beyond the room", none, nodes_uneven,
       [](Bytes& frame) {
         put(frame, trace_header + 2, "0002 000002");
         put(frame, data_space + 8, "02000001 00000000");
       }},
      {"opaque data without its first word", none, nodes_uneven,
       [](Bytes& frame) { put(frame, trace_header + 2, "0803 800002"); }},
      {"no packet inside", none, not_encapsulated, [](Bytes& frame) { put(frame, hop_by_hop, "11"); }},
      {"another IP version inside", none, inner_malformed, [](Bytes& frame) { put(frame, inner, "46"); }},
      {"not the protocol that is said", none, inner_malformed,
       [](Bytes& frame) { put(frame, hop_by_hop, "04"); }},
      {"packet inside longer than the outer", none, inner_malformed,
       [](Bytes& frame) { put(frame, inner + 4, "0009"); }},
      {"packet inside shorter than the outer", none, inner_malformed,
       [](Bytes& frame) { put(frame, inner + 4, "0007"); }},
      {"no room for a packet inside", none, inner_malformed,
       [](Bytes& frame) { put(frame, outer + 4, "0047"); }},
      {"CE on a packet that is not ECN-capable", none, ce_on_not_ect,
       [](Bytes& frame) {
         put(frame, outer + 1, "ba");
         put(frame, inner + 1, "80");
       }},
  };
  return frames;
}

TEST(Ioam, RefusesFramesByNameAndLeavesThemAlone) {
  std::set<IoamFault> seen;
  for (const auto& [what, transit, sink, change] : wrong_frames()) {
    auto bytes = traced_frame;
    change(bytes);
    auto frame = in_memory(bytes);
    Traced traced;
    EXPECT_EQ(examine_ioam(frame.view(), our_namespace, traced), sink) << what;
    EXPECT_EQ(frame.frame(), bytes) << what;
    EXPECT_EQ(add_own_ioam_node(frame.view(), our_namespace, own), transit) << what;
    seen.insert({transit, sink});
    if (transit == IoamFault::none) continue;
    EXPECT_EQ(frame.frame(), bytes) << what;
  }
  // All that a frame can have wrong is in the table, but for what the next test is about.
  for (auto fault = static_cast<int>(IoamFault::no_trace); fault < static_cast<int>(IoamFault::none);
       ++fault) {
    const auto name = static_cast<IoamFault>(fault);
    EXPECT_EQ(seen.contains(name), name != IoamFault::overflow) << name;
  }
}

TEST(Ioam, NeedsItsHeadersInOnePieceAndNothingElse) {
  for (std::size_t pieces = 0; pieces < traced_frame.size(); ++pieces) {
    Bytes piece(traced_frame.begin(), traced_frame.begin() + static_cast<std::ptrdiff_t>(pieces));
    const FrameInBuffer frame{.memory = piece,
                              .headroom = 0,
                              .frame_bytes = traced_frame.size(),
                              .l3_offset = std::uint16_t{outer}};
    Traced traced;
    EXPECT_EQ(examine_ioam(frame, our_namespace, traced),
              pieces < inner + 40 ? IoamFault::headers_scattered : IoamFault::none)
        << pieces;
    EXPECT_EQ(add_own_ioam_node(frame, our_namespace, own),
              pieces < inner ? IoamFault::headers_scattered : IoamFault::none)
        << pieces;
  }
}

TEST(Ioam, LooksOnlyWhereALinkHeaderMayEnd) {
  for (const std::uint16_t l3_offset : std::initializer_list<std::uint16_t>{0, 13, 23, 0xffff}) {
    FrameInMemory frame(traced_frame, 0, l3_offset);
    Traced traced;
    EXPECT_EQ(examine_ioam(frame.view(), our_namespace, traced), IoamFault::not_ipv6) << l3_offset;
  }
}

}  // namespace
}  // namespace braidway::telemetry
