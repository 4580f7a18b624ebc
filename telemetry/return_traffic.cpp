#include "telemetry/return_traffic.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "lb/require.hpp"
#include "telemetry/source_clock.hpp"

namespace braidway::telemetry {
namespace {

constexpr std::size_t batch = 64;
constexpr std::uint32_t psn_mask = 0xff'ffff;
/// Further behind than a sender has packets outstanding: it numbers anew.
constexpr std::int32_t renumbered = -65'536;
/// Answers in a row for another flow that change the partner.
constexpr std::uint8_t convinced = 3;

/// A round trip that varies by less is no trouble, ns: an RNIC's own delays.
constexpr float far_above_ns = 20'000;

/// How far `to` is ahead of `from`, of numbers of 24 bits.
constexpr std::int32_t psn_ahead(std::uint32_t from, std::uint32_t to) noexcept {
  constexpr unsigned unused_bits = 8;
  return static_cast<std::int32_t>((to - from) << unused_bits) >> unused_bits;
}

/// An RC packet that has a PSN of its sender's own: not an answer.
constexpr bool is_request(std::uint8_t opcode) noexcept {
  if (transport_class(opcode) != TransportClass::rc || !is_known(opcode)) return false;
  return opcode < static_cast<std::uint8_t>(Opcode::rc_read_response_first) ||
         opcode > static_cast<std::uint8_t>(Opcode::rc_atomic_acknowledge);
}

/// A request that is answered by an ACK and nothing else.
constexpr bool is_plain(std::uint8_t opcode) noexcept {
  return opcode != static_cast<std::uint8_t>(Opcode::rc_read_request) &&
         opcode != static_cast<std::uint8_t>(Opcode::rc_compare_swap) &&
         opcode != static_cast<std::uint8_t>(Opcode::rc_fetch_add);
}

constexpr bool is_ack(std::uint8_t syndrome) noexcept { return syndrome >> 5 == 0; }

lb::IpAddress source_of(const lb::FlowKey& key) noexcept { return {key.words[0], key.words[1]}; }
lb::IpAddress destination_of(const lb::FlowKey& key) noexcept { return {key.words[2], key.words[3]}; }

/// Tells flows apart where a whole key is too much.
constexpr std::uint32_t short_name(std::uint64_t hash) noexcept { return static_cast<std::uint32_t>(hash); }

ReturnTraffic::Parameters checked(std::size_t paths, const ReturnTraffic::Parameters& p) {
  const lb::Requirements require{"ReturnTraffic"};
  require.within("paths", paths, 1, std::size_t{65'536});
  require.within("flows", p.flows, 1, lb::max_flows);
  require.within("patience", p.patience, lb::Nanoseconds{1'000}, lb::longest_wait);
  require.within("forget", p.forget, lb::shortest_silence, lb::longest_silence);
  return p;
}

}  // namespace

bool ReturnMeter::measure(std::uint32_t rtt) noexcept {
  // An eighth, as TCP smooths its round trips (RFC 6298).
  const auto sample = static_cast<float>(rtt);
  const bool far = usual_ > 0 && sample > 2 * usual_ + far_above_ns;
  usual_ += (sample - usual_) * (usual_ > 0 ? 1.0F / 8 : 1.0F);
  range_.begin();
  range_.note(rtt);
  rtts_.add(1);
  rtt_sum_.add(rtt);
  rtt_.record(rtt);
  return far;
}

ReturnTraffic::ReturnTraffic(std::size_t paths, const Parameters& parameters)
    : parameters_(checked(paths, parameters)),
      senders_(parameters.flows),
      partners_(parameters.flows),
      awaited_(parameters.flows, parameters.patience, parameters.seed),
      paths_(paths),
      troubles_(std::bit_ceil(parameters.flows)) {}

void ReturnTraffic::sent(std::span<const std::uint64_t> hashes, std::span<const lb::FlowKey> keys,
                         std::span<const SentPacket> packets, lb::Nanoseconds now) noexcept {
  for (std::size_t begin = 0; begin < packets.size();) {
    // Requests alone have a place among the senders.
    std::array<std::uint64_t, batch> request_hashes;
    std::array<lb::FlowKey, batch> request_keys;
    std::array<std::size_t, batch> requests;
    std::size_t count = 0;
    for (; begin < packets.size() && count < batch; ++begin) {
      if (!is_request(packets[begin].opcode)) continue;
      request_hashes[count] = hashes[begin];
      request_keys[count] = keys[begin];
      requests[count++] = begin;
    }
    std::array<Sender*, batch> senders;
    senders_.find_or_insert(std::span{request_hashes}.first(count), std::span{request_keys}.first(count), {},
                            std::span{senders}.first(count));
    for (std::size_t i = 0; i < count; ++i) {
      if (senders[i] == nullptr) {
        counters_.no_room.add(1);
        continue;
      }
      follow(*senders[i], short_name(request_hashes[i]), request_keys[i], packets[requests[i]], now);
    }
  }
}

void ReturnTraffic::follow(Sender& sender, std::uint32_t flow, const lb::FlowKey& key,
                           const SentPacket& packet, lb::Nanoseconds now) noexcept {
  sender.last_seen = lb::tick(now);
  const std::int32_t ahead = sender.known ? psn_ahead(sender.next_psn, packet.psn) : 0;
  if (ahead < 0) {
    if (sender.timing) {
      awaited_.forget(awaited_.name(source_of(key), destination_of(key), sender.timed_psn), now);
      sender.timing = false;
    }
    if (ahead >= renumbered) {
      paths_[packet.path].repeats_.add(1);
      sender.repeated = true;
      sender.repeated_at = lb::tick(now);
      return;
    }
  }
  sender.known = true;
  sender.next_psn = (packet.psn + 1) & psn_mask;
  paths_[packet.path].requests_.add(1);
  if (packet.ack_requested && is_plain(packet.opcode)) time(sender, flow, key, packet, now);
}

/// Times the packet, unless an earlier one of the flow is waited for still or was just sent again.
void ReturnTraffic::time(Sender& sender, std::uint32_t flow, const lb::FlowKey& key, const SentPacket& packet,
                         lb::Nanoseconds now) noexcept {
  sender.repeated = sender.repeated && elapsed(sender.repeated_at, lb::tick(now)) < parameters_.patience;
  if (sender.repeated) return;
  const lb::IpAddress from = source_of(key);
  const lb::IpAddress to = destination_of(key);
  if (sender.timing && awaited_.awaits(awaited_.name(from, to, sender.timed_psn), now)) return;
  awaited_.await(awaited_.name(from, to, packet.psn), {.sent = now, .flow = flow, .path = packet.path});
  sender.timed_psn = packet.psn;
  sender.timing = true;
}

void ReturnTraffic::returned(std::span<const std::uint64_t> hashes, std::span<const lb::FlowKey> keys,
                             std::span<const ReturnedPacket> packets, lb::Nanoseconds now) noexcept {
  for (std::size_t first = 0; first < packets.size(); first += batch) {
    const std::size_t count = std::min(batch, packets.size() - first);
    std::array<AwaitedAcks::Name, batch> names;
    for (std::size_t i = 0; i < count; ++i) {
      const lb::FlowKey& key = keys[first + i];
      names[i] = awaited_.name(destination_of(key), source_of(key), packets[first + i].psn);
      awaited_.prefetch(names[i]);
    }
    for (std::size_t i = 0; i < count; ++i) {
      const auto [psn, opcode, syndrome] = packets[first + i];
      const std::uint64_t hash = hashes[first + i];
      const lb::FlowKey& key = keys[first + i];
      const bool acknowledge = opcode == static_cast<std::uint8_t>(Opcode::rc_acknowledge);
      if (acknowledge && is_ack(syndrome)) {
        acknowledged(hash, key, names[i], now);
      } else if (acknowledge && syndrome == aeth_nak_sequence) {
        if (const Partner* of = troubled(hash, key, now)) paths_[of->path].naks_.add(1);
      } else if (opcode == static_cast<std::uint8_t>(Opcode::cnp)) {
        if (const Partner* of = troubled(hash, key, now)) paths_[of->path].cnps_.add(1);
      }
    }
  }
}

void ReturnTraffic::acknowledged(std::uint64_t hash, const lb::FlowKey& key, AwaitedAcks::Name name,
                                 lb::Nanoseconds now) noexcept {
  const auto packet = awaited_.take(name, now);
  if (!packet) return;
  Partner* partner = nullptr;
  partners_.find_or_insert({&hash, 1}, {&key, 1}, {}, {&partner, 1});
  if (partner == nullptr) {
    counters_.no_room.add(1);
    return;
  }
  partner->last_seen = lb::tick(now);
  if (partner->known && partner->flow == packet->flow) {
    partner->disagreeing = 0;
    partner->path = packet->path;
    if (paths_[packet->path].measure(saturated(between(packet->sent, now)))) {
      troubles_[packet->flow & (troubles_.size() - 1)] = 1;
    }
    return;
  }
  if (partner->known) {
    counters_.other_flow.add(1);
    if (++partner->disagreeing < convinced) return;
  }
  *partner = {.flow = packet->flow, .last_seen = partner->last_seen, .path = packet->path, .known = true};
}

/// A host complains: the flow that this one answers, and where it was last measured.
const ReturnTraffic::Partner* ReturnTraffic::troubled(std::uint64_t hash, const lb::FlowKey& key,
                                                      lb::Nanoseconds now) noexcept {
  Partner* partner = partners_.find(hash, key);
  if (partner == nullptr) {
    counters_.unpaired.add(1);
    return nullptr;
  }
  partner->last_seen = lb::tick(now);
  troubles_[partner->flow & (troubles_.size() - 1)] = 1;
  return partner;
}

bool ReturnTraffic::take_trouble(std::uint64_t hash) noexcept {
  return std::exchange(troubles_[short_name(hash) & (troubles_.size() - 1)], 0) != 0;
}

void ReturnTraffic::sweep(lb::Nanoseconds now) noexcept {
  const auto silent = [&](const auto& flow) {
    return elapsed(flow.last_seen, lb::tick(now)) > parameters_.forget;
  };
  senders_.sweep(now, parameters_.forget, silent);
  partners_.sweep(now, parameters_.forget, silent);
}

}  // namespace braidway::telemetry
