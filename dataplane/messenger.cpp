#include "dataplane/messenger.hpp"

#include <algorithm>
#include <utility>

#include "lb/flow_key.hpp"

namespace braidway::dataplane {
namespace {

constexpr std::int64_t ns_per_us = 1'000;
/// How often meters and lanes are looked at, if no feedback does.
constexpr std::int64_t between_looks_ns = 40'000;
/// Paths do not change while a gateway runs.
constexpr std::uint16_t generation = 1;

telemetry::Session::Parameters session_parameters(const MessageSettings& settings) {
  return {.silence = lb::Nanoseconds{ns_per_us * missed_heartbeats * settings.heartbeat_us},
          .between_answers = lb::Nanoseconds{settings.heartbeat_us * ns_per_us}};
}

/// Boot ids of later lives: as hard to guess as the first.
telemetry::BootId fresh(telemetry::BootId boot, std::uint64_t life) noexcept {
  const std::uint64_t id = lb::hash(lb::FlowKey{{static_cast<std::uint64_t>(boot), life}}, life);
  return telemetry::BootId{id == 0 ? 1 : id};
}

}  // namespace

Messenger::Messenger(const GatewaySettings& settings, telemetry::BootId boot, PeerLink& link,
                     std::span<telemetry::PathMeters* const> meters)
    : self_(settings.id),
      key_(messages_with(settings.peers.front()).key),
      interval_ns_(messages_with(settings.peers.front()).interval_us * ns_per_us),
      heartbeat_ns_(messages_with(settings.peers.front()).heartbeat_us * ns_per_us),
      longest_turn_ns_(messages_with(settings.peers.front()).suspect_us * ns_per_us),
      capabilities_(
          settings.peers.front().stamping == Stamping::none ? 0 : telemetry::capability::restores_order),
      link_(link),
      meters_(meters.begin(), meters.end()),
      control_(settings.peers.front(), link),
      session_(settings.id, settings.peers.front().id, boot,
               session_parameters(messages_with(settings.peers.front()))),
      records_(meters, 0, link.clock, settings.peers.front().utilisation_full),
      paths_(settings.peers.front().paths.size()),
      told_(paths_.size()) {
  delays_.reserve(telemetry::most_records);
  for (const PathSettings& path : settings.peers.front().paths) ports_.push_back(path.port);
}

const telemetry::Message* Messenger::receive(std::span<const std::byte> payload, std::uint16_t port,
                                             lb::Nanoseconds now) noexcept {
  telemetry::Message& message = read_;
  const auto defect = telemetry::read_message(payload, key_, self_, message);
  if (defect != telemetry::MessageDefect::none) {
    counts_.defects[static_cast<std::size_t>(defect)].add(1);
    return nullptr;
  }
  const telemetry::Reception reception = session_.receive(message, now);
  counts_.verdicts[static_cast<std::size_t>(reception.verdict)].add(1);
  if (reception.answer) to_answer_ = message;
  if (reception.verdict == telemetry::Verdict::own_message) block(port, now);
  if (session_.wants_new_life(now)) session_.begin_life(fresh(session_.boot(), ++lives_), now);
  if (reception.verdict != telemetry::Verdict::counts) return nullptr;
  if (reception.restarted) {
    // Before the peer can know that we know: what it stamps from then on is of its new life.
    link_.boots.fetch_add(1, std::memory_order_release);
  }
  link_.clock.heard(message.header.sent, now, reception.first_contact || reception.restarted);
  if (reception.first_contact || reception.restarted) control_.set_restores_order(false);
  take(message, now);
  return message.type == telemetry::MessageType::feedback ? &message : nullptr;
}

void Messenger::take(const telemetry::Message& message, lb::Nanoseconds now) noexcept {
  heard_ = true;
  const std::size_t from = lb::value(message.header.path);
  if (from < paths_.size()) {
    paths_[from].heard = ran_;
    paths_[from].news = true;
  }
  if (message.type != telemetry::MessageType::feedback) return;
  control_.set_restores_order((session_.capabilities() & telemetry::capability::restores_order) != 0);
  control_.take(message, now);
}

void Messenger::block(std::uint16_t port, lb::Nanoseconds now) noexcept {
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    if (ports_[i] == port) control_.heard_ourselves(static_cast<lb::PathId>(i), now);
  }
}

void Messenger::advance(lb::Nanoseconds now) noexcept {
  ran_ = lb::Nanoseconds{lb::value(ran_) + std::min(lb::value(now) - lb::value(now_), longest_turn_ns_)};
  now_ = now;
  if (lb::value(now) - lb::value(looked_at_) < between_looks_ns) return;
  looked_at_ = now;
  look_at_meters();
  control_.advance(now);
}

void Messenger::look_at_meters() noexcept {
  std::size_t lagging = 0;
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    std::uint64_t packets = 0;
    for (telemetry::PathMeters* lane : meters_) {
      packets += lane->at(lane->index(0, static_cast<lb::PathId>(i))).packets();
    }
    paths_[i].lags = packets == paths_[i].packets;
    if (paths_[i].lags) {
      ++lagging;
      continue;
    }
    paths_[i].packets = packets;
    paths_[i].heard = ran_;
    heard_ = true;
  }
  if (2 * lagging < paths_.size()) return;
  for (Path& path : paths_) path.lags = false;
}

/// Paths from the peer: dead, or alive again.
void Messenger::judge_silence() noexcept {
  lb::Nanoseconds latest{};
  for (const Path& path : paths_) latest = std::max(latest, path.heard);
  bool changed = false;
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    const bool dead = lb::value(latest) - lb::value(paths_[i].heard) > missed_heartbeats * heartbeat_ns_;
    if (link_.paths[i].from_dead.load(std::memory_order_relaxed) == dead) continue;
    link_.paths[i].from_dead.store(dead, std::memory_order_relaxed);
    changed = true;
  }
  if (changed) link_.version.fetch_add(1, std::memory_order_release);
}

lb::Nanoseconds Messenger::probe_due(std::size_t path) const noexcept {
  const auto data = control_.data_at(static_cast<lb::PathId>(path));
  return lb::Nanoseconds{std::max(lb::value(paths_[path].sent), lb::value(data)) + heartbeat_ns_};
}

telemetry::Session::Sending Messenger::sending(lb::PathId path, lb::Nanoseconds now) const noexcept {
  return {.now = now,
          .generation = generation,
          .path = path,
          .lane = {},
          .blocked_strand = control_.blocked(path)};
}

void Messenger::sent(lb::PathId path, lb::Nanoseconds now) noexcept {
  paths_[lb::value(path)].sent = now;
  control_.sent_message(path, now);
  judge_silence();
}

Messenger::Due Messenger::answer(const telemetry::Message& to, lb::PathId path, lb::Nanoseconds now,
                                 telemetry::MessageBuffer out) noexcept {
  const auto header = session_.answer(to, sending(path, now));
  sent(path, now);
  counts_.probes_sent.add(1);
  return {.path = path, .bytes = telemetry::write_probe(header, key_, out)};
}

Messenger::Due Messenger::probe(lb::PathId path, lb::Nanoseconds now, telemetry::MessageBuffer out) noexcept {
  const auto header = session_.next(sending(path, now));
  sent(path, now);
  counts_.probes_sent.add(1);
  return {.path = path, .bytes = telemetry::write_probe(header, key_, out)};
}

Messenger::Due Messenger::feedback(lb::PathId path, lb::Nanoseconds now,
                                   telemetry::MessageBuffer out) noexcept {
  feedback_at_ = now;
  heard_ = false;
  const std::size_t count = std::min(paths_.size(), telemetry::most_records);
  delays_.clear();
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = (first_record_ + i) % paths_.size();
    const auto of = static_cast<lb::PathId>(at);
    told_[at] = records_.next(of, std::exchange(paths_[at].news, false), now);
    if (told_[at].mean_delay == telemetry::not_measured) continue;
    delays_.push_back({.path = of,
                       .mean_ns = static_cast<float>(told_[at].mean_delay),
                       .max_ns = static_cast<float>(told_[at].most_delay)});
  }
  if (lb::lateness(delays_).congested()) {
    link_.congested_ns.store(lb::value(now), std::memory_order_relaxed);
    link_.version.fetch_add(1, std::memory_order_release);
  }
  const auto written = telemetry::write_feedback(session_.next(sending(path, now)), capabilities_, told_,
                                                 first_record_, key_, out);
  first_record_ = written.next;
  sent(path, now);
  counts_.feedbacks_sent.add(1);
  return {.path = path, .bytes = written.bytes};
}

}  // namespace braidway::dataplane
