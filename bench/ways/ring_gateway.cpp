#include "bench/ways/ring_gateway.hpp"

#include <stdexcept>

#include <rte_cycles.h>

#include "dataplane/mempool.hpp"
#include "dataplane/wiring.hpp"

namespace braidway::bench::ways {
namespace {

constexpr std::uint16_t host_mtu = 1500;

dataplane::GatewaySettings settings_of(const std::string& name, std::uint16_t self, std::uint16_t peer,
                                       lb::Policy policy) {
  dataplane::GatewaySettings settings;
  settings.name = name;
  settings.id = lb::GatewayId{self};
  settings.workers.resize(1);
  settings.ports.push_back(
      {.name = "host", .role = dataplane::PortRole::host, .device = {}, .mtu = host_mtu});
  dataplane::PeerSettings& to = settings.peers.emplace_back();
  to.name = "peer";
  to.id = lb::GatewayId{peer};
  to.policy = policy;
  to.stamping = policy == lb::Policy::pinned ? dataplane::Stamping::none : dataplane::Stamping::int_md;
  for (std::uint16_t i = 1; i <= RingGateway::paths; ++i) {
    const std::string port = "fabric" + std::to_string(i);
    settings.ports.push_back({.name = port,
                              .role = dataplane::PortRole::fabric,
                              .device = {},
                              .mtu = host_mtu + telemetry::int_min_bytes});
    to.paths.push_back({.name = port, .port = i});
  }
  return settings;
}

}  // namespace

RingGateway::RingGateway(const std::string& name, std::uint16_t self, std::uint16_t peer, lb::Policy policy,
                         rte_mempool* pool, std::uint64_t tsc_hz)
    : settings_(settings_of(name, self, peer, policy)), link_(settings_.peers.front(), 1) {
  auto rings = dataplane::HandoffRings::create(settings_, SOCKET_ID_ANY);
  if (!rings) throw std::runtime_error(rings.error());
  rings_ = std::move(*rings);
  std::vector<dataplane::WiredPort> wired;
  for (const dataplane::PortSettings& port : settings_.ports) {
    auto made = dataplane::RingPort::create(name + port.name, 1, 1, pool);
    if (!made) throw std::runtime_error(made.error());
    wired.push_back({.port_id = (*made)->id(),
                     .max_frame_bytes = dataplane::max_frame_bytes_for(port.mtu),
                     .flat_only = false,
                     .up = &up_,
                     .tap = &taps_[ports_.size()]});
    ports_.push_back(std::move(*made));
  }
  table_ = std::make_unique<dataplane::PublishedTable>(
      1U, std::make_unique<const lb::PathTable>(dataplane::first_path_table(settings_, wired)));
  auto wirings = dataplane::wire_workers(settings_, wired, {.rings = *rings_, .link = link_, .pool = pool},
                                         tsc_hz / 1000);
  worker_ = std::make_unique<dataplane::Worker>(std::move(wirings.front()), dataplane::Idle::poll, *table_);
}

RingGateway::~RingGateway() { worker_->drop_waiting(); }

void RingGateway::receive(std::size_t port, const Packets& packets) {
  for (rte_mbuf* packet : packets) {
    if (rte_ring_enqueue(ports_[port]->incoming(0), packet) != 0)
      throw std::runtime_error("the wire is full");
  }
}

std::uint64_t RingGateway::turn() noexcept {
  const std::uint64_t begin = rte_rdtsc_precise();
  worker_->turn(begin);
  return rte_rdtsc_precise() - begin;
}

void RingGateway::take(std::size_t port, Packets& out) {
  void* packet = nullptr;
  while (rte_ring_dequeue(ports_[port]->outgoing(0), &packet) == 0)
    out.push_back(static_cast<rte_mbuf*>(packet));
}

}  // namespace braidway::bench::ways
