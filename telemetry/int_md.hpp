// INT-MD 2.1 behind a UDP header: shim (4 bytes), INT-MD header (12), metadata stack with the newest hop
// first, and Braidway's order words at its very end (P4.org, "In-band Network Telemetry Dataplane
// Specification" 2.1: "INT over TCP/UDP", "INT-MD Metadata Header Format").
//
// Bits that the standard reserves, and the DS flags, are ignored on receipt, as it asks: a later revision may
// use them. A source writes them as 0, a transit hop leaves them as they came.
//
// Units, which the standard leaves to the operator: latency, timestamps in nanoseconds; occupancy in bytes;
// utilisation in percent, or in whatever parts of full use the configuration says.
//
// Pure; nothing here keeps state. Any thread.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

#include "telemetry/big_endian.hpp"
#include "telemetry/checksum.hpp"
#include "telemetry/int_fault.hpp"
#include "telemetry/order_tag.hpp"
#include "telemetry/udp_packet.hpp"

namespace braidway::telemetry {

inline constexpr std::size_t int_shim_bytes = 4;
inline constexpr std::size_t int_md_header_bytes = 12;
inline constexpr std::size_t int_fixed_bytes = int_shim_bytes + int_md_header_bytes;
/// What a source adds at least: 28 bytes.
inline constexpr std::size_t int_min_bytes = int_fixed_bytes + order_words_bytes;
inline constexpr unsigned int_version = 2;
inline constexpr unsigned int_type_md = 1;
/// The shim's Length is 8 bits: words after the shim.
inline constexpr std::size_t int_max_length_words = 255;

/// What hops say of an egress in full use, unless the operator knows better: of P4.org's units for it
/// (percent, tenths and hundredths of it: p4-dtel-metadata-semantics.yang) the plainest.
inline constexpr std::uint32_t utilisation_percent = 100;

/// Next protocol type of the shim: how the sink finds back what was there before.
enum class Npt : std::uint8_t {
  port = 1,    ///< the UDP destination port was changed, and the shim has the original one
  tunnel = 2,  ///< the UDP header was added, and the shim has the IP protocol of what follows
};

// Bits of the instruction bitmap, in the order of the metadata. Bits 9-14 (0x007e) are reserved, a word each.
inline constexpr std::uint16_t int_node_id = 0x8000;
inline constexpr std::uint16_t int_level1_interfaces = 0x4000;
inline constexpr std::uint16_t int_hop_latency = 0x2000;
inline constexpr std::uint16_t int_queue = 0x1000;
inline constexpr std::uint16_t int_ingress_time = 0x0800;
inline constexpr std::uint16_t int_egress_time = 0x0400;
inline constexpr std::uint16_t int_level2_interfaces = 0x0200;
inline constexpr std::uint16_t int_egress_utilisation = 0x0100;
inline constexpr std::uint16_t int_buffer = 0x0080;
inline constexpr std::uint16_t int_checksum_complement = 0x0001;
inline constexpr std::uint16_t int_defined_bits = 0xff80 | int_checksum_complement;
inline constexpr std::uint16_t int_two_word_bits = int_ingress_time | int_egress_time | int_level2_interfaces;

/// Words that a hop writes: what HopML must be. At most 19.
constexpr std::size_t int_hop_words(std::uint16_t bitmap) noexcept {
  const auto two_words = static_cast<std::uint16_t>(bitmap & int_two_word_bits);
  return static_cast<std::size_t>(std::popcount(bitmap)) + static_cast<std::size_t>(std::popcount(two_words));
}

/// What one hop tells. All ones: it does not know.
struct HopMetadata {
  template <typename Number>
  static constexpr Number unknown = std::numeric_limits<Number>::max();

  std::uint32_t node_id = unknown<std::uint32_t>;
  std::uint16_t level1_ingress = unknown<std::uint16_t>;
  std::uint16_t level1_egress = unknown<std::uint16_t>;
  std::uint32_t hop_latency = unknown<std::uint32_t>;
  std::uint32_t queue = unknown<std::uint32_t>;  ///< queue id(8), occupancy(24)
  std::uint64_t ingress_time = unknown<std::uint64_t>;
  std::uint64_t egress_time = unknown<std::uint64_t>;
  std::uint32_t level2_ingress = unknown<std::uint32_t>;
  std::uint32_t level2_egress = unknown<std::uint32_t>;
  std::uint32_t egress_utilisation = unknown<std::uint32_t>;
  std::uint32_t buffer = unknown<std::uint32_t>;  ///< buffer id(8), occupancy(24)

  friend constexpr bool operator==(const HopMetadata&, const HopMetadata&) = default;
};

/// Writes the int_hop_words(bitmap) words of a hop. Reserved bits and the checksum complement ("not used")
/// are ones. Returns the words' checksum sum.
inline std::uint64_t store_hop(std::byte* to, std::uint16_t bitmap, const HopMetadata& hop) noexcept {
  std::uint64_t sum = 0;
  const auto put32 = [&](std::uint16_t bit, std::uint32_t number) {
    if ((bitmap & bit) == 0) return;
    store_be32(to, number);
    sum += checksum_words(number);
    to += 4;
  };
  const auto put64 = [&](std::uint16_t bit, std::uint64_t number) {
    if ((bitmap & bit) == 0) return;
    store_be64(to, number);
    sum += checksum_words(number);
    to += 8;
  };
  put32(int_node_id, hop.node_id);
  put32(int_level1_interfaces, std::uint32_t{hop.level1_ingress} << 16U | hop.level1_egress);
  put32(int_hop_latency, hop.hop_latency);
  put32(int_queue, hop.queue);
  if ((bitmap & 0x0fffU) == 0) return sum;
  put64(int_ingress_time, hop.ingress_time);
  put64(int_egress_time, hop.egress_time);
  put64(int_level2_interfaces, std::uint64_t{hop.level2_ingress} << 32U | hop.level2_egress);
  put32(int_egress_utilisation, hop.egress_utilisation);
  put32(int_buffer, hop.buffer);
  for (std::uint16_t bit = 0x0040; bit != 0; bit >>= 1U) put32(bit, HopMetadata::unknown<std::uint32_t>);
  return sum;
}

/// Reads them. What the bitmap does not ask for is unknown.
HopMetadata load_hop(const std::byte* from, std::uint16_t bitmap) noexcept;

/// Of what a hop tells, what its load is: a few loads instead of all.
struct HopLoad {
  std::uint32_t node_id = HopMetadata::unknown<std::uint32_t>;
  std::uint32_t latency = HopMetadata::unknown<std::uint32_t>;
  std::uint32_t queue = HopMetadata::unknown<std::uint32_t>;
  std::uint32_t utilisation = HopMetadata::unknown<std::uint32_t>;  ///< of its egress

  friend constexpr bool operator==(const HopLoad&, const HopLoad&) = default;
};
inline HopLoad load_hop_load(const std::byte* from, std::uint16_t bitmap) noexcept {
  const auto get = [&](std::uint16_t bit) {
    if ((bitmap & bit) == 0) return HopMetadata::unknown<std::uint32_t>;
    const auto before = static_cast<std::uint16_t>(bitmap & ~(2U * bit - 1));
    return load_be32(from + 4 * int_hop_words(before));
  };
  return {.node_id = get(int_node_id),
          .latency = get(int_hop_latency),
          .queue = get(int_queue),
          .utilisation = get(int_egress_utilisation)};
}

/// Shim and INT-MD header, as two big-endian numbers. Reading a field is a shift.
struct IntHeader {
  std::uint64_t first = 0;
  std::uint64_t second = 0;

  /// Reads int_fixed_bytes.
  static IntHeader load(const std::byte* shim) noexcept { return {load_be64(shim), load_be64(shim + 8)}; }
  void store(std::byte* shim) const noexcept {
    store_be64(shim, first);
    store_be64(shim + 8, second);
  }

  [[nodiscard]] constexpr unsigned type() const noexcept { return static_cast<unsigned>(first >> 60U); }
  [[nodiscard]] constexpr Npt npt() const noexcept { return static_cast<Npt>(first >> 58U & 3U); }
  /// Words after the shim.
  [[nodiscard]] constexpr std::size_t length_words() const noexcept { return first >> 48U & 0xffU; }
  /// NPT 1: the UDP destination port before INT.
  [[nodiscard]] constexpr std::uint16_t original_port() const noexcept {
    return static_cast<std::uint16_t>(first >> 32U);
  }
  /// NPT 2: the IP protocol of what follows the stack.
  [[nodiscard]] constexpr std::uint8_t original_protocol() const noexcept {
    return static_cast<std::uint8_t>(first >> 32U);
  }
  [[nodiscard]] constexpr unsigned version() const noexcept { return first >> 28U & 0xfU; }
  [[nodiscard]] constexpr bool discard() const noexcept { return (first & discard_bit) != 0; }
  /// E: some hop did not write because too many had.
  [[nodiscard]] constexpr bool hops_exceeded() const noexcept { return (first & hops_exceeded_bit) != 0; }
  /// M: some hop did not write because the packet would have outgrown its MTU.
  [[nodiscard]] constexpr bool mtu_exceeded() const noexcept { return (first & mtu_exceeded_bit) != 0; }
  /// HopML: words a hop.
  [[nodiscard]] constexpr std::size_t hop_words() const noexcept { return first >> 8U & 0x1fU; }
  [[nodiscard]] constexpr unsigned remaining_hops() const noexcept { return first & 0xffU; }
  [[nodiscard]] constexpr std::uint16_t bitmap() const noexcept {
    return static_cast<std::uint16_t>(second >> 48U);
  }
  [[nodiscard]] constexpr std::uint16_t domain() const noexcept {
    return static_cast<std::uint16_t>(second >> 32U);
  }
  [[nodiscard]] constexpr std::uint16_t ds_instruction() const noexcept {
    return static_cast<std::uint16_t>(second >> 16U);
  }

  /// For a checksum.
  [[nodiscard]] std::uint64_t sum() const noexcept { return checksum_words(first) + checksum_words(second); }

  static constexpr std::uint64_t discard_bit = 0x0800'0000;
  static constexpr std::uint64_t hops_exceeded_bit = 0x0400'0000;
  static constexpr std::uint64_t mtu_exceeded_bit = 0x0200'0000;
  static constexpr unsigned length_shift = 48;
  static constexpr unsigned original_shift = 32;
};

/// The hops' metadata in a packet; read in place, valid as long as the packet's headers are not moved.
class StackView {
 public:
  StackView() = default;
  StackView(const std::byte* newest, std::uint16_t bitmap, std::size_t hops) noexcept
      : newest_(newest), hops_(static_cast<std::uint16_t>(hops)), bitmap_(bitmap) {}

  [[nodiscard]] std::size_t hops() const noexcept { return hops_; }
  [[nodiscard]] std::uint16_t bitmap() const noexcept { return bitmap_; }
  /// 0 is the newest: the hop nearest to the sink. `index` < hops().
  [[nodiscard]] HopMetadata hop(std::size_t index) const noexcept {
    return load_hop(newest_ + index * 4 * int_hop_words(bitmap_), bitmap_);
  }
  [[nodiscard]] HopLoad load(std::size_t index) const noexcept {
    return load_hop_load(newest_ + index * 4 * int_hop_words(bitmap_), bitmap_);
  }

 private:
  const std::byte* newest_ = nullptr;
  std::uint16_t hops_ = 0;
  std::uint16_t bitmap_ = 0;
};

namespace detail {
/// Why a header that is not a tagged packet's is not.
IntFault int_header_fault(const IntHeader& header, std::size_t udp_bytes) noexcept;

/// All that is the same in every header of the domain: type and version; domain and DS instruction.
inline constexpr IntHeader int_header_mask{0xf000'0000'f000'0000, 0x0000'ffff'ffff'0000};
inline constexpr IntHeader int_header_expected{
    std::uint64_t{int_type_md} << 60U | std::uint64_t{int_version} << 28U,
    std::uint64_t{int_domain} << 32U | std::uint64_t{order_words_instruction} << 16U};
}  // namespace detail

/// What is wrong with shim and INT header for a sink of Braidway's domain, whose UDP datagram is of
/// `udp_bytes`; `none`: they are those of a tagged packet. D is not looked at.
inline IntFault check_int_header(const IntHeader& header, std::size_t udp_bytes) noexcept {
  const auto& mask = detail::int_header_mask;
  const auto& expected = detail::int_header_expected;
  constexpr std::size_t fixed_words = (int_md_header_bytes + order_words_bytes) / 4;
  const std::uint64_t differs =
      ((header.first ^ expected.first) & mask.first) | ((header.second ^ expected.second) & mask.second);
  const bool known_npt = ((header.first ^ header.first >> 1U) >> 58U & 1U) != 0;  // 1 or 2
  const std::size_t words = header.length_words();
  const auto hop_words = static_cast<unsigned>(header.hop_words());
  const auto stack_words = static_cast<unsigned>(words - fixed_words);
  const bool fits = words >= fixed_words && udp_header_bytes + int_shim_bytes + 4 * words <= udp_bytes;
  if (differs == 0 && known_npt && fits && hop_words == int_hop_words(header.bitmap()) &&
      (stack_words == 0 || (hop_words != 0 && stack_words % hop_words == 0))) [[likely]] {
    return IntFault::none;
  }
  return detail::int_header_fault(header, udp_bytes);
}

/// Is this a tagged packet, by port and header? Anything else to the port is other traffic. `head`: from the
/// UDP header on, its first 24 bytes at least if UDP has that many; `int_port`: this domain's.
bool is_tagged(std::span<const std::byte> head, std::uint16_t int_port) noexcept;

}  // namespace braidway::telemetry
