// libFuzzer over untrace, the stage that takes IOAM off: whatever the bytes, nothing beyond them is touched;
// a packet that is none of the peer's traced ones passes as it is; of one that is, what comes out is what the
// sink of the codec makes of it, known as the parser knows it, or it is dropped once, under the right name.
// The same wherever buffers end. What trace puts behind a trace, untrace takes out again.
//
// The bytes are taken as a frame at the sink, as a frame at the source, and as bits to flip in the headers of
// a traced packet. Buffers lie in heap blocks of their own size. Each has a second reference, ours, so that
// no pool is needed to free it to.
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "dataplane/stages/parse.hpp"
#include "dataplane/stages/trace.hpp"
#include "dataplane/stages/untrace.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/unit/dataplane/frame_builder.hpp"
#include "tests/unit/dataplane/parse_exactly.hpp"
#include "tests/unit/telemetry/ioam_frames.hpp"

namespace braidway::tests {
namespace {

using namespace dataplane;
using stages::Parse;
using stages::Trace;
using stages::Untrace;

constexpr std::uint16_t our_namespace = 123;
constexpr std::uint16_t mtu = 9000;
constexpr std::uint16_t fabric_port = 1;
const lb::IpAddress at_source = lb::ipv6(0xfd00'0009'0000'0000, 7);
const lb::IpAddress at_sink = lb::ipv6(0xfd00'0009'0000'0000, 9);

/// A gateway's lane, traces and all.
LaneContext lane_of(std::uint16_t id, const lb::IpAddress& ours, const lb::IpAddress& theirs) {
  GatewaySettings settings;
  settings.id = lb::GatewayId{id};
  settings.ports = {{.name = "host0", .role = PortRole::host, .device = {}, .mtu = mtu},
                    {.name = "fabric0", .role = PortRole::fabric, .device = {}, .mtu = mtu}};
  PeerSettings peer{.name = "far", .id = {}, .paths = {{.name = "fabric0", .port = fabric_port}}};
  peer.trace = {.source = ours,
                .destination = theirs,
                .type = telemetry::ioam_node_id | telemetry::ioam_interfaces | telemetry::ioam_queue_depth,
                .namespace_id = our_namespace,
                .nodes = 4,
                .own_node = true};
  settings.peers.push_back(peer);
  LaneContext lane;
  lane.fits_all_bytes = mtu + telemetry::max_link_header_bytes;
  lane.keeps_keys = true;
  lane.traces = std::make_unique<const Traces>(settings);
  static const telemetry::SourceClock clock;
  lane.meters = std::make_unique<telemetry::PathMeters>(
      std::array{telemetry::PathMeters::Peer{.paths = 1, .source = &clock}}, telemetry::max_metered_hops);
  return lane;
}

const LaneContext& source_lane() {
  static const LaneContext lane = lane_of(1, at_source, at_sink);
  return lane;
}
const LaneContext& sink_lane() {
  static const LaneContext lane = lane_of(2, at_sink, at_source);
  return lane;
}

/// A frame in one buffer or two.
class Packet {
 public:
  Packet(std::span<const std::byte> frame, std::size_t headroom, std::size_t cut, std::size_t tailroom) {
    fill(buffers_[0], frame.first(cut), headroom, tailroom);
    buffers_[0].head.pkt_len = static_cast<std::uint32_t>(frame.size());
    if (cut == frame.size()) return;
    fill(buffers_[1], frame.subspan(cut), 0, 0);
    buffers_[0].head.next = &buffers_[1].head;
    buffers_[0].head.nb_segs = 2;
  }
  Packet(const Packet&) = delete;  // the buffers know each other by address
  Packet& operator=(const Packet&) = delete;

  rte_mbuf* head() { return &buffers_[0].head; }
  /// Given back, and by one only.
  [[nodiscard]] bool is_freed() const { return buffers_[0].head.refcnt == 1; }
  [[nodiscard]] Bytes frame() const {
    Bytes bytes;
    for (const rte_mbuf* each = &buffers_[0].head; each != nullptr; each = each->next) {
      const auto* data = rte_pktmbuf_mtod(each, const std::byte*);
      bytes.insert(bytes.end(), data, data + each->data_len);
    }
    require(bytes.size() == buffers_[0].head.pkt_len, "the buffers hold the frame");
    return bytes;
  }

 private:
  struct Buffer {
    rte_mbuf head{};
    std::unique_ptr<std::byte[]> memory;
  };

  static void fill(Buffer& buffer, std::span<const std::byte> with, std::size_t headroom,
                   std::size_t tailroom) {
    const std::size_t size = headroom + with.size() + tailroom;
    buffer.memory = std::make_unique<std::byte[]>(size);
    std::ranges::copy(with, buffer.memory.get() + headroom);
    buffer.head.buf_addr = buffer.memory.get();
    buffer.head.buf_len = static_cast<std::uint16_t>(size);
    buffer.head.data_off = static_cast<std::uint16_t>(headroom);
    buffer.head.data_len = static_cast<std::uint16_t>(with.size());
    buffer.head.nb_segs = 1;
    buffer.head.refcnt = 2;
  }

  std::array<Buffer, 2> buffers_;
};

/// What untrace counts beside drops.
struct Counted {
  std::uint64_t untraced = 0;
  std::uint64_t nodes = 0;
  std::uint64_t full = 0;
  std::uint64_t foreign = 0;

  friend bool operator==(const Counted&, const Counted&) = default;
};

/// What is to become of a frame at the sink.
struct Fate {
  Untrace::Drop dropped = Untrace::Drop::none;
  Bytes frame;
  bool of_peer = false;
  Counted counted{};  ///< if it is not dropped
};

bool has_address(const Bytes& frame, std::size_t at, const lb::IpAddress& address) {
  return lb::load_ipv6(&frame[at]) == address;
}

Fate fate_of(const Bytes& frame, const Parsed& parsed) {
  using telemetry::IoamFault;
  const std::size_t l3 = parsed.l3_offset;
  const bool of_peer = parsed.traffic_class == TrafficClass::other && (frame[l3] >> 4U) == std::byte{6} &&
                       frame[l3 + 6] == std::byte{telemetry::next_header_hop_by_hop} &&
                       has_address(frame, l3 + 8, at_source) && has_address(frame, l3 + 24, at_sink);
  if (!of_peer) return {.frame = frame};
  FrameInMemory memory(frame, 0, parsed.l3_offset);
  telemetry::Traced traced;
  const IoamFault fault = telemetry::examine_ioam(memory.view(), our_namespace, traced);
  if (fault == IoamFault::no_trace || fault == IoamFault::other_namespace) {
    return {.frame = frame, .of_peer = true, .counted = {.foreign = 1}};
  }
  if (fault == IoamFault::ce_on_not_ect) {
    return {.dropped = Untrace::Drop::trace_ce_on_not_ect, .frame = {}, .of_peer = true};
  }
  const Fate malformed{.dropped = Untrace::Drop::trace_malformed, .frame = {}, .of_peer = true};
  if (fault != IoamFault::none) return malformed;
  memory.stripped(telemetry::strip_ioam(memory.view(), traced));
  Bytes inside = memory.frame();
  const std::size_t end = traced.inner_offset + std::size_t{traced.inner_bytes};
  inside.insert(inside.end(), frame.begin() + static_cast<std::ptrdiff_t>(end), frame.end());
  if (parse_exactly(inside).malformed != Malformed::none) return malformed;
  const bool full = traced.trace.overflowed();
  return {.frame = inside,
          .of_peer = true,
          .counted = {.untraced = 1, .nodes = traced.node_count, .full = full ? 1U : 0U}};
}

Counted counted() {
  const OrderCounts& counts = *sink_lane().order_counts;
  return {.untraced = counts.get(OrderCount::untraced),
          .nodes = counts.get(OrderCount::trace_nodes),
          .full = counts.get(OrderCount::traces_full),
          .foreign = counts.get(OrderCount::traces_foreign)};
}

void check_known(const Burst& burst, std::uint16_t i, const Bytes& frame) {
  const Parsed parsed = parse_exactly(frame);
  const PacketMeta& meta = burst.meta[i];
  require(meta.l3_offset == parsed.l3_offset && meta.l4_offset == parsed.l4_offset &&
              meta.traffic_class == parsed.traffic_class && burst.keys[i] == parsed.key,
          "a packet is known as the parser knows it");
  require(burst.hashes[i] == sink_lane().hasher.hash(parsed.key), "the hash is that of its flow");
  require(!burst.all_flows || parsed.traffic_class < TrafficClass::non_ip,
          "what needs a second look gets it");
}

/// `packet` alone, from the fabric. `may_scatter`: its headers may lie in several buffers for good.
void check_packet(Packet packet, const Fate& fate, bool may_scatter) {
  const LaneContext& lane = sink_lane();
  const Counted before = counted();
  std::array<telemetry::Counter, Parse::drops.size()> refused;
  std::array<telemetry::Counter, Untrace::drops.size()> dropped;
  const auto burst = std::make_unique<Burst>();
  burst->packets[0] = packet.head();
  burst->count = 1;
  burst->direction = Direction::sink;
  burst->ingress = fabric_port;
  Parse::run(*burst, lane, Drops<Parse>{refused.data()});
  burst->close_gaps();
  require(burst->count == 1, "what the parser takes it takes in several buffers, too");
  Untrace::run(*burst, lane, Drops<Untrace>{dropped.data()});

  std::size_t reason = 0;
  std::uint64_t drops = 0;
  for (std::size_t i = 0; i < dropped.size(); ++i) {
    drops += dropped[i].get();
    if (dropped[i].get() != 0) reason = i;
  }
  burst->close_gaps();
  require(burst->count + drops == 1, "a packet goes on, or is dropped under one name");
  require(packet.is_freed() == (drops == 1), "what is dropped is freed, and nothing else is");
  if (drops == 1) {
    const auto why = static_cast<Untrace::Drop>(reason);
    const bool scattered = may_scatter && fate.of_peer && why == Untrace::Drop::trace_scattered;
    require(scattered || why == fate.dropped, "the reason is the right one");
    return;
  }
  require(fate.dropped == Untrace::Drop::none, "what is wrong does not go on");
  require(packet.frame() == fate.frame, "what goes on is what was inside, or what it was");
  check_known(*burst, 0, fate.frame);
  const Counted after = counted();
  require(fate.counted == Counted{.untraced = after.untraced - before.untraced,
                                  .nodes = after.nodes - before.nodes,
                                  .full = after.full - before.full,
                                  .foreign = after.foreign - before.foreign},
          "what traces bring is counted");
}

/// A frame at the sink: in one buffer; in two, with room to make them one, and without.
void check_frame(const Bytes& frame) {
  const Parsed parsed = parse_exactly(frame);
  if (parsed.malformed != Malformed::none) return;
  const Fate fate = fate_of(frame, parsed);
  check_packet(Packet(frame, 0, frame.size(), 0), fate, false);
  // Where the frame is cut is for its last bytes to say: no header.
  const unsigned says = telemetry::load_be16(&frame[frame.size() - 2]);
  const std::size_t cut = 1 + says % (frame.size() - 1);
  check_packet(Packet(frame, 0, cut, frame.size() - cut), fate, false);
  check_packet(Packet(frame, 0, cut, 0), fate, true);
}

/// The frame as the source sends it; nothing if it bears no trace then.
std::optional<Bytes> traced(const Bytes& frame) {
  Packet packet(frame, RTE_PKTMBUF_HEADROOM, frame.size(), 0);
  std::array<telemetry::Counter, Parse::drops.size()> refused;
  std::array<telemetry::Counter, Trace::drops.size()> dropped;
  const auto burst = std::make_unique<Burst>();
  burst->packets[0] = packet.head();
  burst->count = 1;
  const std::uint64_t before = source_lane().order_counts->get(OrderCount::traced);
  Parse::run(*burst, source_lane(), Drops<Parse>{refused.data()});
  burst->close_gaps();
  Trace::run(*burst, source_lane(), Drops<Trace>{dropped.data()});
  burst->close_gaps();
  if (source_lane().order_counts->get(OrderCount::traced) != before) return packet.frame();
  require(burst->count == 0 || packet.frame() == frame, "without a trace it is what it was");
  return std::nullopt;
}

void check_round_trip(const Bytes& frame) {
  const auto sent = traced(frame);
  if (!sent) return;
  const Fate fate = fate_of(*sent, parse_exactly(*sent));
  require(fate.counted.untraced == 1 && fate.frame == frame, "untrace undoes trace");
  check_frame(*sent);
}

const Bytes& traced_frame() {
  static const Bytes frame = [] {
    const auto plain =
        Frame().ipv6().udp().bth(telemetry::Opcode::rc_send_only, 0x11).payload(16).icrc().bytes();
    return traced(plain).value();
  }();
  return frame;
}

void check(std::span<const std::byte> input) {
  const Bytes frame(input.begin(), input.end());
  check_frame(frame);
  check_round_trip(frame);
  Bytes damaged = traced_frame();
  const std::size_t flipped = std::min(input.size(), damaged.size() - plain_l3_offset);
  for (std::size_t i = 0; i < flipped; ++i) damaged[plain_l3_offset + i] ^= input[i];
  check_frame(damaged);
}

}  // namespace
}  // namespace braidway::tests

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 9'000) return 0;
  braidway::tests::check(std::as_bytes(std::span{data, size}));
  return 0;
}
