// Which packets a sink reports to the collector: the first of a flow, those that show a change, and one a
// second of every flow that has packets.
//
//   path     a path that has not carried the flow in this heartbeat or the one before. So a sprayed flow,
//            which changes its path with every packet, is news once for each. Known modulo 32.
//   queue    a hop's queue at or over the threshold, when there was none for `calm`
//   latency  the flow's mean latency, smoothed over 8 packets, is a step away from what was last reported
//
// News that cannot be sent now, the rate being used up, stays news: it is reported with a later packet of the
// flow, if it is still true. Heartbeats leave half of the burst to news. It decides only; it sends nothing.
// A flow for which there is no room is not reported on.
//
// Owner: the worker that owns the flows. Time is an argument and never goes back. All memory at construction,
// about 100 bytes a flow.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lb/flow_key.hpp"
#include "lb/flow_map.hpp"
#include "lb/tick.hpp"
#include "lb/types.hpp"
#include "telemetry/message.hpp"
#include "telemetry/report_rate.hpp"

namespace braidway::telemetry {

/// Why a packet is to be reported, the first that holds. `none`: it is not.
enum class ReportCause : std::uint8_t { new_flow, path, queue, latency, heartbeat, none };
inline constexpr std::array<std::string_view, 5> report_cause_names{"new_flow", "path", "queue", "latency",
                                                                    "heartbeat"};
static_assert(report_cause_names.size() == static_cast<std::size_t>(ReportCause::none));

/// What a packet shows of its way.
struct FlowSample {
  lb::PathId path{};
  std::uint32_t deepest_queue = not_measured;  ///< of any hop, in the hops' unit
  std::uint32_t latency = not_measured;        ///< ns
};

class ReportPolicy {
 public:
  struct Parameters {
    std::size_t flows = 65'536;
    std::uint32_t deep_queue = 100'000;  ///< in the hops' unit
    lb::Nanoseconds calm{10'000'000};
    std::uint32_t latency_step = 20'000;  ///< ns
    lb::Nanoseconds heartbeat{1'000'000'000};
    std::uint32_t reports_per_second = 10'000;
    std::uint32_t burst = 1'000;  ///< reports
  };
  struct Counters {
    std::array<std::uint64_t, report_cause_names.size()> reports{};  ///< by cause
    std::uint64_t suppressed = 0;  ///< packets that would have been reported, but for the rate
    std::uint64_t no_room = 0;     ///< packets of flows that are not watched
  };

  explicit ReportPolicy(const Parameters& parameters);

  /// A packet of a flow, whose hash is always the same.
  ReportCause decide(std::uint64_t hash, const lb::FlowKey& key, const FlowSample& sample,
                     lb::Nanoseconds now) noexcept;
  /// Forgets silent flows, a few a call. To be called each turn of the worker.
  void sweep(lb::Nanoseconds now) noexcept;

  [[nodiscard]] const Counters& counters() const noexcept { return counters_; }
  [[nodiscard]] std::size_t flows() const noexcept { return flows_.size(); }

 private:
  struct Flow {
    std::uint32_t paths = 0;         ///< used since the last heartbeat and told of, a bit each; 0: a new flow
    std::uint32_t paths_before = 0;  ///< in the heartbeat before
    lb::Tick beat{};                 ///< last heartbeat, or first report
    lb::Tick deep{};                 ///< last packet that has met a deep queue, or longer ago than `calm`
    std::uint32_t latency = not_measured;  ///< smoothed, ns
    std::uint32_t latency_reported = not_measured;
  };
  static_assert(sizeof(Flow) == 24);

  static bool is_known(const Flow& flow, lb::PathId path) noexcept;
  [[nodiscard]] ReportCause news(const Flow& flow, const FlowSample& sample, bool newly_deep,
                                 lb::Nanoseconds now) const noexcept;

  Parameters parameters_;
  lb::FlowMap<Flow> flows_;
  Counters counters_;
  ReportRate rate_;
};

}  // namespace braidway::telemetry
