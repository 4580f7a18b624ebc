// The Internet checksum, changed without reading the packet again (RFC 1071, RFC 1624): what was wrong before
// stays wrong, and is not hidden by a sum computed afresh.
//
// Sums are of 16-bit words as they lie in memory: the algorithm does not care about byte order (RFC 1071,
// section 2 B) as long as all sides keep to one. Numbers in host order come in through checksum_word() and
// checksum_words(). Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace braidway::telemetry {

/// A 16-bit number as its two bytes lie on the wire. Swapped as 32 bits: a swap of 16, however it is written,
/// goes by way of memory with g++ 12.
inline std::uint16_t checksum_word(std::size_t number) noexcept {
  return static_cast<std::uint16_t>(__builtin_bswap32(static_cast<std::uint32_t>(number)) >> 16U);
}
inline std::uint16_t load_checksum_word(const std::byte* from) noexcept {
  std::uint16_t word;
  std::memcpy(&word, from, sizeof(word));
  return word;
}

/// The same of a longer number: the sum of its words.
inline std::uint64_t checksum_words(std::uint32_t number) noexcept { return __builtin_bswap32(number); }
inline std::uint64_t checksum_words(std::uint64_t number) noexcept {
  const std::uint64_t wire = __builtin_bswap64(number);
  return (wire & 0xffff'ffffU) + (wire >> 32U);
}

/// Sum over `bytes` bytes, a multiple of 4; not folded. Not for bytes that have just been written in smaller
/// pieces: reading them together would wait until they are in the cache.
inline std::uint64_t checksum_sum(const std::byte* from, std::size_t bytes) noexcept {
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < bytes; at += 4) {
    std::uint32_t word;
    std::memcpy(&word, from + at, sizeof(word));
    sum += word;
  }
  return sum;
}

/// The 16-bit ones' complement sum that an unfolded one stands for; 0 only if nothing but zeros was added.
inline std::uint16_t checksum_fold(std::uint64_t sum) noexcept {
  sum = (sum & 0xffffffffU) + (sum >> 32U);
  sum = (sum & 0xffffffffU) + (sum >> 32U);
  auto narrow = static_cast<std::uint32_t>(sum);
  narrow = (narrow & 0xffffU) + (narrow >> 16U);
  narrow = (narrow & 0xffffU) + (narrow >> 16U);
  return static_cast<std::uint16_t>(narrow);
}

/// What undoes a summand.
inline std::uint64_t checksum_minus(std::uint16_t word) noexcept { return 0xffffU - word; }

/// An IPv4 header's checksum at `field`, after `change` (a sum) has come to the header.
inline void adjust_ipv4_checksum(std::byte* field, std::uint16_t was, std::uint64_t change) noexcept {
  const auto now = static_cast<std::uint16_t>(~checksum_fold(checksum_minus(was) + change));
  std::memcpy(field, &now, sizeof(now));
}

/// The same for UDP, but 0 means "none" (RFC 768): it stays, and what comes out as 0 is sent as FFFF.
inline void adjust_udp_checksum(std::byte* field, std::uint16_t was, std::uint64_t change) noexcept {
  auto now = static_cast<std::uint16_t>(~checksum_fold(checksum_minus(was) + change));
  if (now == 0) now = 0xffff;
  std::memcpy(field, &now, sizeof(now));
}

}  // namespace braidway::telemetry
