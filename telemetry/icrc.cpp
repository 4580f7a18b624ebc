#include "telemetry/icrc.hpp"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "telemetry/roce.hpp"

namespace braidway::telemetry {
namespace {

static_assert(std::endian::native == std::endian::little,
              "the register is loaded with words as they lie in memory");

constexpr std::uint32_t polynomial = 0xedb88320;
/// The register after the eight bytes FF that stand for the link header InfiniBand has and Ethernet has not.
constexpr std::uint32_t state_after_link_header = 0xdebb20e3;

// tables[k][b]: the register after byte b and k zero bytes ("slicing by eight", Kounavis and Berry 2005).
consteval std::array<std::array<std::uint32_t, 256>, 8> make_tables() {
  std::array<std::array<std::uint32_t, 256>, 8> tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t state = byte;
    for (int bit = 0; bit < 8; ++bit) state = (state >> 1) ^ ((state & 1U) != 0 ? polynomial : 0);
    tables[0][byte] = state;
  }
  for (std::size_t slice = 1; slice < tables.size(); ++slice) {
    for (std::size_t byte = 0; byte < 256; ++byte) {
      const std::uint32_t before = tables[slice - 1][byte];
      tables[slice][byte] = (before >> 8) ^ tables[0][before & 0xffU];
    }
  }
  return tables;
}

constexpr auto tables = make_tables();

constexpr std::size_t ipv4_bytes = 20;
constexpr std::size_t ipv6_bytes = 40;
constexpr std::size_t udp_bytes = 8;
constexpr std::byte ones{0xff};

std::uint32_t update_by_tables(std::uint32_t state, std::span<const std::byte> bytes) noexcept {
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint32_t low = 0;
    std::uint32_t high = 0;
    std::memcpy(&low, at, sizeof(low));
    std::memcpy(&high, at + 4, sizeof(high));
    low ^= state;
    state = tables[7][low & 0xff] ^ tables[6][(low >> 8) & 0xff] ^ tables[5][(low >> 16) & 0xff] ^
            tables[4][low >> 24] ^ tables[3][high & 0xff] ^ tables[2][(high >> 8) & 0xff] ^
            tables[1][(high >> 16) & 0xff] ^ tables[0][high >> 24];
  }
  for (; left > 0; ++at, --left) {
    state = (state >> 8) ^ tables[0][(state ^ std::to_integer<std::uint32_t>(*at)) & 0xff];
  }
  return state;
}

#ifdef __x86_64__
constexpr std::size_t lane_bytes = 16;
constexpr std::size_t fold_bytes = 4 * lane_bytes;

bool has_carryless_multiply() noexcept {
  static const bool has = __builtin_cpu_supports("pclmul") != 0;
  return has;
}

__attribute__((target("pclmul"))) __m128i load(const std::byte* from) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}

/// Moves `lane` forward by the distance that `by` stands for, and adds what is there.
__attribute__((target("pclmul"))) __m128i fold(__m128i lane, __m128i by, __m128i there) noexcept {
  const __m128i low = _mm_clmulepi64_si128(lane, by, 0x00);
  const __m128i high = _mm_clmulepi64_si128(lane, by, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), there);
}

/// Four lanes are folded over the bytes (Gopal et al., "Fast CRC Computation for Generic Polynomials Using
/// PCLMULQDQ Instruction", Intel 2009); the 16 bytes that remain have the same CRC, and the tables finish
/// them.
__attribute__((target("pclmul"))) std::uint32_t update_by_folding(std::uint32_t state,
                                                                  std::span<const std::byte> bytes) noexcept {
  // x^(512+32), x^(512-32), x^(128+32) and x^(128-32) modulo the polynomial, bit-reflected and shifted by
  // one.
  const __m128i by_four_lanes = _mm_set_epi64x(0x1c6e41596, 0x154442bd4);
  const __m128i by_one_lane = _mm_set_epi64x(0x0ccaa009e, 0x1751997d0);
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size() - fold_bytes;
  __m128i lanes[4]{load(at), load(at + 16), load(at + 32),
                   load(at + 48)};  // std::array drops their alignment
  lanes[0] = _mm_xor_si128(lanes[0], _mm_cvtsi32_si128(static_cast<int>(state)));
  at += fold_bytes;
  for (; left >= fold_bytes; at += fold_bytes, left -= fold_bytes) {
    for (std::size_t lane = 0; lane < 4; ++lane) {
      lanes[lane] = fold(lanes[lane], by_four_lanes, load(at + lane * lane_bytes));
    }
  }
  __m128i sum = lanes[0];
  for (std::size_t lane = 1; lane < 4; ++lane) sum = fold(sum, by_one_lane, lanes[lane]);
  for (; left >= lane_bytes; at += lane_bytes, left -= lane_bytes) sum = fold(sum, by_one_lane, load(at));
  std::array<std::byte, lane_bytes> rest;
  _mm_storeu_si128(reinterpret_cast<__m128i*>(rest.data()), sum);
  return update_by_tables(update_by_tables(0, rest), {at, left});
}
#endif

}  // namespace

std::uint32_t crc32_update(std::uint32_t state, std::span<const std::byte> bytes) noexcept {
#ifdef __x86_64__
  if (bytes.size() >= fold_bytes && has_carryless_multiply()) return update_by_folding(state, bytes);
#endif
  return update_by_tables(state, bytes);
}

std::uint32_t icrc(std::span<const std::byte> ip_packet_without_icrc) noexcept {
  const auto packet = ip_packet_without_icrc;
  if (packet.empty()) return 0;
  const auto first = std::to_integer<unsigned>(packet[0]);
  const bool ipv4 = first == 0x45;
  if (!ipv4 && (first >> 4) != 6) return 0;
  const std::size_t ip_bytes = ipv4 ? ipv4_bytes : ipv6_bytes;
  const std::size_t header_bytes = ip_bytes + udp_bytes + bth_bytes;
  if (packet.size() < header_bytes) return 0;

  std::array<std::byte, ipv6_bytes + udp_bytes + bth_bytes> masked;  // the first header_bytes of it
  std::copy_n(packet.begin(), header_bytes, masked.begin());
  if (ipv4) {
    masked[1] = ones;                // type of service
    masked[8] = ones;                // time to live
    masked[10] = masked[11] = ones;  // header checksum
  } else {
    masked[0] |= std::byte{0x0f};              // traffic class ...
    masked[1] = masked[2] = masked[3] = ones;  // ... and flow label
    masked[7] = ones;                          // hop limit
  }
  masked[ip_bytes + 6] = masked[ip_bytes + 7] = ones;        // UDP checksum
  masked[ip_bytes + udp_bytes + offsetof(Bth, ecn)] = ones;  // FECN, BECN and the bits beside them

  const auto headers = std::span<const std::byte>{masked}.first(header_bytes);
  return ~crc32_update(crc32_update(state_after_link_header, headers), packet.subspan(header_bytes));
}

}  // namespace braidway::telemetry
