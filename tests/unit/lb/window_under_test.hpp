// An order window under test, its packets known by number. For the property tests.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "lb/flow_key.hpp"
#include "lb/order_window.hpp"

namespace braidway::lb {

inline constexpr std::int64_t timeout_ns = 150'000;
inline constexpr unsigned paths = 4;
inline constexpr SpraySet all_paths{.paths = {PathId{0}, PathId{1}, PathId{2}, PathId{3}}, .count = paths};

/// What leaves and enters, by number.
struct Packet {
  unsigned flow = 0;
  unsigned epoch = 0;
  std::uint64_t sequence = 0;  ///< not wrapped
  unsigned path = 0;
  std::uint32_t bytes = 1'000;
  const SpraySet* set = &all_paths;
  GatewayId source{1};
  Departure departure{};

  friend bool operator==(const Packet& a, const Packet& b) {
    return a.flow == b.flow && a.epoch == b.epoch && a.sequence == b.sequence;
  }
  friend std::ostream& operator<<(std::ostream& out, const Packet& packet) {
    return out << "flow " << packet.flow << " epoch " << packet.epoch << " #" << packet.sequence << " path "
               << packet.path;
  }
};

/// Hands out handles that are addresses in `packets_`, which holds at most so many.
class Window {
 public:
  Window(const OrderWindow::Parameters& parameters, std::size_t packets)
      : window(parameters), out_(window.most_out(1)) {
    packets_.reserve(packets);
  }

  std::vector<std::size_t> push(const Packet& packet, std::int64_t now) {
    RC_ASSERT(packets_.size() < packets_.capacity());
    packets_.push_back(packet);
    const auto key = rocev2_key(ipv4(1), ipv4(2), Qpn{packet.flow});
    const std::array hashes{hash(key, 1)};
    const std::array arrivals{Arrival{.handle = &packets_.back(),
                                      .spray_set = packet.set,
                                      .sequence = static_cast<std::uint32_t>(packet.sequence),
                                      .bytes = packet.bytes,
                                      .source = packet.source,
                                      .path = PathId{static_cast<std::uint8_t>(packet.path)},
                                      .epoch = static_cast<std::uint8_t>(packet.epoch & 15U),
                                      .departure = packet.departure}};
    return numbers(window.push(hashes, {&key, 1}, arrivals, Nanoseconds{now}, out_));
  }
  std::vector<std::size_t> poll(std::int64_t now) { return numbers(window.poll(Nanoseconds{now}, out_)); }
  [[nodiscard]] const Packet& packet(std::size_t number) const { return packets_[number]; }

  OrderWindow window;

 private:
  std::vector<std::size_t> numbers(std::size_t count) const {
    std::vector<std::size_t> result;
    result.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      result.push_back(static_cast<std::size_t>(static_cast<const Packet*>(out_[i]) - packets_.data()));
    }
    return result;
  }

  std::vector<Packet> packets_;
  std::vector<Handle> out_;
};

}  // namespace braidway::lb
