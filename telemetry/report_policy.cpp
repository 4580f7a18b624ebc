#include "telemetry/report_policy.hpp"

#include <algorithm>

namespace braidway::telemetry {
namespace {

constexpr std::int64_t smoothed_over = 8;
/// Heartbeats without a packet after which a flow is forgotten.
constexpr std::int64_t forget_after = 4;

constexpr std::uint32_t bit(lb::PathId path) noexcept { return 1U << (value(path) % 32); }

constexpr lb::Nanoseconds minus(lb::Nanoseconds a, lb::Nanoseconds b) noexcept {
  return lb::Nanoseconds{value(a) - value(b)};
}

std::uint32_t smooth(std::uint32_t mean, std::uint32_t sample) noexcept {
  if (sample == not_measured) return mean;
  if (mean == not_measured) return sample;
  return static_cast<std::uint32_t>(std::int64_t{mean} +
                                    (std::int64_t{sample} - std::int64_t{mean}) / smoothed_over);
}

}  // namespace

ReportPolicy::ReportPolicy(const Parameters& parameters)
    : parameters_(parameters),
      flows_(parameters.flows),
      rate_(parameters.reports_per_second, parameters.burst) {}

ReportCause ReportPolicy::decide(std::uint64_t hash, const lb::FlowKey& key, const FlowSample& sample,
                                 lb::Nanoseconds now) noexcept {
  const lb::Tick calm = tick(minus(now, lb::Nanoseconds{2 * value(parameters_.calm)}));
  Flow* found = nullptr;
  flows_.find_or_insert({&hash, 1}, {&key, 1}, {.beat = lb::tick(now), .deep = calm}, {&found, 1});
  if (found == nullptr) {
    ++counters_.no_room;
    return ReportCause::none;
  }
  Flow& flow = *found;
  if (is_known(flow, sample.path)) flow.paths |= bit(sample.path);
  flow.latency = smooth(flow.latency, sample.latency);
  const bool deep = sample.deepest_queue != not_measured && sample.deepest_queue >= parameters_.deep_queue;
  const bool was_calm = elapsed(flow.deep, lb::tick(now)) > parameters_.calm;

  const ReportCause cause = news(flow, sample, deep && was_calm, now);
  const bool can_wait = cause == ReportCause::heartbeat;
  if (cause != ReportCause::none && !(can_wait ? rate_.take_upper_half(now) : rate_.take(now))) {
    ++counters_.suppressed;
    if (deep && !was_calm) flow.deep = lb::tick(now);
    return ReportCause::none;
  }
  if (deep) flow.deep = lb::tick(now);
  if (cause == ReportCause::none) return cause;
  ++counters_.reports[static_cast<std::size_t>(cause)];
  if (cause == ReportCause::heartbeat) {
    flow.beat = lb::tick(now);
    flow.paths_before = flow.paths;
    flow.paths = 0;
    if (was_calm && !deep) flow.deep = calm;  // renewed, for ticks wrap
  }
  flow.paths |= bit(sample.path);
  flow.latency_reported = flow.latency;
  return cause;
}

bool ReportPolicy::is_known(const Flow& flow, lb::PathId path) noexcept {
  return ((flow.paths | flow.paths_before) & bit(path)) != 0;
}

ReportCause ReportPolicy::news(const Flow& flow, const FlowSample& sample, bool newly_deep,
                               lb::Nanoseconds now) const noexcept {
  if (flow.paths == 0) return ReportCause::new_flow;
  if (!is_known(flow, sample.path)) return ReportCause::path;
  if (newly_deep) return ReportCause::queue;
  if (flow.latency != not_measured) {
    const auto [low, high] = std::minmax(flow.latency, flow.latency_reported);
    if (high == not_measured || high - low >= parameters_.latency_step) return ReportCause::latency;
  }
  if (elapsed(flow.beat, lb::tick(now)) >= parameters_.heartbeat) return ReportCause::heartbeat;
  return ReportCause::none;
}

void ReportPolicy::sweep(lb::Nanoseconds now) noexcept {
  const lb::Nanoseconds forget{forget_after * value(parameters_.heartbeat)};
  flows_.sweep(now, parameters_.heartbeat,
               [&](const Flow& flow) { return elapsed(flow.beat, lb::tick(now)) > forget; });
}

}  // namespace braidway::telemetry
