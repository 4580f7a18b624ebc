#include "dataplane/report_tap.hpp"

#include <algorithm>

#include <rte_ring_elem.h>

#include "telemetry/hop_meter.hpp"

namespace braidway::dataplane {
namespace {

using telemetry::not_measured;

telemetry::ReportPolicy::Parameters parameters_for(const GatewaySettings& settings,
                                                   const ReportSettings& reports) {
  telemetry::ReportPolicy::Parameters parameters;
  parameters.flows = settings.memory.flows;
  parameters.deep_queue = reports.queue_bytes;
  parameters.latency_step = reports.latency_step_ns;
  // What all lanes may send together.
  const auto lanes = static_cast<std::uint32_t>(settings.workers.size());
  parameters.reports_per_second = std::max(reports.per_second / lanes, 1U);
  parameters.burst = std::clamp(parameters.reports_per_second / 10, 1U, report_ring_size / (2 * lanes));
  return parameters;
}

}  // namespace

ReportTap::ReportTap(const GatewaySettings& settings, rte_ring* ring)
    // NOLINTNEXTLINE(bugprone-unchecked-optional-access): there is a ring if there are reports
    : policy_(parameters_for(settings, *settings.reports)), ring_(ring) {}

/// The deepest queue of all hops, and the sum of their latencies.
telemetry::FlowSample ReportTap::sample_of(const telemetry::Tagged& tag) noexcept {
  telemetry::FlowSample sample{.path = tag.words.tag.path()};
  for (std::size_t i = 0; i < tag.stack.hops(); ++i) {
    const telemetry::HopLoad hop = tag.stack.load(i);
    if (const std::uint32_t depth = telemetry::occupancy(hop.queue); depth != not_measured) {
      sample.deepest_queue =
          sample.deepest_queue == not_measured ? depth : std::max(sample.deepest_queue, depth);
    }
    if (hop.latency != not_measured) {
      sample.latency = sample.latency == not_measured ? hop.latency : sample.latency + hop.latency;
    }
  }
  return sample;
}

void ReportTap::hand_over(const rte_mbuf* packet, telemetry::ReportCause cause, lb::PathId path,
                          lb::Nanoseconds now) noexcept {
  ReportRecord record{.time_ns = lb::value(now), .path = path, .cause = cause, .head = {}};
  // Reports are of whole words.
  const std::size_t bytes = std::min<std::size_t>(packet->data_len, record.head.size()) / 4 * 4;
  std::copy_n(rte_pktmbuf_mtod(packet, const std::byte*), bytes, record.head.begin());
  record.bytes = static_cast<std::uint16_t>(bytes);
  if (rte_ring_mp_enqueue_elem(ring_, &record, sizeof record) != 0) {
    ++ring_full_;
  }
}

void ReportTap::tell() noexcept {
  const telemetry::ReportPolicy::Counters& of = policy_.counters();
  const auto set = [&](std::size_t what, std::uint64_t count) {
    counts_[what].add(count - counts_[what].get());
  };
  std::size_t what = 0;
  for (const std::uint64_t count : of.reports) {
    set(what++, count);
  }
  set(what++, of.suppressed);
  set(what++, of.no_room);
  set(what, ring_full_);
}

}  // namespace braidway::dataplane
