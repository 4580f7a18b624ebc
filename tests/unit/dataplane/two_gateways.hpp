// Two gateways' messengers and what lies between them, in virtual time: paths with delays that can be cut,
// and tagged packets that are counted and metered as lanes would.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "dataplane/messenger.hpp"
#include "dataplane/peer_link.hpp"
#include "telemetry/int_md.hpp"
#include "telemetry/path_meter.hpp"

namespace braidway::tests {

inline constexpr std::int64_t us = 1'000;
inline constexpr std::int64_t ms = 1'000'000;

using Payload = std::vector<std::byte>;

/// One gateway's end: a messenger, and the lanes' counts and meters.
class End {
 public:
  End(std::uint16_t id, std::uint16_t peer, std::size_t paths, std::uint64_t boot, std::int64_t clock,
      std::size_t lanes = 2)
      : settings_(settings(id, peer, paths)), link(settings_.peers.front(), lanes), clock_(clock) {
    for (std::size_t i = 0; i < lanes; ++i) {
      meters_.push_back(std::make_unique<telemetry::PathMeters>(
          std::array{telemetry::PathMeters::Peer{paths, &link.clock}}, 0));
      pointers_.push_back(meters_.back().get());
    }
    messenger = std::make_unique<dataplane::Messenger>(settings_, telemetry::BootId{boot}, link, pointers_);
  }

  static dataplane::GatewaySettings settings(std::uint16_t id, std::uint16_t peer, std::size_t paths) {
    dataplane::GatewaySettings settings;
    settings.id = lb::GatewayId{id};
    dataplane::PeerSettings& to = settings.peers.emplace_back();
    to.id = lb::GatewayId{peer};
    to.policy = lb::Policy::spray;
    to.stamping = dataplane::Stamping::int_md;
    to.messages.emplace();
    to.messages->key.bytes.fill(0x5a);
    for (std::uint16_t i = 0; i < paths; ++i) {
      to.paths.push_back({.name = "p", .port = static_cast<std::uint16_t>(i + 1)});
    }
    return settings;
  }
  /// This gateway's clock, which runs apart from the other's.
  [[nodiscard]] lb::Nanoseconds at(std::int64_t now) const { return lb::Nanoseconds{now + clock_}; }
  /// A tagged packet leaves by lane and path; answers its departure.
  std::uint32_t send(std::size_t lane, std::size_t path, std::int64_t now) {
    dataplane::SentCounts& sent = link.lane_news[lane]->sent;
    sent.begin(at(now));
    sent.count(static_cast<lb::PathId>(path));
    return static_cast<std::uint32_t>(static_cast<std::uint64_t>(lb::value(at(now))));
  }
  void receive(std::size_t lane, std::size_t path, std::uint32_t departure, std::int64_t now) {
    std::array<std::byte, 4> stack;
    telemetry::store_hop(stack.data(), telemetry::int_egress_utilisation,
                         {.egress_utilisation = utilisation.value_or(0)});
    const telemetry::PathSample sample{
        .meter = static_cast<std::uint32_t>(path),
        .departure = departure,
        .bytes = 1'000,
        .stack = {stack.data(), telemetry::int_egress_utilisation, utilisation ? std::size_t{1} : 0}};
    meters_[lane]->measure({&sample, 1}, at(now));
  }
  telemetry::PathMeter& meter(std::size_t lane, std::size_t path) {
    return meters_[lane]->at(static_cast<std::uint32_t>(path));
  }
  [[nodiscard]] lb::PathState state(std::size_t path) const { return link.paths[path].state; }
  [[nodiscard]] std::uint64_t verdicts(telemetry::Verdict verdict) const {
    return messenger->counts().verdicts[static_cast<std::size_t>(verdict)].get();
  }
  [[nodiscard]] std::uint64_t defects(telemetry::MessageDefect defect) const {
    return messenger->counts().defects[static_cast<std::size_t>(defect)].get();
  }

 private:
  dataplane::GatewaySettings settings_;

 public:
  dataplane::PeerLink link;
  std::unique_ptr<dataplane::Messenger> messenger;
  std::optional<std::uint32_t> utilisation;  ///< that a hop on every path tells in what comes, percent

 private:
  std::int64_t clock_;
  std::vector<std::unique_ptr<telemetry::PathMeters>> meters_;
  std::vector<telemetry::PathMeters*> pointers_;
};

class TwoGateways {
 public:
  static constexpr std::int64_t turn = 10 * us;
  /// Of data and messages from one end to the other.
  struct Flight {
    std::int64_t arrives;
    std::size_t path;
    Payload message;  ///< empty: a tagged packet
    std::size_t lane = 0;
    std::uint32_t departure = 0;
  };

  explicit TwoGateways(std::size_t paths)
      : delay(paths, 5 * us), cut(paths), loops(paths), ends{boot(0, 11), boot(1, 22)} {
    for (auto& sent : data_sent) sent.resize(paths);
  }
  std::unique_ptr<End> boot(std::size_t end, std::uint64_t id) const {
    return end == 0 ? std::make_unique<End>(1, 2, delay.size(), id, 7 * ms)
                    : std::make_unique<End>(2, 1, delay.size(), id, 1'234'567 * ms);
  }
  End& a() { return *ends[0]; }
  End& b() { return *ends[1]; }

  /// Until `duration` has passed. `packets`: of data a turn, from each end by each path that has a share,
  /// once the other restores order.
  void run(std::int64_t duration, int packets = 0) {
    for (const std::int64_t until = now + duration; now < until; now += turn) {
      for (std::size_t end = 0; end < 2; ++end) {
        arrive(end);
        if (!silent[end]) talk(end, packets);
      }
    }
  }
  /// A copy of each message to that end, as the wire had them.
  std::vector<Payload> heard[2];

  std::int64_t now = 1'000 * ms;
  std::vector<std::int64_t> delay;             ///< by path
  std::vector<bool> cut;                       ///< by path: nothing passes, either way
  std::vector<bool> loops;                     ///< by path: everything comes back to who sent it, too
  bool silent[2] = {};                         ///< by end: it sends nothing
  std::vector<std::int64_t> data_sent[2];      ///< by end and path: when data was last sent
  std::vector<std::uint32_t> loses_each = {};  ///< by path: every so many data packets, 0 never

 private:
  void arrive(std::size_t end) {
    auto& wire = wires_[end];
    for (auto it = wire.begin(); it != wire.end();) {
      if (it->arrives > now) {
        ++it;
        continue;
      }
      if (it->message.empty()) {
        ends[end]->receive(it->lane, it->path, it->departure, now);
      } else {
        heard[end].push_back(it->message);
        ends[end]->messenger->receive(it->message, static_cast<std::uint16_t>(it->path + 1),
                                      ends[end]->at(now));
      }
      it = wire.erase(it);
    }
  }
  void talk(std::size_t end, int packets) {
    End& self = *ends[end];
    for (std::size_t path = 0; path < delay.size(); ++path) {
      if (self.link.paths[path].share <= 0 || !self.link.restores_order) continue;
      for (int i = 0; i < packets; ++i) {
        const std::size_t lane = static_cast<std::size_t>(i) % self.link.lane_news.size();
        const std::uint32_t departure = self.send(lane, path, now);
        data_sent[end][path] = now;
        const bool lost = path < loses_each.size() && loses_each[path] > 0 && ++data_ % loses_each[path] == 0;
        if (!lost)
          put(end, {.arrives = 0, .path = path, .message = {}, .lane = lane, .departure = departure});
      }
    }
    self.messenger->advance(self.at(now));
    std::array<std::byte, telemetry::most_message_bytes> buffer;
    while (const auto due = self.messenger->next(self.at(now), buffer, [](lb::PathId) { return true; })) {
      put(end, {.arrives = 0,
                .path = lb::value(due->path),
                .message = {buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(due->bytes)}});
    }
  }
  void put(std::size_t from, Flight flight) {
    if (cut[flight.path]) return;
    flight.arrives = now + delay[flight.path];
    if (loops[flight.path]) wires_[from].push_back(flight);
    wires_[1 - from].push_back(std::move(flight));
  }

 public:
  std::unique_ptr<End> ends[2];

 private:
  std::deque<Flight> wires_[2];  ///< towards each end
  std::uint32_t data_ = 0;
};

}  // namespace braidway::tests
