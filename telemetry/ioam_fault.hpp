// Why an IOAM trace was not begun, not written to, or not taken off. One list for source, transit and sink,
// in the manner of IntFault: the names are those of counters.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace braidway::telemetry {

enum class IoamFault : std::uint8_t {
  // Settings that no trace can have.
  empty_trace_type,      ///< nothing is asked of the nodes (packets may have this fault, too)
  undefined_trace_bits,  ///< something is asked that has no meaning (RFC 9197: bits 12-21 and 23)
  no_nodes,              ///< there is to be room for none
  trace_too_long,        ///< beyond 244 bytes of data: what fits an option, and Linux's limit
  // The frame.
  not_ip,              ///< source: at l3_offset is no IP packet
  not_ipv6,            ///< transit and sink: at l3_offset is no IPv6 packet
  ip_length_mismatch,  ///< the IP packet is longer than the frame
  headers_scattered,   ///< the headers are there, but not in the piece of memory given
  no_headroom,         ///< source: not enough free bytes in front of the frame
  exceeds_mtu,         ///< source: with its trace the packet would be longer than the egress MTU
  // Nothing to do with us.
  no_trace,         ///< no hop-by-hop header, or no pre-allocated trace in it
  other_namespace,  ///< a trace of a namespace that is not ours
  overflow,         ///< transit: no room for our data, or for another node's before us; O is set
  // A hop-by-hop header or a trace that is wrong.
  hop_by_hop_truncated,    ///< the header is longer than the packet
  option_truncated,        ///< an option is longer than the header, or too short for a trace
  option_must_discard,     ///< an option that is not ours says: who does not know me drops the packet
  option_misaligned,       ///< the trace option does not begin at a multiple of 4 (RFC 9486)
  option_length_uneven,    ///< the room for data is not a whole number of words
  several_traces,          ///< more than one pre-allocated trace
  node_length_mismatch,    ///< NodeLen is not what the trace type asks of a node
  remaining_beyond_space,  ///< RemLen is more than the room there is
  nodes_uneven,            ///< sink: the data is not a whole number of nodes
  // What the sink must not hand on.
  not_encapsulated,  ///< no IP packet follows: the trace is somebody's own header, not a tunnel's
  inner_malformed,   ///< what follows is not the IP packet that it should be
  ce_on_not_ect,     ///< the outer header was marked CE, but the packet cannot bear a mark (RFC 6040, 4.2)
  none,
};

inline constexpr std::array<std::string_view, 25> ioam_fault_names{"empty_trace_type",
                                                                   "undefined_trace_bits",
                                                                   "no_nodes",
                                                                   "trace_too_long",
                                                                   "not_ip",
                                                                   "not_ipv6",
                                                                   "ip_length_mismatch",
                                                                   "headers_scattered",
                                                                   "no_headroom",
                                                                   "exceeds_mtu",
                                                                   "no_trace",
                                                                   "other_namespace",
                                                                   "overflow",
                                                                   "hop_by_hop_truncated",
                                                                   "option_truncated",
                                                                   "option_must_discard",
                                                                   "option_misaligned",
                                                                   "option_length_uneven",
                                                                   "several_traces",
                                                                   "node_length_mismatch",
                                                                   "remaining_beyond_space",
                                                                   "nodes_uneven",
                                                                   "not_encapsulated",
                                                                   "inner_malformed",
                                                                   "ce_on_not_ect"};
static_assert(ioam_fault_names.size() == static_cast<std::size_t>(IoamFault::none));

}  // namespace braidway::telemetry
