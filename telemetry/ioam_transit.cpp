#include "telemetry/ioam_transit.hpp"

namespace braidway::telemetry {

IoamFault add_own_ioam_node(const FrameInBuffer& frame, std::uint16_t namespace_id,
                            const IoamNode& own) noexcept {
  IoamTrace trace;
  if (const IoamFault fault = find_ioam_trace(frame, trace); fault != IoamFault::none) return fault;
  if (trace.namespace_id != namespace_id) return IoamFault::other_namespace;
  if (trace.overflowed()) return IoamFault::overflow;
  const auto hop_limit = std::to_integer<std::uint8_t>(frame.begin()[frame.l3_offset + std::size_t{7}]);
  return add_ioam_node(frame.begin() + trace.trace_offset, own, hop_limit) ? IoamFault::none
                                                                           : IoamFault::overflow;
}

}  // namespace braidway::telemetry
