// INT-XD ("eXport Data"), also called postcards: a node reports itself on each packet of a watched flow, with
// what it alone knows, and leaves the packet as it is (P4.org, INT 2.1 section "INT-XD"; Telemetry Report
// Format Specification 2.0, "Per Hop Reports in INT-XD/MX modes"). Which flows are watched, the node's own
// watchlist says.
//
// A postcard is a report like others (telemetry/report.hpp): this file decides whether there is one, and what
// is in it. The node's id is in the datagram's group header; metadata that the node has not got are left out,
// not filled with ones.
//
// Pure. Owner of Postcards: the worker that owns the flows; all memory at construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lb/flow_key.hpp"
#include "lb/types.hpp"
#include "telemetry/int_md.hpp"
#include "telemetry/report.hpp"
#include "telemetry/report_rate.hpp"

namespace braidway::telemetry {

/// Which flows to watch: each condition narrows it, without any it is all flows. And what to report of their
/// packets: bits of an INT instruction bitmap, of which int_node_id and those that are no metadata of a node
/// say nothing here.
class Watch {
 public:
  explicit constexpr Watch(std::uint16_t instructions) noexcept : instructions_(instructions) {}

  /// `prefix_bits`: up to 32 of IPv4, which then is watched alone, and up to 128 of IPv6; more count as
  /// those.
  constexpr Watch& from(const lb::IpAddress& source, unsigned prefix_bits) noexcept {
    return addressed(0, source, prefix_bits);
  }
  constexpr Watch& to(const lb::IpAddress& destination, unsigned prefix_bits) noexcept {
    return addressed(2, destination, prefix_bits);
  }
  /// RoCEv2 to this queue pair.
  constexpr Watch& to_qpn(lb::Qpn qpn) noexcept {
    value_.words[4] = lb::rocev2_key({}, {}, qpn).words[4];
    mask_.words[4] = all_ones;
    return *this;
  }

  [[nodiscard]] constexpr std::uint16_t instructions() const noexcept { return instructions_; }
  [[nodiscard]] constexpr bool matches(const lb::FlowKey& key) const noexcept {
    std::uint64_t differs = 0;
    for (std::size_t i = 0; i < key.words.size(); ++i) {
      differs |= (key.words[i] ^ value_.words[i]) & mask_.words[i];
    }
    return differs == 0;
  }

 private:
  static constexpr std::uint64_t all_ones = ~std::uint64_t{0};

  static constexpr std::uint64_t upper_bits(unsigned bits) noexcept {
    if (bits == 0) return 0;
    return bits >= 64 ? all_ones : ~(all_ones >> bits);
  }
  constexpr Watch& addressed(std::size_t word, const lb::IpAddress& address, unsigned prefix_bits) noexcept {
    const bool ipv4 = address.high == 0 && address.low >> 32 == 0xffff;
    const unsigned bits = ipv4 ? 96 + (prefix_bits < 32 ? prefix_bits : 32) : prefix_bits;
    value_.words[word] = address.high;
    value_.words[word + 1] = address.low;
    mask_.words[word] = upper_bits(bits);
    mask_.words[word + 1] = upper_bits(bits < 64 ? 0 : bits - 64);
    return *this;
  }

  lb::FlowKey value_{};
  lb::FlowKey mask_{};
  std::uint16_t instructions_;
};

/// A node's metadata as reports have them (RepMdBits): of `instructions` those that the node has got. What
/// INT says by its bits 0 (node id) and 15 (checksum complement), reports do not, and bit 15 means another
/// thing.
ReportMetadata report_metadata(std::uint16_t instructions, const HopMetadata& own) noexcept;

class Postcards {
 public:
  struct Parameters {
    std::uint32_t postcards_per_second = 10'000;
    std::uint32_t burst = 1'000;         ///< postcards
    std::uint32_t deep_queue = 100'000;  ///< a queue of so much and more is congested, in the node's unit
    std::uint16_t domain = int_domain;
  };
  struct Counters {
    std::uint64_t postcards = 0;
    std::uint64_t suppressed = 0;  ///< packets of watched flows without one, for the rate
  };

  /// The first watch that matches a flow counts. Time per packet is in proportion to their number.
  Postcards(std::span<const Watch> watches, const Parameters& parameters);

  /// A packet of a flow: the watch that a postcard is due for, or none. `now` never goes back.
  const Watch* decide(const lb::FlowKey& key, lb::Nanoseconds now) noexcept;
  /// The postcard: `packet`, from the header that `type` names, belongs to the caller.
  [[nodiscard]] Report postcard(const Watch& watch, const HopMetadata& own, InnerType type,
                                std::span<const std::byte> packet) const noexcept;

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }

 private:
  std::vector<Watch> watches_;
  Parameters parameters_;
  ReportRate rate_;
  Counters counters_;
};

}  // namespace braidway::telemetry
