// release: takes packets that the order window has handed on: because they need not be waited for any more,
// or because they did not fit the burst that made them. Drops nothing.
#pragma once

#include <algorithm>
#include <string_view>

#include "dataplane/burst.hpp"
#include "dataplane/order_buffer.hpp"

namespace braidway::dataplane::stages {

struct Release {
  static constexpr std::string_view name = "release";
  using Entry = Released;

  static void run(Burst& burst, const Released& released) noexcept {
    burst.count = released.from->take(burst.packets);
    burst.direction = Direction::sink;
    burst.spread = false;
    burst.all_flows = false;
    burst.all_fit = false;  // not known
    std::fill_n(burst.meta.begin(), burst.count,
                PacketMeta{.egress = released.host_port, .traffic_class = TrafficClass::tagged});
  }
};

}  // namespace braidway::dataplane::stages
