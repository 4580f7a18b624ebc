#include "tests/pipeline/gateway_pair.hpp"

#include <algorithm>
#include <utility>

#include "dataplane/parser.hpp"

namespace braidway::tests {
namespace {

constexpr std::size_t host = 0;
constexpr std::uint64_t ticks_per_ms = 1'000'000;  // a tick is a nanosecond
constexpr std::array<std::int64_t, 2> clocks{0, 77'777'777'777};
constexpr std::size_t bth_offset = 42;  // behind Ethernet, IPv4 and UDP

std::uint32_t big_endian_24(const Bytes& frame, std::size_t at) {
  return std::to_integer<std::uint32_t>(frame[at]) << 16U |
         std::to_integer<std::uint32_t>(frame[at + 1]) << 8U | std::to_integer<std::uint32_t>(frame[at + 2]);
}

}  // namespace

GatewayPair::GatewayPair(std::uint16_t paths, std::uint16_t workers)
    : delay(paths, 10 * us), cut(paths), data_at(paths), workers_(workers) {
  make(0);
  make(1);
}

void GatewayPair::make(std::size_t end) {
  const auto paths = static_cast<std::uint16_t>(delay.size());
  dataplane::GatewaySettings settings = wire_settings(paths, workers_, workers_);
  settings.id = lb::GatewayId{static_cast<std::uint16_t>(end + 1)};
  settings.memory.flows = 1024;
  for (std::size_t port = 1; port < settings.ports.size(); ++port) settings.ports[port].mtu = 1528;
  dataplane::PeerSettings& peer = settings.peers[0];
  peer.id = lb::GatewayId{static_cast<std::uint16_t>(2 - end)};
  peer.policy = lb::Policy::spray;
  peer.stamping = dataplane::Stamping::int_md;
  peer.messages.emplace();
  peer.messages->key.bytes.fill(0x5a);
  ends_[end].reset();
  ends_[end] =
      std::make_unique<Lab>(settings, ticks_per_ms, false, telemetry::BootId{10 * (end + 1) + ++lives_[end]});
}

void GatewayPair::restart(std::size_t end) { make(end); }

void GatewayPair::run(std::int64_t duration, std::uint32_t packets) {
  for (const std::int64_t until = now_ + duration; now_ < until; now_ += turn) {
    send_host_packets(packets);
    for (const std::size_t end : {0U, 1U}) {
      deliver(end);
      ends_[end]->settle(static_cast<std::uint64_t>(now_ + clocks[end]));
      collect(end);
    }
    receive_host_packets();
  }
}

void GatewayPair::send_host_packets(std::uint32_t packets) {
  next_psn_.resize(flows);
  last_psn_.resize(flows, -1);
  for (std::uint32_t i = 0; i < packets; ++i) {
    const auto flow = static_cast<std::uint32_t>(sent++ % flows);
    ends_[0]->send(host, rc_frame(100 + flow, next_psn_[flow]++).payload(200).bytes(),
                   static_cast<std::uint16_t>(flow % workers_));
  }
}

void GatewayPair::deliver(std::size_t end) {
  auto& wire = wires_[end];
  for (auto it = wire.begin(); it != wire.end();) {
    if (it->arrives > now_) {
      ++it;
      continue;
    }
    ends_[end]->send(it->path + 1, it->frame);
    it = wire.erase(it);
  }
}

void GatewayPair::collect(std::size_t end) {
  for (std::size_t path = 0; path < delay.size(); ++path) {
    for (Bytes& frame : ends_[end]->take_all(path + 1)) {
      const dataplane::Parsed parsed = dataplane::parse_frame(frame, frame.size());
      const bool message = parsed.traffic_class == dataplane::TrafficClass::message;
      if (end == 0 && message) {
        messages.emplace_back(frame.begin() + parsed.l4_offset + 8, frame.end());
      }
      if (!message) {
        stamped += parsed.traffic_class == dataplane::TrafficClass::tagged ? 1 : 0;
        if (end == 0) data_at[path] = now_;
        lost += cut[path] ? 1 : 0;
      }
      if (!cut[path]) {
        wires_[1 - end].push_back({.arrives = now_ + delay[path], .path = path, .frame = std::move(frame)});
      }
    }
  }
}

void GatewayPair::receive_host_packets() {
  ends_[0]->take_all(host);
  for (const Bytes& frame : ends_[1]->take_all(host)) {
    const std::size_t flow = big_endian_24(frame, bth_offset + 5) - 100;
    const std::int64_t psn = big_endian_24(frame, bth_offset + 9);
    ++received;
    backwards += psn < last_psn_.at(flow) ? 1 : 0;
    last_psn_.at(flow) = std::max(last_psn_.at(flow), psn);
  }
}

}  // namespace braidway::tests
