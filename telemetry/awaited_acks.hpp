// The packets whose ACK is waited for to measure a round trip, each for a while: a table of fixed size that
// never allocates and never stalls. What finds its set full takes the place of the oldest, which then is
// merely not measured.
//
// An ACK names two hosts and a PSN, but not the sender's flow. So that is what a packet is found by; two
// packets of different flows that are waited for under one such name make it ambiguous, and neither is
// measured. Names are kept as 64-bit hashes with a seed: nobody can choose two that collide.
//
// Pure; owner: one worker. All memory at construction: 64 bytes a packet of the capacity.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "lb/flow_key.hpp"
#include "lb/types.hpp"

namespace braidway::telemetry {

class AwaitedAcks {
 public:
  /// What the ACK of a packet is worth.
  struct Packet {
    lb::Nanoseconds sent{};
    std::uint32_t flow = 0;  ///< tells the sender's flows apart
    std::uint16_t path = 0;
  };
  /// Two hosts and a PSN.
  enum class Name : std::uint64_t {};

  /// Room for `packets`, 1 or more; each is waited for `patience`.
  AwaitedAcks(std::size_t packets, lb::Nanoseconds patience, std::uint64_t seed);

  [[nodiscard]] Name name(const lb::IpAddress& sender, const lb::IpAddress& receiver,
                          std::uint32_t psn) const noexcept;

  void prefetch(Name name) noexcept { __builtin_prefetch(&set_of(name), 1); }
  void await(Name name, const Packet& packet) noexcept;
  /// Is it waited for still? Ambiguous ones are.
  [[nodiscard]] bool awaits(Name name, lb::Nanoseconds now) noexcept { return find(name, now) != nullptr; }
  /// Its ACK would not tell which of two packets it is for: it is not waited for any more.
  void forget(Name name, lb::Nanoseconds now) noexcept;
  /// The ACK has come. The packet, if it was waited for and nothing is ambiguous; it is not any more.
  std::optional<Packet> take(Name name, lb::Nanoseconds now) noexcept;

 private:
  struct Entry {
    std::uint64_t name = 0;
    Packet packet;
    bool used = false;
    bool ambiguous = false;
  };
  static_assert(sizeof(Entry) == 32);
  static constexpr std::size_t ways = 4;
  using Set = std::array<Entry, ways>;

  [[nodiscard]] Set& set_of(Name name) noexcept;
  [[nodiscard]] bool live(const Entry& entry, lb::Nanoseconds now) const noexcept;
  [[nodiscard]] Entry* find(Name name, lb::Nanoseconds now) noexcept;

  std::vector<Set> sets_;
  lb::Nanoseconds patience_;
  lb::FlowHasher hasher_;
};

}  // namespace braidway::telemetry
