// What the ICRC costs: computed over the whole packet, and corrected after another UDP source port.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/micro/per_packet.hpp"
#include "telemetry/big_endian.hpp"
#include "telemetry/icrc.hpp"
#include "telemetry/icrc_update.hpp"
#include "telemetry/roce.hpp"

namespace braidway::bench {
namespace {

constexpr std::size_t ip_and_udp_bytes = 28;

/// RoCEv2 over IPv4 with so many bytes behind the BTH, no UDP checksum; the ICRC is right.
std::vector<std::byte> packet_of(std::size_t payload) {
  const std::size_t size = ip_and_udp_bytes + telemetry::bth_bytes + payload + telemetry::icrc_bytes;
  std::vector<std::byte> packet(size);
  packet[0] = std::byte{0x45};
  telemetry::store_be16(&packet[2], static_cast<std::uint16_t>(size));
  packet[9] = std::byte{17};
  telemetry::store_be16(&packet[22], telemetry::rocev2_udp_port);
  telemetry::store_be16(&packet[24], static_cast<std::uint16_t>(size - 20));
  for (std::size_t i = 0; i < payload; ++i) packet[40 + i] = static_cast<std::byte>(i * 167);
  const auto value = telemetry::icrc(std::span{packet}.first(size - telemetry::icrc_bytes));
  std::memcpy(&packet[size - telemetry::icrc_bytes], &value, sizeof value);
  return packet;
}

/// A burst of them, in the first-level cache as far as they fit.
std::vector<std::vector<std::byte>> packets_of(std::size_t payload) {
  return std::vector(burst, packet_of(payload));
}

void full(benchmark::State& state) {
  const auto packets = packets_of(static_cast<std::size_t>(state.range(0)));
  per_packet(state, 1, [&](std::size_t) {
    for (const auto& packet : packets) {
      benchmark::DoNotOptimize(
          telemetry::icrc(std::span{packet}.first(packet.size() - telemetry::icrc_bytes)));
    }
  });
}

void corrected(benchmark::State& state, telemetry::Multiply multiply, bool with_checksum) {
  auto packets = packets_of(static_cast<std::size_t>(state.range(0)));
  if (with_checksum) {
    for (auto& packet : packets) telemetry::store_be16(&packet[26], 0x1234);
  }
  const auto update = std::make_unique<telemetry::IcrcUpdate>(multiply);
  std::uint16_t port = 0xc000;
  per_packet(state, 1, [&](std::size_t) {
    for (auto& packet : packets) benchmark::DoNotOptimize(update->set_udp_source_port(packet, ++port));
  });
}

void by_carryless_multiply(benchmark::State& state) {
  if (telemetry::IcrcUpdate::fastest() != telemetry::Multiply::carryless) {
    state.SkipWithError("this CPU has no PCLMULQDQ");
    return;
  }
  corrected(state, telemetry::Multiply::carryless, false);
}

void by_carryless_multiply_with_checksum(benchmark::State& state) {
  if (telemetry::IcrcUpdate::fastest() != telemetry::Multiply::carryless) {
    state.SkipWithError("this CPU has no PCLMULQDQ");
    return;
  }
  corrected(state, telemetry::Multiply::carryless, true);
}

void portably(benchmark::State& state) { corrected(state, telemetry::Multiply::portable, false); }

BENCHMARK(full)->Name("icrc full")->Arg(64)->Arg(1'024)->Arg(4'096);
BENCHMARK(full)->Name("icrc full A/A")->Arg(64)->Arg(1'024)->Arg(4'096);
BENCHMARK(by_carryless_multiply)->Name("icrc corrected, PCLMULQDQ")->Arg(64)->Arg(1'024)->Arg(4'096);
BENCHMARK(by_carryless_multiply)->Name("icrc corrected, PCLMULQDQ A/A")->Arg(64)->Arg(1'024)->Arg(4'096);
BENCHMARK(by_carryless_multiply_with_checksum)
    ->Name("icrc and UDP checksum corrected, PCLMULQDQ")
    ->Arg(1'024);
BENCHMARK(portably)->Name("icrc corrected, portably")->Arg(64)->Arg(1'024)->Arg(4'096);

}  // namespace
}  // namespace braidway::bench
