// The lane's side of reports to collectors: decides which of the peer's packets are reported on, and hands a
// record of each to the control thread by a ring, which sends it (ctrl/reporter.hpp). A ring that is full
// loses the record, counted; a worker never waits for it.
//
// Owner: the lane's worker; counts anybody. All memory at construction.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <rte_mbuf.h>
#include <rte_ring.h>

#include "dataplane/settings.hpp"
#include "lb/flow_key.hpp"
#include "telemetry/counter.hpp"
#include "telemetry/report_policy.hpp"
#include "telemetry/strip.hpp"

namespace braidway::dataplane {

/// A packet to be reported on, as it came: the Ethernet frame's first bytes, with INT and its stack.
struct ReportRecord {
  std::int64_t time_ns = 0;  ///< when it came, on the clock of the lanes
  lb::PathId path{};         ///< that it came by
  telemetry::ReportCause cause = telemetry::ReportCause::none;
  std::uint16_t bytes = 0;  ///< of `head`
  std::uint32_t unused = 0;
  std::array<std::byte, 240> head;
};
static_assert(sizeof(ReportRecord) == 256, "a ring's element");

inline constexpr unsigned report_ring_size = 1024;

/// What became of packets that the policy looked at: reports by cause, and the rest by what kept them.
inline constexpr std::array<std::string_view, 8> report_count_names{
    "new_flow", "path", "queue", "latency", "heartbeat", "suppressed", "no_room", "ring_full"};

class ReportTap {
 public:
  ReportTap(const GatewaySettings& settings, rte_ring* ring);

  /// A tagged packet, examined.
  void look(std::uint64_t hash, const lb::FlowKey& key, const telemetry::Tagged& tag, const rte_mbuf* packet,
            lb::Nanoseconds now) noexcept {
    const auto cause = policy_.decide(hash, key, sample_of(tag), now);
    if (cause != telemetry::ReportCause::none) [[unlikely]] {
      hand_over(packet, cause, tag.words.tag.path(), now);
    }
  }
  /// Each turn.
  void sweep(lb::Nanoseconds now) noexcept { policy_.sweep(now); }
  /// Makes what the policy has counted readable by others. Once a burst.
  void tell() noexcept;
  [[nodiscard]] std::uint64_t count(std::size_t what) const noexcept { return counts_[what].get(); }

 private:
  static telemetry::FlowSample sample_of(const telemetry::Tagged& tag) noexcept;
  void hand_over(const rte_mbuf* packet, telemetry::ReportCause cause, lb::PathId path,
                 lb::Nanoseconds now) noexcept;

  telemetry::ReportPolicy policy_;
  rte_ring* ring_;
  std::uint64_t ring_full_ = 0;
  std::array<telemetry::Counter, report_count_names.size()> counts_;
};

}  // namespace braidway::dataplane
