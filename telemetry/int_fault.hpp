// Why a packet was not stamped, not taken for a tagged one, or not stripped. One list for source, transit and
// sink, in the manner of the parser's Malformed: the names are those of counters.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace braidway::telemetry {

enum class IntFault : std::uint8_t {
  // The packet around INT.
  not_plain_ip,        ///< at the offsets given is no IPv4 without options, no IPv6, or a fragment
  not_plain_udp,       ///< ... or it is, but no UDP follows at once
  ip_length_mismatch,  ///< the IP packet is longer than the frame, or UDP's length is not what IP has for it
  headers_scattered,   ///< the headers are there, but not in the piece of memory given
  // The source.
  no_headroom,  ///< not enough free bytes in front of the frame
  exceeds_mtu,  ///< the order words do not fit the egress MTU
  // Not a tagged packet of ours.
  not_int_port,
  int_truncated,       ///< UDP ends inside shim and INT header
  int_unknown_type,    ///< not INT-MD
  int_unknown_npt,     ///< signalled neither by port (NPT 1) nor in a UDP header of its own (NPT 2)
  int_wrong_version,   ///< not 2
  int_shim_length,     ///< the shim's Length leaves no room for what must be in it, or is beyond UDP's end
  int_foreign_domain,  ///< Domain Specific ID is not Braidway's
  int_no_order_words,  ///< the DS instruction lacks order tag or departure time
  int_unknown_words,   ///< the DS instruction has more than those
  int_hop_length,      ///< HopML is not what the instruction bitmap asks of a hop
  int_uneven_stack,    ///< the stack is not a whole number of hops
  // A tagged packet that the sink must not hand on.
  int_discard,      ///< D is set: made for the telemetry's sake (a copy, a probe)
  inner_malformed,  ///< the tunnel's packet is not the IP packet that the shim announces
  ce_on_not_ect,    ///< the tunnel was marked CE, but its packet cannot bear a mark (RFC 6040, 4.2: drop)
  none,
};

inline constexpr std::array<std::string_view, 20> int_fault_names{
    "not_plain_ip",      "not_plain_udp",    "ip_length_mismatch", "headers_scattered",  "no_headroom",
    "exceeds_mtu",       "not_int_port",     "int_truncated",      "int_unknown_type",   "int_unknown_npt",
    "int_wrong_version", "int_shim_length",  "int_foreign_domain", "int_no_order_words", "int_unknown_words",
    "int_hop_length",    "int_uneven_stack", "int_discard",        "inner_malformed",    "ce_on_not_ect"};
static_assert(int_fault_names.size() == static_cast<std::size_t>(IntFault::none));

}  // namespace braidway::telemetry
