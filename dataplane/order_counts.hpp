// What a lane counts of stamps and order beside packets and drops. Names and counters come from one list.
// Owner: the lane's worker; read by anybody.
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
  // Sink: packets.
  stripped,
  unknown_path,  ///< tags with a path that the peer is not known to have
  in_order,      ///< handed on at once, being next
  held,          ///< put aside, being ahead
  late,          ///< handed on at once, being behind
  no_window,     ///< handed on at once, there being no room for their flow
  repeated,      ///< held twice
  flushed,       ///< held, and handed on since their flow began anew
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
inline constexpr std::array<std::string_view, 23> order_count_names{"stamped",
                                                                    "unstampable",
                                                                    "unnumbered",
                                                                    "moved",
                                                                    "epochs",
                                                                    "stripped",
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
