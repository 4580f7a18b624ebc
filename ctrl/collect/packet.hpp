// What the first bytes of a packet tell, as a report carries them: addresses, ports, BTH, INT's stack and
// Braidway's order words. The packet may be cut anywhere and may be nonsense: what is not there, or cannot be
// so, is left out of the answer.
//
// Formats: RFC 791, 8200, 768; IBTA vol. 1 section 9.2 and annex A17; INT 2.1 "INT over TCP/UDP". Pure; any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <nlohmann/json.hpp>

#include "telemetry/report.hpp"

namespace braidway::ctrl::collect {

using Json = nlohmann::ordered_json;

/// `bytes` begin with the header that `type` names. As far as they reach: "source", "destination",
/// "protocol", "source_port", "destination_port", of RoCEv2 "opcode", "dest_qpn", "psn"; behind `int_port`
/// "int" with "hops", the newest first, "order" and "departure". Behind a tunnel's INT header "inner" is the
/// packet that it carries. Empty for other types.
Json describe_packet(telemetry::InnerType type, std::span<const std::byte> bytes, std::uint16_t int_port);

/// Braidway's words ("order", "departure"), which stand in the order of the bits that are set in `ds_bits`.
/// Empty if `words` is not as long as they are together, or there are other bits.
Json describe_order_words(std::uint16_t ds_bits, std::span<const std::byte> words);

/// A number, or null if all its bits are ones: the node could not tell.
template <typename Number>
Json known(Number number) {
  return number == static_cast<Number>(-1) ? Json() : Json(number);
}
/// "queue" and "queue_occupancy", or the like: an id, and 24 bits.
void add_occupancy(Json& to, const char* name, std::uint8_t id, std::uint32_t occupancy);

}  // namespace braidway::ctrl::collect
