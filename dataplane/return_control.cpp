#include "dataplane/return_control.hpp"

#include <algorithm>

#include "dataplane/treatments.hpp"

namespace braidway::dataplane {
namespace {

constexpr std::int64_t interval_ns = 1'000'000;

lb::PathWeights weights_for(const PeerSettings& peer) {
  lb::PathWeights::Parameters parameters;
  parameters.interval_ns = interval_ns;
  // RNICs answer within microseconds, more or less; the ways back differ as the ways there do.
  parameters.outlying_ns = 10'000;
  parameters.outlying_span_ns = 20'000;
  // A flow that is placed once stays: what is tried again is tried with few.
  parameters.forgotten = 100;
  const std::vector<float> configured(peer.paths.size(), 1.0F);
  return {configured, parameters};
}

}  // namespace

ReturnControl::ReturnControl(const PeerSettings& peer, PeerLink& link)
    : link_(link), weights_(weights_for(peer)), governor_(boldest_policy(peer)), paths_(peer.paths.size()) {
  delays_.reserve(peer.paths.size());
}

void ReturnControl::advance(lb::Nanoseconds now) noexcept {
  if (lb::value(now) - lb::value(advanced_at_) < interval_ns) return;
  advanced_at_ = now;
  measure(now);
  govern(now);
  publish();
}

/// What came back since the last time moves the weights.
void ReturnControl::measure(lb::Nanoseconds now) noexcept {
  delays_.clear();
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    Path& path = paths_[i];
    std::uint64_t rtts = 0;
    std::uint64_t sum = 0;
    std::uint32_t least = UINT32_MAX;
    std::uint32_t most = 0;
    for (const auto& lane : link_.lane_news) {
      telemetry::ReturnMeter& meter = lane->returns->path(static_cast<std::uint16_t>(i));
      rtts += meter.rtts();
      sum += meter.rtt_sum();
      if (const auto range = meter.take_rtts()) {
        least = std::min(least, range->least);
        most = std::max(most, range->most);
      }
    }
    const std::uint64_t newly = rtts - path.rtts;
    if (newly > 0 && least <= most) {
      const auto mean = static_cast<std::int64_t>((sum - path.rtt_sum) / newly);
      path.floor.at(now);
      path.floor.above(least);
      delays_.push_back({.path = static_cast<lb::PathId>(i),
                         .mean_ns = static_cast<float>(path.floor.above(std::max<std::int64_t>(mean, least))),
                         .max_ns = static_cast<float>(path.floor.above(most))});
    }
    path.rtts = rtts;
    path.rtt_sum = sum;
  }
  weights_.update(delays_);
}

void ReturnControl::govern(lb::Nanoseconds now) noexcept {
  std::uint64_t requests = 0;
  std::uint64_t naks = 0;
  std::size_t out = 0;
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    for (const auto& lane : link_.lane_news) {
      const telemetry::ReturnMeter& meter = lane->returns->path(static_cast<std::uint16_t>(i));
      requests += meter.requests();
      naks += meter.naks();
    }
    out += weights_.outlying(static_cast<lb::PathId>(i)) ? 1 : 0;
  }
  governor_.count(requests - requests_, naks - naks_, now);
  requests_ = requests;
  naks_ = naks;
  if (governor_.advance(out, paths_.size(), now) && change(link_.policy, governor_.policy())) {
    link_.version.fetch_add(1, std::memory_order_release);
  }
}

void ReturnControl::publish() noexcept {
  bool changed = false;
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    PathSignal& signal = link_.paths[i];
    changed |= change(signal.share, weights_.shares()[i]);
    changed |= change(signal.delay_ns, weights_.relative_delay_ns(static_cast<lb::PathId>(i)));
  }
  if (changed) link_.version.fetch_add(1, std::memory_order_release);
}

}  // namespace braidway::dataplane
