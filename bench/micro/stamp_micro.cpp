// What the codecs of INT cost: stamping, examining and stripping bursts of 64 packets, each in a buffer of
// its own like an mbuf, headers in the cache as after parsing. Arguments: bytes of the frame before it is
// stamped.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/micro/per_packet.hpp"
#include "telemetry/stamp.hpp"
#include "telemetry/strip.hpp"
#include "telemetry/transit.hpp"
#include "telemetry/tunnel.hpp"

namespace braidway::bench {
namespace {

using namespace braidway::telemetry;

constexpr std::size_t headroom = 128;
constexpr std::size_t buffer_bytes = headroom + 2'048;
constexpr std::uint16_t all_queues = 0xf000;
constexpr std::size_t pipelined_bursts = 16;

enum class Ip : std::uint8_t { v4, v6 };
enum class Carrier : std::uint8_t { strand, strand_with_checksum, tunnel };

LinkHeader link() { return LinkHeader{std::array<std::byte, ethernet_header_bytes>{}}; }

/// An Ethernet frame of a UDP packet to RoCEv2's port.
std::vector<std::byte> frame_of(std::size_t bytes, Ip ip, bool udp_checksum) {
  std::array<std::byte, buffer_bytes> frame{};
  std::byte* l3 = frame.data() + ethernet_header_bytes;
  const std::size_t ip_bytes = bytes - ethernet_header_bytes;
  const std::size_t header = ip == Ip::v4 ? ipv4_header_bytes : ipv6_header_bytes;
  if (ip == Ip::v4) {
    l3[0] = std::byte{0x45};
    store_be16(l3 + 2, static_cast<std::uint16_t>(ip_bytes));
    l3[9] = std::byte{protocol_udp};
  } else {
    l3[0] = std::byte{0x60};
    store_be16(l3 + 4, static_cast<std::uint16_t>(ip_bytes - header));
    l3[6] = std::byte{protocol_udp};
  }
  store_be16(l3 + header + udp_dport_offset, rocev2_udp_port);
  store_be16(l3 + header + udp_length_offset, static_cast<std::uint16_t>(ip_bytes - header));
  store_be16(l3 + header + udp_checksum_offset, udp_checksum ? 0x1234 : 0);
  return {frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(bytes)};
}

/// A burst of equal frames, each in its buffer.
class Burst {
 public:
  Burst(std::vector<std::byte> frame, Ip ip) : frame_(std::move(frame)), memory_(burst * buffer_bytes) {
    for (std::size_t i = 0; i < burst; ++i) {
      views[i] = {.memory = std::span{memory_}.subspan(i * buffer_bytes, buffer_bytes),
                  .headroom = headroom,
                  .frame_bytes = frame_.size(),
                  .l3_offset = ethernet_header_bytes,
                  .l4_offset = static_cast<std::uint16_t>(
                      ethernet_header_bytes + (ip == Ip::v4 ? ipv4_header_bytes : ipv6_header_bytes))};
      words[i] = {.tag = {static_cast<std::uint32_t>(i), lb::GatewayId{7}, {}, {}, 1}, .departure = 1};
      std::memcpy(views[i].begin(), frame_.data(), frame_.size());
    }
  }

  /// Headers as they were, in the cache.
  void reset() noexcept {
    const std::size_t bytes = std::min<std::size_t>(frame_.size(), 256);
    for (auto& view : views) std::memcpy(view.begin(), frame_.data(), bytes);
  }

  std::array<FrameInBuffer, burst> views;
  std::array<OrderWords, burst> words;

 private:
  std::vector<std::byte> frame_;
  std::vector<std::byte> memory_;
};

IntSettings settings_of(bool hops) { return {.bitmap = hops ? all_queues : std::uint16_t{0}, .mtu = 4'096}; }

TunnelStamp tunnel_of(Ip ip, bool hops) {
  const auto address = [&](std::uint32_t host) { return ip == Ip::v4 ? lb::ipv4(host) : lb::ipv6(1, host); };
  return TunnelStamp{{.telemetry = settings_of(hops),
                      .link = link(),
                      .source = address(1),
                      .destination = address(2),
                      .source_port = 0xc0de}};
}

template <Carrier carrier, Ip ip, bool hops>
auto stamper() {
  if constexpr (carrier == Carrier::tunnel) {
    return tunnel_of(ip, hops);
  } else {
    return StrandStamp{settings_of(hops)};
  }
}

template <Carrier carrier, Ip ip, bool hops>
void stamp(benchmark::State& state) {
  Burst packets(
      frame_of(static_cast<std::size_t>(state.range(0)), ip, carrier == Carrier::strand_with_checksum), ip);
  const auto source = stamper<carrier, ip, hops>();
  const HopMetadata own{.node_id = 1, .level1_ingress = 2, .level1_egress = 3, .hop_latency = 4, .queue = 5};
  std::array<Rewritten, burst> out{};
  per_packet(
      state, pipelined_bursts, [&](std::size_t) { packets.reset(); },
      [&] {
        for (std::size_t i = 0; i < burst; ++i) {
          out[i] = source.stamp(packets.views[i], packets.words[i], hops ? &own : nullptr);
        }
        benchmark::DoNotOptimize(out);
        benchmark::ClobberMemory();
      });
  if (out[0].fault != IntFault::none) state.SkipWithError("not stamped");
}

/// The frame that comes of it, with three hops' metadata if `hops`.
template <Carrier carrier, Ip ip, bool hops>
std::vector<std::byte> stamped_frame(std::size_t bytes) {
  Burst packets(frame_of(bytes, ip, carrier == Carrier::strand_with_checksum), ip);
  const HopMetadata own{.node_id = 1, .queue = 5};
  auto& view = packets.views[0];
  auto result = stamper<carrier, ip, hops>().stamp(view, packets.words[0], hops ? &own : nullptr);
  const auto follow = [&] {
    view.headroom -= result.front_moved;
    view.frame_bytes = result.frame_bytes;
  };
  follow();
  for (int hop = 0; hops && hop < 2; ++hop) {
    result = push_hop(view, {.udp_port = int_udp_port, .mtu = 4'096}, own).frame;
    follow();
  }
  return {view.begin(), view.begin() + view.frame_bytes};
}

template <Carrier carrier, Ip ip, bool hops>
void examine_and_strip(benchmark::State& state) {
  Burst packets(stamped_frame<carrier, ip, hops>(static_cast<std::size_t>(state.range(0))), ip);
  const LinkHeader host = link();
  std::array<Rewritten, burst> out{};
  std::array<OrderWords, burst> words{};
  per_packet(
      state, pipelined_bursts, [&](std::size_t) { packets.reset(); },
      [&] {
        for (std::size_t i = 0; i < burst; ++i) {
          Tagged tagged;
          out[i].fault = examine(packets.views[i], int_udp_port, tagged);
          if (out[i].fault != IntFault::none) continue;
          words[i] = tagged.words;
          out[i] = strip(packets.views[i], tagged, host);
        }
        benchmark::DoNotOptimize(out);
        benchmark::DoNotOptimize(words);
        benchmark::ClobberMemory();
      });
  if (out[0].fault != IntFault::none) state.SkipWithError("not stripped");
}

/// Examining alone, as the stage `measure` does it; strip is the rest.
void examine_only(benchmark::State& state) {
  Burst packets(stamped_frame<Carrier::strand, Ip::v4, false>(static_cast<std::size_t>(state.range(0))),
                Ip::v4);
  std::array<Tagged, burst> tags{};
  std::array<IntFault, burst> faults{};
  per_packet(
      state, pipelined_bursts, [&](std::size_t) { packets.reset(); },
      [&] {
        for (std::size_t i = 0; i < burst; ++i) faults[i] = examine(packets.views[i], int_udp_port, tags[i]);
        benchmark::DoNotOptimize(tags);
        benchmark::DoNotOptimize(faults);
        benchmark::ClobberMemory();
      });
  if (faults[0] != IntFault::none) state.SkipWithError("not tagged");
}

/// What all of these measure of themselves: the same loop over the same frames, with one load a packet.
void nothing(benchmark::State& state) {
  Burst packets(frame_of(static_cast<std::size_t>(state.range(0)), Ip::v4, false), Ip::v4);
  std::array<Rewritten, burst> out{};
  per_packet(
      state, pipelined_bursts, [&](std::size_t) { packets.reset(); },
      [&] {
        for (std::size_t i = 0; i < burst; ++i) {
          out[i].frame_bytes = load_be16(packets.views[i].begin() + ethernet_header_bytes + 2);
        }
        benchmark::DoNotOptimize(out);
        benchmark::ClobberMemory();
      });
}

BENCHMARK(nothing)->Name("stamp: the loop alone")->Arg(1'024);
BENCHMARK(stamp<Carrier::strand, Ip::v4, false>)->Name("stamp strand IPv4")->Arg(64)->Arg(1'024);
BENCHMARK(stamp<Carrier::strand, Ip::v4, false>)->Name("stamp strand IPv4 A/A")->Arg(64)->Arg(1'024);
BENCHMARK(stamp<Carrier::strand, Ip::v4, true>)->Name("stamp strand IPv4 own hop F000")->Arg(1'024);
BENCHMARK(stamp<Carrier::strand_with_checksum, Ip::v4, false>)
    ->Name("stamp strand IPv4 UDP checksum")
    ->Arg(1'024);
BENCHMARK(stamp<Carrier::strand_with_checksum, Ip::v4, true>)
    ->Name("stamp strand IPv4 UDP checksum own hop F000")
    ->Arg(1'024);
BENCHMARK(stamp<Carrier::strand, Ip::v6, false>)->Name("stamp strand IPv6")->Arg(82)->Arg(1'024);
BENCHMARK(stamp<Carrier::strand, Ip::v6, true>)->Name("stamp strand IPv6 own hop F000")->Arg(1'024);
BENCHMARK(stamp<Carrier::tunnel, Ip::v4, false>)->Name("stamp tunnel IPv4")->Arg(64)->Arg(1'024);
BENCHMARK(stamp<Carrier::tunnel, Ip::v4, true>)->Name("stamp tunnel IPv4 own hop F000")->Arg(1'024);
BENCHMARK(stamp<Carrier::tunnel, Ip::v6, false>)->Name("stamp tunnel IPv6 in IPv6")->Arg(1'024);
BENCHMARK(examine_only)->Name("examine strand IPv4")->Arg(1'024);
BENCHMARK(examine_and_strip<Carrier::strand, Ip::v4, false>)
    ->Name("examine and strip strand IPv4")
    ->Arg(64)
    ->Arg(1'024);
BENCHMARK(examine_and_strip<Carrier::strand, Ip::v4, false>)
    ->Name("examine and strip strand IPv4 A/A")
    ->Arg(64)
    ->Arg(1'024);
BENCHMARK(examine_and_strip<Carrier::strand, Ip::v4, true>)
    ->Name("examine and strip strand IPv4 3 hops F000")
    ->Arg(1'024);
BENCHMARK(examine_and_strip<Carrier::strand_with_checksum, Ip::v4, false>)
    ->Name("examine and strip strand IPv4 UDP checksum")
    ->Arg(1'024);
BENCHMARK(examine_and_strip<Carrier::strand, Ip::v6, false>)
    ->Name("examine and strip strand IPv6")
    ->Arg(1'024);
BENCHMARK(examine_and_strip<Carrier::tunnel, Ip::v4, false>)
    ->Name("examine and strip tunnel IPv4")
    ->Arg(64)
    ->Arg(1'024);
BENCHMARK(examine_and_strip<Carrier::tunnel, Ip::v6, false>)
    ->Name("examine and strip tunnel IPv6 in IPv6")
    ->Arg(1'024);

}  // namespace
}  // namespace braidway::bench
