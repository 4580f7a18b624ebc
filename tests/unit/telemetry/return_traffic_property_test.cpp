// Queue pairs that lose packets and ACKs, go back N, time out, coalesce ACKs and change their paths: whatever
// is measured is a packet's true round trip over the path it took.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "telemetry/return_traffic.hpp"

namespace braidway::telemetry {
namespace {

constexpr std::int64_t us = 1'000;
constexpr std::uint16_t path_count = 4;
constexpr std::uint32_t psn_mask = 0xff'ffff;

/// Each path has a round trip of its own, so that a measurement shows whether it is true. They are in no
/// order, or what is sent later would never arrive earlier.
constexpr std::array<std::int64_t, path_count> round_trips{31 * us, 12 * us, 57 * us, 23 * us};

enum class Kind : std::uint8_t { data, ack, nak, cnp };
struct Event {
  Kind kind = Kind::data;
  std::size_t pair = 0;
  std::uint32_t psn = 0;
  bool ack_requested = false;
  std::uint16_t path = 0;
};

struct QueuePair {
  std::uint32_t next = 0;      ///< to be sent
  std::uint32_t unacked = 0;   ///< first that is not acknowledged
  std::uint32_t expected = 0;  ///< at the receiver
  bool refused = false;        ///< the receiver has sent its NAK
  std::uint16_t path = 0;
  std::int64_t progress = 0;  ///< when `unacked` last moved
};

struct Rates {
  std::uint32_t lost = 0;  ///< of 1,000: packets, and ACKs
  std::uint32_t coalesced = 0;
  std::uint32_t moves = 0;
};

std::int32_t ahead(std::uint32_t from, std::uint32_t to) {
  return static_cast<std::int32_t>((to - from) << 8U) >> 8;
}

class World {
 public:
  World(std::size_t pairs, const Rates& rates, std::uint64_t seed)
      : rates_(rates),
        random_(seed),
        pairs_(pairs),
        traffic_(path_count, {.flows = 100, .patience = lb::Nanoseconds{200 * us}}) {
    for (QueuePair& pair : pairs_) {
      pair.next = below(psn_mask + 1);
      pair.unacked = pair.next;
      pair.expected = pair.next;
    }
  }

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      now_ += below(2 * us);
      while (!events_.empty() && events_.begin()->first <= now_) {
        const auto [time, event] = *events_.begin();
        events_.erase(events_.begin());
        const std::int64_t later = now_;
        now_ = time;
        handle(event);
        now_ = later;
      }
      send(below(static_cast<std::uint32_t>(pairs_.size())));
    }
  }
  [[nodiscard]] std::uint64_t measured() { return count(&ReturnMeter::rtts); }
  [[nodiscard]] std::uint64_t naks() { return count(&ReturnMeter::naks); }
  [[nodiscard]] std::uint64_t cnps() { return count(&ReturnMeter::cnps); }
  [[nodiscard]] std::uint64_t unpaired() const { return traffic_.counters().unpaired.get(); }

  std::uint64_t naks_heard = 0;
  std::uint64_t cnps_heard = 0;
  std::uint64_t wrong = 0;  ///< measurements that are no path's round trip

 private:
  template <typename Of>
  std::uint64_t count(Of of) {
    std::uint64_t sum = 0;
    for (std::uint16_t i = 0; i < path_count; ++i) sum += (traffic_.path(i).*of)();
    return sum;
  }
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>(random_() % bound); }
  bool happens(std::uint32_t permille) { return below(1'000) < permille; }

  void send(std::size_t number) {
    QueuePair& pair = pairs_[number];
    if (ahead(pair.unacked, pair.next) > 0 && now_ - pair.progress > 500 * us) {
      pair.next = pair.unacked;
      pair.progress = now_;
    }
    if (ahead(pair.unacked, pair.next) >= 32) return;
    if (happens(rates_.moves)) pair.path = static_cast<std::uint16_t>(below(path_count));
    if (pair.next == pair.unacked) pair.progress = now_;
    const Event event{.pair = number, .psn = pair.next, .ack_requested = below(4) == 0, .path = pair.path};
    pair.next = (pair.next + 1) & psn_mask;
    const auto key =
        lb::rocev2_key(lb::ipv4(1), lb::ipv4(2), lb::Qpn{static_cast<std::uint32_t>(number) + 1'000});
    const std::uint64_t hash = lb::hash(key, 3);
    const SentPacket packet{.psn = event.psn,
                            .path = event.path,
                            .opcode = static_cast<std::uint8_t>(Opcode::rc_send_middle),
                            .ack_requested = event.ack_requested};
    traffic_.sent({&hash, 1}, {&key, 1}, {&packet, 1}, lb::Nanoseconds{now_});
    if (!happens(rates_.lost)) events_.emplace(now_ + round_trips[event.path] / 2, event);
  }

  void handle(const Event& event) {
    QueuePair& pair = pairs_[event.pair];
    if (event.kind == Kind::data) return receive(event, pair);
    hear(event);
    if (event.kind == Kind::cnp) return;
    const std::uint32_t up_to = event.kind == Kind::ack ? (event.psn + 1) & psn_mask : event.psn;
    if (ahead(pair.unacked, up_to) > 0) {
      pair.unacked = up_to;
      pair.progress = now_;
    }
    if (event.kind == Kind::nak || ahead(pair.unacked, pair.next) < 0) pair.next = pair.unacked;
  }

  void receive(const Event& event, QueuePair& pair) {
    if (happens(10)) answer(event, Kind::cnp, 0);
    const std::int32_t gap = ahead(pair.expected, event.psn);
    if (gap > 0) {
      if (!pair.refused) answer(event, Kind::nak, pair.expected);
      pair.refused = true;
      return;
    }
    if (gap == 0) {
      pair.expected = (pair.expected + 1) & psn_mask;
      pair.refused = false;
    }
    if ((event.ack_requested && !happens(rates_.coalesced)) || gap < 0) {
      answer(event, Kind::ack, (pair.expected - 1) & psn_mask);
    }
  }
  void answer(const Event& to, Kind kind, std::uint32_t psn) {
    if (happens(rates_.lost)) return;
    events_.emplace(now_ + round_trips[to.path] - round_trips[to.path] / 2,
                    Event{.kind = kind, .pair = to.pair, .psn = psn});
  }

  void hear(const Event& event) {
    naks_heard += event.kind == Kind::nak ? 1 : 0;
    cnps_heard += event.kind == Kind::cnp ? 1 : 0;
    const Opcode opcode = event.kind == Kind::cnp ? Opcode::cnp : Opcode::rc_acknowledge;
    const auto key =
        lb::rocev2_key(lb::ipv4(2), lb::ipv4(1), lb::Qpn{static_cast<std::uint32_t>(event.pair)});
    const std::uint64_t hash = lb::hash(key, 3);
    const ReturnedPacket packet{.psn = event.psn,
                                .opcode = static_cast<std::uint8_t>(opcode),
                                .syndrome = event.kind == Kind::nak ? aeth_nak_sequence : aeth_ack};
    traffic_.returned({&hash, 1}, {&key, 1}, {&packet, 1}, lb::Nanoseconds{now_});
    for (std::uint16_t i = 0; i < path_count; ++i) {
      const auto rtt = traffic_.path(i).take_rtts();
      if (rtt) wrong += rtt->least != round_trips[i] || rtt->most != round_trips[i] ? 1 : 0;
    }
  }

  Rates rates_;
  std::mt19937_64 random_;
  std::vector<QueuePair> pairs_;
  std::multimap<std::int64_t, Event> events_;
  std::int64_t now_ = 0;
  ReturnTraffic traffic_;
};

RC_GTEST_PROP(ReturnTrafficProperty, EveryMeasurementIsATrueRoundTripOfItsPath, ()) {
  const Rates rates{.lost = *rc::gen::element(0U, 1U, 20U, 100U),
                    .coalesced = *rc::gen::element(0U, 300U, 900U),
                    .moves = *rc::gen::element(0U, 10U)};
  const auto pairs = *rc::gen::inRange<std::size_t>(1, 20);
  World world(pairs, rates, *rc::gen::arbitrary<std::uint64_t>());
  world.run(3'000);
  RC_ASSERT(world.wrong == 0U);
  RC_ASSERT(world.naks() + world.cnps() + world.unpaired() == world.naks_heard + world.cnps_heard);
  if (rates.lost + rates.coalesced + rates.moves == 0) RC_ASSERT(world.measured() > 50U);
}

}  // namespace
}  // namespace braidway::telemetry
