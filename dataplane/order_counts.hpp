// What a lane counts of stamps, traces and order beside packets and drops. Names and counters come from one
// list. Owner: the lane's worker; read by anybody.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "telemetry/counter.hpp"

namespace braidway::dataplane {

enum class OrderCount : std::uint8_t {
  // Source.
  stamped,      ///< packets with a number of their flow, and INT
  unstampable,  ///< RC and UC packets without room for a stamp: in front of them, or within the fabric's MTU
  unnumbered,   ///< RC and UC packets of flows for which the flow table had no room
  moved,        ///< times that a flow left its path, sprayed packets apart
  epochs,       ///< numberings begun again
  unfollowed,   ///< packets of flows whose return traffic there was no room to follow
  unpaired,     ///< CNPs and NAKs for flows that nobody knows
  varied,       ///< packets with entropy of ours
  unvaried,     ///< packets that should have it: no IPv6 header, or not in one buffer
  entropy_changes,  ///< times that a flow got new entropy
  traced,           ///< packets behind a trace (IOAM)
  untraceable,      ///< RC and UC packets that should be: IPv4, or without room for a trace
  // Sink: packets.
  stripped,
  untraced,        ///< packets taken out from behind a trace
  trace_nodes,     ///< that had written into these traces
  traces_full,     ///< of these traces, those in which a node found no room
  traces_foreign,  ///< packets from the peer's address with a Hop-by-Hop header of another purpose
  unknown_path,    ///< tags with a path that the peer is not known to have
  in_order,        ///< handed on at once, being next
  held,            ///< put aside, being ahead
  late,            ///< handed on at once, being behind
  no_window,       ///< handed on at once, there being no room for their flow
  repeated,        ///< held twice
  flushed,         ///< held, and handed on since their flow began anew
  // Sink: gaps given up, by reason.
  gaps_by_watermark,
  gaps_by_timer,
  gaps_by_packet_budget,
  gaps_by_byte_budget,
  // Sink: flows.
  epoch_changes,
  restarts,
  joined,
  fifo_violations,  ///< packets that were overtaken on their own path
  peak_packets,     ///< most that was held; of several workers the sum
  peak_bytes,
};
inline constexpr std::array<std::string_view, 34> order_count_names{"stamped",
                                                                    "unstampable",
                                                                    "unnumbered",
                                                                    "moved",
                                                                    "epochs",
                                                                    "unfollowed",
                                                                    "unpaired",
                                                                    "varied",
                                                                    "unvaried",
                                                                    "entropy_changes",
                                                                    "traced",
                                                                    "untraceable",
                                                                    "stripped",
                                                                    "untraced",
                                                                    "trace_nodes",
                                                                    "traces_full",
                                                                    "traces_foreign",
                                                                    "unknown_path",
                                                                    "in_order",
                                                                    "held",
                                                                    "late",
                                                                    "no_window",
                                                                    "repeated",
                                                                    "flushed",
                                                                    "gaps_by_watermark",
                                                                    "gaps_by_timer",
                                                                    "gaps_by_packet_budget",
                                                                    "gaps_by_byte_budget",
                                                                    "epoch_changes",
                                                                    "restarts",
                                                                    "joined",
                                                                    "fifo_violations",
                                                                    "peak_packets",
                                                                    "peak_bytes"};
static_assert(order_count_names.size() == static_cast<std::size_t>(OrderCount::peak_bytes) + 1);

class OrderCounts {
 public:
  void add(OrderCount what, std::uint64_t n) noexcept { at(what).add(n); }
  /// Makes a count what its owner keeps elsewhere.
  void set(OrderCount what, std::uint64_t n) noexcept { at(what).add(n - at(what).get()); }
  [[nodiscard]] std::uint64_t get(OrderCount what) const noexcept {
    return counters_[static_cast<std::size_t>(what)].get();
  }

 private:
  telemetry::Counter& at(OrderCount what) noexcept { return counters_[static_cast<std::size_t>(what)]; }

  std::array<telemetry::Counter, order_count_names.size()> counters_;
};

}  // namespace braidway::dataplane
