// One direction of a path with numbered frames, for the tests of what a wire does to them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "bench/wire/impairment.hpp"

namespace braidway::bench::wire::test {

constexpr std::int64_t us = 1'000;
constexpr std::int64_t ms = 1'000'000;

/// A frame that came out.
struct Out {
  std::size_t number = 0;  ///< in the order of push(), from 0
  std::int64_t at = 0;     ///< as planned
  std::optional<Drop> drop{};
  bool twice = false;

  bool operator==(const Out&) const = default;
};

class WireUnderTest {
 public:
  explicit WireUnderTest(const Parameters& parameters, std::size_t capacity = 1 << 16, std::uint64_t seed = 1)
      : wire{parameters, seed, capacity} {}

  /// A frame of `bytes`: Ethernet, IPv4 with ECT(0), all else zero.
  std::optional<Drop> push(std::int64_t now, std::uint32_t bytes = 1000) {
    auto& frame = buffer;
    frame.fill(std::byte{0});
    frame[12] = std::byte{0x08};
    frame[14] = std::byte{0x45};
    frame[15] = std::byte{0x02};
    frame[16] = static_cast<std::byte>((bytes - 14) >> 8U);
    frame[17] = static_cast<std::byte>(bytes - 14);
    // The handle is the number, and no pointer: nothing may look behind it.
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    return wire.push({.handle = reinterpret_cast<void*>(pushed++), .data = frame.data(), .bytes = bytes},
                     lb::Nanoseconds{now});
  }
  std::vector<Out> poll(std::int64_t now, std::size_t burst = 7) {
    std::vector<Out> all;
    std::vector<Departure> some(burst);
    while (const std::size_t count = wire.poll(lb::Nanoseconds{now}, some)) {
      for (std::size_t i = 0; i < count; ++i) {
        all.push_back({.number = reinterpret_cast<std::size_t>(some[i].frame.handle),
                       .at = value(some[i].planned),
                       .drop = some[i].drop,
                       .twice = some[i].twice});
      }
    }
    return all;
  }
  void set(const Parameters& parameters, std::int64_t now) { wire.set(parameters, lb::Nanoseconds{now}); }
  [[nodiscard]] bool marked() const { return (buffer[15] & std::byte{3}) == std::byte{3}; }

  Impairment wire;
  std::size_t pushed = 0;
  std::array<std::byte, 2048> buffer{};  ///< of the frame pushed last
};

}  // namespace braidway::bench::wire::test
