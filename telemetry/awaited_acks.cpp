#include "telemetry/awaited_acks.hpp"

#include <algorithm>

#include "telemetry/source_clock.hpp"

namespace braidway::telemetry {

// Twice the room, so that full sets are rare.
AwaitedAcks::AwaitedAcks(std::size_t packets, lb::Nanoseconds patience, std::uint64_t seed)
    : sets_(packets * 2 / ways + 1), patience_(patience), hasher_(seed) {}

AwaitedAcks::Name AwaitedAcks::name(const lb::IpAddress& sender, const lb::IpAddress& receiver,
                                    std::uint32_t psn) const noexcept {
  // A key like a flow's, with the PSN where that has the protocol.
  return Name{hasher_.hash(lb::flow_key(sender, receiver, lb::FlowKind::addresses, psn))};
}

AwaitedAcks::Set& AwaitedAcks::set_of(Name name) noexcept {
  return sets_[(static_cast<std::uint64_t>(name) >> 32) * sets_.size() >> 32];
}

/// Who was sent in the future is of a clock that has gone back.
bool AwaitedAcks::live(const Entry& entry, lb::Nanoseconds now) const noexcept {
  const std::int64_t age = between(entry.packet.sent, now);
  return entry.used && age >= 0 && age < value(patience_);
}

AwaitedAcks::Entry* AwaitedAcks::find(Name name, lb::Nanoseconds now) noexcept {
  for (Entry& entry : set_of(name)) {
    if (entry.name == static_cast<std::uint64_t>(name) && live(entry, now)) return &entry;
  }
  return nullptr;
}

void AwaitedAcks::await(Name name, const Packet& packet) noexcept {
  if (Entry* same = find(name, packet.sent)) {
    same->ambiguous = true;
    same->packet.sent = packet.sent;
    return;
  }
  Set& set = set_of(name);
  Entry* place = set.data();
  for (Entry& entry : set) {
    if (!live(entry, packet.sent)) {
      place = &entry;
      break;
    }
    if (between(entry.packet.sent, place->packet.sent) > 0) place = &entry;
  }
  *place = {.name = static_cast<std::uint64_t>(name), .packet = packet, .used = true};
}

void AwaitedAcks::forget(Name name, lb::Nanoseconds now) noexcept {
  if (Entry* entry = find(name, now)) entry->used = false;
}

std::optional<AwaitedAcks::Packet> AwaitedAcks::take(Name name, lb::Nanoseconds now) noexcept {
  Entry* entry = find(name, now);
  // An ambiguous one goes on being so: a second ACK of that PSN may come.
  if (entry == nullptr || entry->ambiguous) return std::nullopt;
  entry->used = false;
  return entry->packet;
}

}  // namespace braidway::telemetry
