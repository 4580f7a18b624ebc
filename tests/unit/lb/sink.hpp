// A sink with an order window, whose packets are known by number, on a clock of its own. For the tests.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "lb/flow_key.hpp"
#include "lb/order_window.hpp"

namespace braidway::lb {

inline constexpr GatewayId gateway{7};
inline constexpr SpraySet two_paths{.paths = {PathId{0}, PathId{1}}, .count = 2};

using Numbers = std::vector<int>;

/// A packet is known by its number: how many came before it.
struct TaggedPacket {
  std::uint32_t sequence = 0;
  unsigned path = 0;
  const SpraySet* set = &two_paths;
  std::uint8_t epoch = 0;
  std::uint32_t bytes = 1000;
  std::uint32_t flow = 1;
  GatewayId source = gateway;
  Departure departure{};
};

class Sink {
 public:
  explicit Sink(const OrderWindow::Parameters& parameters) : window(parameters), out_(window.most_out(1)) {}
  Sink() : Sink(OrderWindow::Parameters{.flows = 64, .packets = 64}) {}

  Numbers push(const TaggedPacket& packet) {
    const auto key = rocev2_key(ipv4(1), ipv4(2), Qpn{packet.flow});
    const std::array hashes{hash(key, 1)};
    const std::array arrivals{Arrival{.handle = &names_.at(pushed_++),
                                      .spray_set = packet.set,
                                      .sequence = packet.sequence,
                                      .bytes = packet.bytes,
                                      .source = packet.source,
                                      .path = PathId{static_cast<std::uint8_t>(packet.path)},
                                      .epoch = packet.epoch,
                                      .departure = packet.departure}};
    return numbers(window.push(hashes, {&key, 1}, arrivals, now, out_));
  }
  Numbers poll_after(std::int64_t nanoseconds) {
    now = Nanoseconds{value(now) + nanoseconds};
    return numbers(window.poll(now, out_));
  }

  Nanoseconds now{1'000'000'000'000};
  OrderWindow window;

 private:
  Numbers numbers(std::size_t count) {
    Numbers result;
    for (std::size_t i = 0; i < count; ++i) {
      result.push_back(static_cast<int>(static_cast<char*>(out_[i]) - names_.data()));
    }
    return result;
  }

  std::array<char, 100'000> names_{};
  std::size_t pushed_ = 0;
  std::vector<Handle> out_;
};

}  // namespace braidway::lb
