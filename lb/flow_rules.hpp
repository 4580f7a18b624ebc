// Which flows are treated otherwise than the rest: rules by kind of packet and destination, of which the
// first that fits counts. A list and no trie: there are few, and one compare each costs less than a trie's
// memory.
//
// Pure; made once, read by any thread. All memory at construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "lb/flow_key.hpp"

namespace braidway::lb {

/// Addresses that begin alike. IPv4 as IPv4-mapped IPv6: 10.0.0.0/8 is ::ffff:10.0.0.0/104.
struct Prefix {
  IpAddress address{};      ///< bits behind the length are 0
  std::uint8_t length = 0;  ///< 0..128

  friend constexpr bool operator==(const Prefix&, const Prefix&) = default;
};

/// All bits of an address that a prefix of the length looks at.
constexpr IpAddress mask_of(std::uint8_t length) noexcept {
  constexpr std::uint64_t ones = ~std::uint64_t{0};
  const std::uint64_t high = length == 0 ? 0 : length >= 64 ? ones : ones << (64U - length);
  const std::uint64_t low = length <= 64 ? 0 : ones << (128U - length);
  return {high, low};
}

/// Whether all addresses of `inner` are of `outer`.
constexpr bool contains(const Prefix& outer, const Prefix& inner) noexcept {
  const IpAddress mask = mask_of(outer.length);
  return outer.length <= inner.length && (inner.address.high & mask.high) == outer.address.high &&
         (inner.address.low & mask.low) == outer.address.low;
}

/// Of the kinds of packets that the caller numbers 0..7, by bits.
using KindSet = std::uint8_t;

class FlowRules {
 public:
  struct Rule {
    KindSet kinds = 0;
    Prefix destination{};  ///< of length 0: any
  };
  /// What find() answers for a flow that no rule fits, and the most rules there may be.
  static constexpr std::uint8_t none = 32;

  /// Throws std::invalid_argument for more than 32 rules, or a prefix longer than an address.
  explicit FlowRules(std::span<const Rule> rules);

  [[nodiscard]] bool empty() const noexcept { return rules_.empty(); }
  /// The index of the first rule that fits a packet of `kind`, or `none`.
  [[nodiscard]] std::uint8_t find(unsigned kind, const FlowKey& key) const noexcept {
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      const Compared& rule = rules_[i];
      const std::uint64_t differs = ((key.words[2] ^ rule.address.high) & rule.mask.high) |
                                    ((key.words[3] ^ rule.address.low) & rule.mask.low);
      if (differs == 0 && (rule.kinds >> kind & 1U) != 0) return static_cast<std::uint8_t>(i);
    }
    return none;
  }

 private:
  struct Compared {
    IpAddress address;
    IpAddress mask;
    KindSet kinds;
  };

  std::vector<Compared> rules_;
};

/// The first rule that another before it leaves nothing to, if there is one.
struct Unreachable {
  std::size_t rule;
  std::size_t because_of;
};
[[nodiscard]] std::optional<Unreachable> unreachable(std::span<const FlowRules::Rule> rules) noexcept;

}  // namespace braidway::lb
