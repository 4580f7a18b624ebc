// The two ends of the traffic program joined by two wires in memory, with a virtual clock and faults on
// demand.
#pragma once

#include <array>
#include <cstddef>
#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "bench/traffic/report.hpp"

namespace braidway::bench::traffic {

using Bytes = std::vector<std::byte>;

enum class Fault : std::uint8_t { none, drop, duplicate, corrupt, overtake };

/// Says what happens to the n-th frame of a direction (0: towards the server, 1: towards the client).
using FaultPlan = std::function<Fault(std::size_t direction, std::uint64_t n, const Bytes& frame)>;

class BackToBack {
 public:
  explicit BackToBack(const Schedule& schedule, IpVersion ip = IpVersion::v4, const Pace& pace = {},
                      bool both_ways = false)
      : there{Route{client_endpoint, server_endpoint, ip}, server_qpn_base, schedule.qps,
              2 * ledger_depth(schedule, pace)},
        back{Route{server_endpoint, client_endpoint, ip}, client_qpn_base, schedule.qps,
             2 * ledger_depth(schedule, pace)},
        client{both_ways ? Role::both : Role::requests, schedule, pace, there, back},
        server{both_ways ? Role::both : Role::responds, schedule, pace, back, there} {}

  FaultPlan plan = [](std::size_t, std::uint64_t, const Bytes&) { return Fault::none; };
  /// Every frame as it was sent, both directions, if wanted.
  std::function<void(std::size_t direction, const Bytes&)> tap = [](std::size_t, const Bytes&) {};

  /// Runs until `messages` are complete, then drains; gives up after 100 s of virtual time.
  Results run(std::uint64_t messages) {
    bool finished = false;
    for (; now_ < 100'000'000'000 && !finished; now_ += 10'000) {
      const lb::Nanoseconds now{now_};
      client.tick(now);
      server.tick(now);
      send(0, [&](std::span<std::byte> buffer) { return client.poll(now, buffer); });
      deliver(0, [&](const Bytes& frame) { server.receive(now, frame); });
      send(1, [&](std::span<std::byte> buffer) { return server.poll(now, buffer); });
      deliver(1, [&](const Bytes& frame) { client.receive(now, frame); });
      if (complete() >= messages) {
        client.stop();
        server.stop();
      }
      finished = complete() >= messages && client.drained() && server.drained() && wires_[0].empty() &&
                 wires_[1].empty();
    }
    Results results = collect(there, back, client, server);
    results.finished = finished;
    return results;
  }
  double virtual_seconds() const { return static_cast<double>(now_) / 1e9; }

  Channel there;  ///< from the client to the server
  Channel back;
  Host client;
  Host server;

 private:
  static constexpr std::size_t burst = 32;

  std::uint64_t complete() const { return collect(there, back, client, server).messages; }

  template <class Poll>
  void send(std::size_t direction, Poll&& poll) {
    std::array<std::byte, 9000> buffer;
    for (std::size_t count = 0; count < burst; ++count) {
      const std::size_t size = poll(std::span{buffer});
      if (size == 0) break;
      Bytes frame{buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)};
      tap(direction, frame);
      auto& wire = wires_[direction];
      switch (plan(direction, numbers_[direction]++, frame)) {
        case Fault::none:
          wire.push_back(std::move(frame));
          break;
        case Fault::drop:
          break;
        case Fault::duplicate:
          wire.push_back(frame);
          wire.push_back(std::move(frame));
          break;
        case Fault::corrupt:
          frame[frame.size() - 5] ^= std::byte{0x10};  // the last byte before the ICRC
          wire.push_back(std::move(frame));
          break;
        case Fault::overtake:
          wire.insert(wire.empty() ? wire.end() : wire.end() - 1, std::move(frame));
          break;
      }
    }
  }
  template <class Take>
  void deliver(std::size_t direction, Take&& take) {
    while (!wires_[direction].empty()) {
      take(wires_[direction].front());
      wires_[direction].pop_front();
    }
  }

  std::array<std::deque<Bytes>, 2> wires_;
  std::array<std::uint64_t, 2> numbers_{};
  std::int64_t now_ = 0;
};

}  // namespace braidway::bench::traffic
