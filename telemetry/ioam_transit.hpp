// A node on the way: writes its own data into the room that a trace has for it (RFC 9197, section 4.4.1).
// Length and place of everything stay; nothing else of the packet changes, and no checksum covers it. Whoever
// routes the packet does so before: the hop limit written is the packet's.
//
// Pure; any thread.
#pragma once

#include <cstdint>

#include "telemetry/ioam.hpp"

namespace braidway::telemetry {

/// Writes `own` into the trace of a frame. If it has no room, O is set, and the result is `overflow`; with O
/// set on arrival nothing is written either. Any other fault (those of find_ioam_trace, other_namespace): the
/// packet is as it was.
IoamFault add_own_ioam_node(const FrameInBuffer& frame, std::uint16_t namespace_id,
                            const IoamNode& own) noexcept;

}  // namespace braidway::telemetry
