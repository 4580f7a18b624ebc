// What a flow is, and its hash. A RoCEv2 flow is (source IP, destination IP, destination QPN): the UDP source
// port is entropy that a NIC may change and the source QPN is not on the wire. Anything else of IP is its
// 5-tuple, or its addresses where ports are not known (fragments, protocols without ports). Pure; values in
// host byte order. No owner thread.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "lb/types.hpp"

namespace braidway::lb {

/// What the last word of a key holds. 0 is no kind, so that a zeroed key is nobody's flow.
enum class FlowKind : std::uint8_t { rocev2 = 1, ports = 2, addresses = 3 };

/// An IP address as two numbers in host byte order. IPv4 as IPv4-mapped IPv6 (RFC 4291, section 2.5.5.2).
struct IpAddress {
  std::uint64_t high;  ///< the first 8 bytes of an IPv6 address; 0 for IPv4
  std::uint64_t low;   ///< the last 8 bytes; for IPv4 0x0000ffff'00000000 | address

  friend constexpr bool operator==(const IpAddress&, const IpAddress&) = default;
};

constexpr IpAddress ipv4(std::uint32_t address) noexcept { return {0, 0x0000'ffff'0000'0000ULL | address}; }
constexpr IpAddress ipv6(std::uint64_t high, std::uint64_t low) noexcept { return {high, low}; }

/// The 4 (16) bytes of an address as they lie in an IP header, at any alignment.
inline IpAddress load_ipv4(const std::byte* wire) noexcept {
  static_assert(std::endian::native == std::endian::little);
  std::uint32_t address = 0;
  std::memcpy(&address, wire, sizeof address);
  return ipv4(__builtin_bswap32(address));
}
inline IpAddress load_ipv6(const std::byte* wire) noexcept {
  IpAddress address{};
  std::memcpy(&address, wire, sizeof address);
  return ipv6(__builtin_bswap64(address.high), __builtin_bswap64(address.low));
}

/// words 0-1: source (high, low); words 2-3: destination; word 4: kind << 56 and below it
///   rocev2:    destination QPN (24 bits)
///   ports:     IP protocol << 32 | source port << 16 | destination port
///   addresses: IP protocol
/// Two keys are one flow if and only if all words are equal.
struct FlowKey {
  std::array<std::uint64_t, 5> words{};

  friend constexpr bool operator==(const FlowKey&, const FlowKey&) = default;
};
static_assert(sizeof(FlowKey) == 40);

constexpr FlowKind kind(const FlowKey& key) noexcept { return static_cast<FlowKind>(key.words[4] >> 56); }

constexpr FlowKey flow_key(const IpAddress& source, const IpAddress& destination, FlowKind kind,
                           std::uint64_t rest) noexcept {
  return {{source.high, source.low, destination.high, destination.low,
           static_cast<std::uint64_t>(kind) << 56 | rest}};
}
constexpr FlowKey rocev2_key(const IpAddress& source, const IpAddress& destination, Qpn dest_qpn) noexcept {
  return flow_key(source, destination, FlowKind::rocev2, value(dest_qpn) & 0xff'ffffU);
}
constexpr FlowKey ports_key(const IpAddress& source, const IpAddress& destination, std::uint8_t protocol,
                            std::uint16_t source_port, std::uint16_t destination_port) noexcept {
  return flow_key(source, destination, FlowKind::ports,
                  std::uint64_t{protocol} << 32 | std::uint64_t{source_port} << 16 | destination_port);
}
constexpr FlowKey addresses_key(const IpAddress& source, const IpAddress& destination,
                                std::uint8_t protocol) noexcept {
  return flow_key(source, destination, FlowKind::addresses, protocol);
}

namespace detail {

/// splitmix64's output function (Steele, Lea, Flood, OOPSLA 2014): a bijection with full avalanche.
constexpr std::uint64_t scramble(std::uint64_t x) noexcept {
  x = (x ^ (x >> 30)) * 0xbf58'476d'1ce4'e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d0'49bb'1331'11ebULL;
  return x ^ (x >> 31);
}

/// Six independent 64-bit numbers out of one seed. Each is odd, hence never 0.
struct HashSecret {
  std::array<std::uint64_t, 6> words{};

  explicit constexpr HashSecret(std::uint64_t seed) noexcept {
    for (auto& word : words) word = scramble(seed += 0x9e37'79b9'7f4a'7c15ULL) | 1U;
  }
};

/// Multiply to 128 bits and fold the halves, operands kept in: were one of them 0, the other would come
/// through unharmed, so that no value of a word makes the rest of the key disappear, whatever the seed.
constexpr std::uint64_t fold(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return a ^ b ^ static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// Both addresses of an IPv4 key in one word, source high: half the work for most of the traffic there is.
constexpr std::uint64_t hash_ipv4(std::uint64_t addresses, std::uint64_t rest,
                                  const HashSecret& secret) noexcept {
  const auto& s = secret.words;
  return fold(fold(addresses ^ s[0], rest ^ s[1]) ^ s[2], s[3]);
}

constexpr bool is_ipv4(std::uint64_t high, std::uint64_t low) noexcept {
  return high == 0 && low >> 32 == 0xffff;
}

constexpr std::uint64_t hash(const FlowKey& key, const HashSecret& secret) noexcept {
  const auto& w = key.words;
  const auto& s = secret.words;
  if (is_ipv4(w[0], w[1]) && is_ipv4(w[2], w[3])) {
    return hash_ipv4(w[1] << 32 | (w[3] & 0xffff'ffffU), w[4], secret);
  }
  const std::uint64_t source = fold(w[0] ^ s[0], w[1] ^ s[1]);
  const std::uint64_t destination = fold(w[2] ^ s[2], w[3] ^ s[3]);
  return fold(fold(source ^ w[4], destination ^ s[4]), s[5]);
}

}  // namespace detail

/// The seeded hash of a flow: every bit of it depends on every bit of the key and of the seed. For spreading
/// over tables, not for authentication. For bursts use FlowHasher.
constexpr std::uint64_t hash(const FlowKey& key, std::uint64_t seed) noexcept {
  return detail::hash(key, detail::HashSecret{seed});
}

/// hash() for many keys: the seed is expanded once, at construction.
class FlowHasher {
 public:
  explicit constexpr FlowHasher(std::uint64_t seed) noexcept : secret_(seed) {}

  [[nodiscard]] std::uint64_t hash(const FlowKey& key) const noexcept { return detail::hash(key, secret_); }
  /// hashes[i] = hash(keys[i], seed) for all keys. `hashes` is at least as long as `keys`.
  void hash_burst(std::span<const FlowKey> keys, std::span<std::uint64_t> hashes) const noexcept {
    for (std::size_t i = 0; i < keys.size(); ++i) hashes[i] = detail::hash(keys[i], secret_);
  }

 private:
  detail::HashSecret secret_;
};

}  // namespace braidway::lb
