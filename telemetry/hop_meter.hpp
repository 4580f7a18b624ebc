// What the hops of a path tell of themselves, on the INT stack or in a trace (IOAM): queue depth and latency,
// a histogram each. Hops are numbered from the source on, 0 the first to write: a path's hops keep their
// numbers while it keeps its way. If another node writes in a place, that is counted: the fabric has
// re-routed the path.
//
// Pure; owner: one worker; read by any thread. 7.3 KB a hop.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "telemetry/counter.hpp"
#include "telemetry/int_md.hpp"
#include "telemetry/ioam.hpp"
#include "telemetry/log_linear_histogram.hpp"
#include "telemetry/message.hpp"

namespace braidway::telemetry {

/// The most of one path: what a source asks at most (IntSettings::hops). Further ones count for the deepest
/// queue only.
inline constexpr std::size_t max_metered_hops = 8;

/// Bytes in a hop's queue, or not_measured: the hop says all ones if it does not know.
constexpr std::uint32_t occupancy(std::uint32_t queue) noexcept {
  constexpr std::uint32_t mask = 0xff'ffff;
  return (queue & mask) == mask ? not_measured : queue & mask;
}

/// A node of a trace as a hop. Queues beyond INT's 24 bits are the deepest that those say; of a wide node id
/// the low 32 bits stand for it; a transit delay of 2^31 ns is that or more (RFC 9197, section 4.4.2.5).
constexpr HopLoad load_of(const IoamNode& node) noexcept {
  constexpr std::uint32_t deepest = 0xff'fffe;
  constexpr IoamNode unknown;
  HopLoad hop{.latency = node.transit_delay};
  if (node.node_id != unknown.node_id) {
    hop.node_id = node.node_id;
  } else if (node.node_id_wide != unknown.node_id_wide) {
    hop.node_id = static_cast<std::uint32_t>(node.node_id_wide);
  }
  if (node.queue_depth != unknown.queue_depth) hop.queue = std::min(node.queue_depth, deepest);
  return hop;
}

class HopMeter {
 public:
  /// By the owner.
  void count(const HopLoad& hop) noexcept {
    const std::uint32_t depth = occupancy(hop.queue);
    if (depth != not_measured) queue_.record(depth);
    if (hop.latency != not_measured) latency_.record(hop.latency);
    if (hop.node_id == not_measured) return;
    const std::uint32_t before = node_id_.load(std::memory_order_relaxed);
    if (hop.node_id == before) return;
    if (before != not_measured) node_changes_.add(1);
    node_id_.store(hop.node_id, std::memory_order_relaxed);
  }

  /// In bytes.
  [[nodiscard]] const LogLinearHistogram& queue() const noexcept { return queue_; }
  /// In nanoseconds.
  [[nodiscard]] const LogLinearHistogram& latency() const noexcept { return latency_; }
  /// Who last wrote here, or not_measured.
  [[nodiscard]] std::uint32_t node_id() const noexcept { return node_id_.load(std::memory_order_relaxed); }
  /// How often that was another one than before.
  [[nodiscard]] std::uint64_t node_changes() const noexcept { return node_changes_.get(); }

 private:
  LogLinearHistogram queue_;
  LogLinearHistogram latency_;
  std::atomic<std::uint32_t> node_id_{not_measured};
  Counter node_changes_;
};

}  // namespace braidway::telemetry
