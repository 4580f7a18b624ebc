#include "telemetry/icrc_update.hpp"

#ifdef __x86_64__
#include <immintrin.h>
#endif

#include <bit>
#include <cassert>
#include <cstring>

#include "telemetry/big_endian.hpp"
#include "telemetry/checksum.hpp"
#include "telemetry/roce.hpp"
#include "telemetry/udp_packet.hpp"

namespace braidway::telemetry {
namespace {

constexpr std::uint32_t polynomial = 0xedb88320;
constexpr std::uint32_t x_to_the_0 = 0x8000'0000;

constexpr std::uint32_t times_x(std::uint32_t a) noexcept {
  return (a >> 1U) ^ ((a & 1U) != 0 ? polynomial : 0);
}

/// a * b modulo the polynomial. No branch depends on the data: those would be mispredicted half the time.
constexpr std::uint32_t multiply_bit_by_bit(std::uint32_t a, std::uint32_t b) noexcept {
  std::uint32_t product = 0;
  for (int bit = 31; bit >= 0; --bit) {
    product ^= b & -((a >> bit) & 1U);
    b = (b >> 1U) ^ (polynomial & -(b & 1U));
  }
  return product;
}

#ifdef __x86_64__
/// The same: one multiplication, then Barrett's reduction of 64 bits to 32 (two).
__attribute__((target("pclmul"))) std::uint32_t multiply_carryless(std::uint32_t a,
                                                                   std::uint32_t b) noexcept {
  const __m128i quotient_factor = _mm_cvtsi64_si128(0x1f7011641);  // x^64 / P, bit-reflected
  const __m128i whole_polynomial = _mm_cvtsi64_si128(0x1db710641);
  const auto number = [](std::uint32_t value) { return _mm_cvtsi32_si128(static_cast<int>(value)); };
  // Two reflected numbers of 32 bits have a reflected product of 63: the shift makes it one of 64.
  const auto product =
      static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_clmulepi64_si128(number(a), number(b), 0))) << 1U;
  const __m128i quotient =
      _mm_clmulepi64_si128(number(static_cast<std::uint32_t>(product)), quotient_factor, 0);
  const __m128i multiple = _mm_clmulepi64_si128(
      number(static_cast<std::uint32_t>(_mm_cvtsi128_si32(quotient))), whole_polynomial, 0);
  return static_cast<std::uint32_t>((product ^ static_cast<std::uint64_t>(_mm_cvtsi128_si64(multiple))) >>
                                    32U);
}
#endif

/// Where the UDP header is of a whole RoCEv2 packet, and how long UDP is; 0 and 0 for anything else.
struct Udp {
  std::size_t offset = 0;
  std::size_t bytes = 0;
};

Udp find_rocev2(std::span<const std::byte> packet) noexcept {
  if (packet.size() < ipv4_header_bytes + udp_header_bytes) return {};
  const auto first = std::to_integer<unsigned>(packet[0]);
  std::size_t offset = ipv4_header_bytes;
  std::size_t bytes = 0;  // from the UDP header on
  if (first == 0x45) {
    const std::size_t all = load_be16(&packet[2]);
    constexpr unsigned more_fragments_or_offset = 0x3fff;
    if (all < ipv4_header_bytes || packet[9] != std::byte{protocol_udp}) return {};
    if ((load_be16(&packet[6]) & more_fragments_or_offset) != 0) return {};
    bytes = all - ipv4_header_bytes;
  } else if (first >> 4U == 6 && packet.size() >= ipv6_header_bytes + udp_header_bytes) {
    if (packet[6] != std::byte{protocol_udp}) return {};
    offset = ipv6_header_bytes;
    bytes = load_be16(&packet[4]);
  }
  // The pad count makes every RoCEv2 packet's length a multiple of four (IBTA 9.2.1.4).
  if (bytes < udp_header_bytes + bth_bytes + icrc_bytes || bytes % 4 != 0 || offset + bytes > packet.size())
    return {};
  if (load_be16(&packet[offset + udp_dport_offset]) != rocev2_udp_port ||
      load_be16(&packet[offset + udp_length_offset]) != bytes)
    return {};
  return {offset, bytes};
}

std::uint32_t load_little_endian(std::span<const std::byte> bytes) noexcept {
  static_assert(std::endian::native == std::endian::little);
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data(), bytes.size());
  return value;
}

}  // namespace

Multiply IcrcUpdate::fastest() noexcept {
#ifdef __x86_64__
  if (__builtin_cpu_supports("pclmul") != 0) return Multiply::carryless;
#endif
  return Multiply::portable;
}

IcrcUpdate::IcrcUpdate(Multiply multiply) noexcept : multiply_(multiply) {
  std::uint32_t factor = x_to_the_0;
  for (auto& entry : factors_) {
    entry = factor;
    for (int bit = 0; bit < 8; ++bit) factor = times_x(factor);
  }
}

std::uint32_t IcrcUpdate::factor(std::size_t distance) const noexcept {
  assert(distance <= max_distance);
  return factors_[distance];
}

std::uint32_t IcrcUpdate::delta(std::uint32_t changed, std::size_t distance) const noexcept {
#ifdef __x86_64__
  if (multiply_ == Multiply::carryless) return multiply_carryless(changed, factor(distance));
#endif
  return multiply_bit_by_bit(changed, factor(distance));
}

std::uint32_t IcrcUpdate::delta(std::span<const std::byte> before, std::span<const std::byte> after,
                                std::size_t distance) const noexcept {
  assert(before.size() == after.size() && before.size() <= sizeof(std::uint32_t) &&
         distance >= before.size());
  return delta(load_little_endian(before) ^ load_little_endian(after), distance);
}

bool IcrcUpdate::set_udp_source_port(std::span<std::byte> ip_packet, std::uint16_t port) const noexcept {
  const auto [offset, bytes] = find_rocev2(ip_packet);
  if (bytes == 0 || bytes - icrc_bytes > max_distance) return false;
  std::byte* const udp = &ip_packet[offset];
  std::byte* const icrc = udp + bytes - icrc_bytes;
  const std::uint16_t port_before = load_be16(udp);
  const std::uint32_t icrc_before = load_little_endian({icrc, icrc_bytes});
  const std::uint32_t changed = __builtin_bswap16(static_cast<std::uint16_t>(port_before ^ port));
  const std::uint32_t icrc_after = icrc_before ^ delta(changed, bytes - icrc_bytes);
  store_be16(udp, port);
  std::memcpy(icrc, &icrc_after, sizeof(icrc_after));

  // UDP's checksum covers the ICRC too.
  std::byte* const field = udp + udp_checksum_offset;
  if (const std::uint16_t checksum = load_checksum_word(field); checksum != 0) {
    adjust_udp_checksum(field, checksum,
                        checksum_minus(checksum_word(port_before)) + checksum_word(port) +
                            checksum_minus(checksum_fold(icrc_before)) + icrc_after);
  }
  return true;
}

}  // namespace braidway::telemetry
