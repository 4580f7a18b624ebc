// UDP destination ports of what gateways write. Values, no owner thread.
#pragma once

#include <cstdint>

#include "telemetry/roce.hpp"

namespace braidway::dataplane {

/// 0: there is none.
struct OwnPorts {
  std::uint16_t int_md = telemetry::int_udp_port;  ///< one for the whole domain
  std::uint16_t message = telemetry::message_udp_port;
};

}  // namespace braidway::dataplane
