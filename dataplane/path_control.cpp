#include "dataplane/path_control.hpp"

#include <algorithm>

#include "telemetry/path_receipt.hpp"

namespace braidway::dataplane {
namespace {

constexpr std::int64_t ns_per_us = 1'000;
/// How often the policy is looked at.
constexpr std::int64_t between_governing_ns = 1'000'000;
/// Of a path that brings nothing any more what was told of it says nothing.
constexpr std::int64_t telling_lasts_ns = 2'000'000;
/// A strand is no loop any more when we have not heard ourselves for so long.
constexpr std::int64_t block_ns = 1'000'000'000;

/// A slow loop that has not been heard of for so long has stopped: its ticks are of 100 ms at most.
constexpr std::int64_t foresight_lasts_ns = 250'000'000;

constexpr lb::Nanoseconds later(lb::Nanoseconds time, std::int64_t by) noexcept {
  return lb::Nanoseconds{lb::value(time) + by};
}

lb::PathHealth::Parameters health_parameters(const MessageSettings& settings) {
  lb::PathHealth::Parameters parameters;
  parameters.suspect_after = lb::Nanoseconds{settings.suspect_us * ns_per_us};
  // Since the first probe that is missed; the last one gets as long for its sign as any packet.
  parameters.dead_after = lb::Nanoseconds{ns_per_us * (missed_heartbeats - 1) * settings.heartbeat_us +
                                          ns_per_us * settings.suspect_us};
  parameters.longest_turn = parameters.suspect_after;
  return parameters;
}

/// Half of the paths are not out for long before they have had a chance to be heard.
lb::PolicyGovernor::Parameters governor_parameters(const MessageSettings& settings) {
  constexpr std::int64_t heartbeats = 10;
  lb::PolicyGovernor::Parameters parameters;
  parameters.out_for = lb::Nanoseconds{
      std::max(lb::value(parameters.out_for), heartbeats * settings.heartbeat_us * ns_per_us)};
  return parameters;
}

/// Of the path table's weights they are a share.
lb::PathWeights weights_for(const PeerSettings& peer) {
  lb::PathWeights::Parameters parameters;
  parameters.interval_ns = static_cast<float>(messages_with(peer).interval_us * ns_per_us);
  if (boldest_policy(peer) == lb::Policy::idle_move) {
    // Messages take turns with paths that do not fit one.
    parameters.stale = lb::PathWeights::Parameters::stale_kept *
                       static_cast<unsigned>(telemetry::feedbacks_for(peer.paths.size()));
  }
  const std::vector<float> configured(peer.paths.size(), 1.0F);
  return {configured, parameters};
}

}  // namespace

PathControl::PathControl(const PeerSettings& peer, PeerLink& link)
    : link_(link),
      health_(peer.paths.size(), health_parameters(messages_with(peer))),
      weights_(weights_for(peer)),
      governor_(boldest_policy(peer), governor_parameters(messages_with(peer))),
      totals_(peer.paths.size()),
      data_at_(peer.paths.size()),
      delay_at_(peer.paths.size(), lb::Nanoseconds{-telling_lasts_ns}),
      told_at_(peer.paths.size(), lb::Nanoseconds{-telling_lasts_ns}),
      blocked_until_(peer.paths.size(), free),
      biases_(peer.paths.size(), 1.0F) {
  receipts_.reserve(telemetry::most_records);
  delays_.reserve(telemetry::most_records);
}

lb::PathSent PathControl::sent(lb::PathId path, std::uint32_t period) const noexcept {
  lb::PathSent sum{.through = 0};
  for (const auto& lane : link_.lane_news) {
    const auto through = lane->sent.through(path, period);
    sum.through = sum.through && through ? std::optional{*sum.through + *through} : std::nullopt;
    sum.total += lane->sent.total(path);
  }
  return sum;
}

void PathControl::take(const telemetry::Message& feedback, lb::Nanoseconds now) noexcept {
  receipts_.clear();
  delays_.clear();
  for (std::size_t i = 0; i < feedback.count; ++i) {
    const lb::PathId path = feedback.path_of(i);
    if (lb::value(path) >= totals_.size()) continue;  // the peer thinks that we have more
    const telemetry::PathRecord& record = feedback.records[i];
    lb::PathReceipt& receipt = receipts_.emplace_back(telemetry::receipt(feedback, i, now));
    receipt.late = record.late;
    receipt.sent = sent(path, receipt.period);
    // Nothing was received that has been sent: it may be under way.
    if (!record.counted) receipt.sent->through.reset();
    note_utilisation(path, record.utilisation, now);
    if (record.mean_delay == telemetry::not_measured) continue;
    delay_at_[lb::value(path)] = now;
    delays_.push_back({.path = path,
                       .mean_ns = static_cast<float>(record.mean_delay),
                       .max_ns = static_cast<float>(record.most_delay)});
  }
  weights_.update(delays_);
  health_.received(receipts_, now);
  publish();
}

/// A message has not always something to tell: packets may come more seldom.
void PathControl::note_utilisation(lb::PathId path, std::uint8_t told, lb::Nanoseconds now) noexcept {
  lb::Nanoseconds& told_at = told_at_[lb::value(path)];
  if (told != telemetry::utilisation_not_told) {
    told_at = now;
  } else if (lb::value(now) - lb::value(told_at) < telling_lasts_ns) {
    return;
  }
  change(link_.paths[lb::value(path)].utilisation, told);
}

void PathControl::set_restores_order(bool restores) noexcept {
  if (change(link_.restores_order, restores)) link_.version.fetch_add(1, std::memory_order_release);
}

void PathControl::heard_ourselves(lb::PathId path, lb::Nanoseconds now) noexcept {
  blocked_until_[lb::value(path)] = later(now, block_ns);
  publish();
}

void PathControl::advance(lb::Nanoseconds now) noexcept {
  for (std::size_t i = 0; i < totals_.size(); ++i) {
    const auto path = static_cast<lb::PathId>(i);
    std::uint32_t total = 0;
    for (const auto& lane : link_.lane_news) total += lane->sent.total(path);
    if (total != totals_[i]) {
      totals_[i] = total;
      data_at_[i] = now;
      health_.probed(path, now);
    }
  }
  health_.advance(now);
  bool changed = heed_foresight(now);
  for (std::size_t i = 0; i < totals_.size(); ++i) {
    if (blocked_until_[i] != free && now >= blocked_until_[i]) {
      blocked_until_[i] = free;
      changed = true;
    }
    changed |=
        health_.state(static_cast<lb::PathId>(i)) != link_.paths[i].state.load(std::memory_order_relaxed);
  }
  if (changed) publish();
  if (lb::value(now) - lb::value(governed_at_) >= between_governing_ns) govern(now);
}

bool PathControl::heed_foresight(lb::Nanoseconds now) noexcept {
  const Foresight& foresight = link_.foresight;
  if (const std::uint32_t ticks = foresight.ticks.load(std::memory_order_acquire);
      ticks != foresight_ticks_) {
    foresight_ticks_ = ticks;
    foresight_at_ = now;
  }
  const bool goes_on = lb::value(now) - lb::value(foresight_at_) < foresight_lasts_ns;
  const std::uint32_t version = goes_on ? foresight.version.load(std::memory_order_acquire) : 0;
  if (version == foresight_version_) return false;
  foresight_version_ = version;
  for (std::size_t i = 0; i < biases_.size(); ++i) {
    biases_[i] = goes_on ? foresight.biases[i].load(std::memory_order_relaxed) : 1.0F;
  }
  weights_.set_biases(biases_);
  return true;
}

void PathControl::govern(lb::Nanoseconds now) noexcept {
  governed_at_ = now;
  std::uint64_t packets = 0;
  std::uint64_t naks = 0;
  std::size_t out = 0;
  for (std::size_t i = 0; i < totals_.size(); ++i) {
    const auto path = static_cast<lb::PathId>(i);
    packets += totals_[i];
    const bool late = weights_.outlying(path) && lb::value(now) - lb::value(delay_at_[i]) < telling_lasts_ns;
    out += late || !usable(path) ? 1 : 0;
  }
  for (const auto& lane : link_.lane_news) naks += lane->naks.get();
  // The sum of counters of 32 bits wraps with each of them.
  const std::uint32_t newly_sent = static_cast<std::uint32_t>(packets - governed_packets_);
  governor_.count(newly_sent, naks - naks_, now);
  governed_packets_ = packets;
  naks_ = naks;
  if (governor_.advance(out, totals_.size(), now) && change(link_.policy, governor_.policy())) {
    link_.version.fetch_add(1, std::memory_order_release);
  }
}

void PathControl::publish() noexcept {
  bool changed = false;
  for (std::size_t i = 0; i < totals_.size(); ++i) {
    const auto path = static_cast<lb::PathId>(i);
    PathSignal& signal = link_.paths[i];
    changed |= change(signal.share, usable(path) ? weights_.shares()[i] : 0.0F);
    change(signal.reactive, usable(path) ? weights_.reactive_shares()[i] : 0.0F);
    changed |= change(signal.delay_ns, weights_.relative_delay_ns(path));
    change(signal.state, health_.state(path));
    change(signal.blocked, blocked(path));
    signal.lost.add(health_.lost(path) - signal.lost.get());
  }
  if (changed) link_.version.fetch_add(1, std::memory_order_release);
}

}  // namespace braidway::dataplane
