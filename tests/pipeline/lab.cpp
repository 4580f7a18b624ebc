#include "tests/pipeline/lab.hpp"

#include <algorithm>
#include <iterator>
#include <span>
#include <stdexcept>

#include <rte_mbuf.h>

#include "dataplane/pipeline.hpp"

namespace braidway::tests {
namespace {

using dataplane::PortRole;

constexpr std::uint16_t data_room = 2048 + RTE_PKTMBUF_HEADROOM;

/// Names of rings and ports must not repeat while EAL runs.
std::string fresh_name(const char* what) {
  static unsigned number = 0;
  return what + std::to_string(number++);
}

}  // namespace

dataplane::GatewaySettings wire_settings(std::uint16_t fabric_ports, std::uint16_t workers,
                                         std::uint16_t queues) {
  dataplane::GatewaySettings settings;
  settings.name = "lab";
  settings.workers.resize(workers);
  settings.ports.push_back(
      {.name = "host0", .role = PortRole::host, .device = {}, .queues = queues, .stall_ms = 1});
  dataplane::PeerSettings peer{.name = "peer", .id = lb::GatewayId{2}, .paths = {}};
  for (std::uint16_t i = 0; i < fabric_ports; ++i) {
    const std::string name = "fabric" + std::to_string(i);
    settings.ports.push_back(
        {.name = name, .role = PortRole::fabric, .device = {}, .queues = queues, .stall_ms = 1});
    peer.paths.push_back({.name = name, .port = static_cast<std::uint16_t>(i + 1), .weight = 1});
  }
  settings.peers.push_back(peer);
  return settings;
}

Lab::Lab(const dataplane::GatewaySettings& settings, std::uint64_t ticks_per_ms, bool flat_only,
         telemetry::BootId boot)
    : settings_(settings),
      ticks_per_ms_(ticks_per_ms),
      boot_(boot),
      up_(settings.ports.size()),
      taps_(settings.ports.size()),
      link_(settings.peers.front(), settings.workers.size(), settings.memory.flows) {
  auto pool = dataplane::create_mempool(fresh_name("lab"), mbufs, data_room, SOCKET_ID_ANY);
  auto rings = dataplane::HandoffRings::create(settings, SOCKET_ID_ANY);
  if (!pool || !rings) {
    throw std::runtime_error(pool ? rings.error() : pool.error());
  }
  pool_ = std::move(*pool);
  rings_ = std::move(*rings);
  for (std::size_t i = 0; i < settings.ports.size(); ++i) {
    auto port = dataplane::RingPort::create(fresh_name("lab"), settings.ports[i].queues,
                                            static_cast<std::uint16_t>(settings.workers.size()), pool_.get());
    if (!port) {
      throw std::runtime_error(port.error());
    }
    up_[i] = true;
    wired_.push_back({.port_id = (*port)->id(),
                      .max_frame_bytes = dataplane::max_frame_bytes_for(settings.ports[i].mtu),
                      .flat_only = flat_only,
                      .up = &up_[i],
                      .tap = &taps_[i]});
    ports_.push_back(std::move(*port));
  }
  table_ = std::make_unique<dataplane::PublishedTable>(
      static_cast<unsigned>(settings.workers.size()),
      std::make_unique<const lb::PathTable>(dataplane::first_path_table(settings_, wired_)));
  for (auto& wiring : wirings()) {
    workers_.push_back(
        std::make_unique<dataplane::Worker>(std::move(wiring), dataplane::Idle::poll, *table_));
  }
}

std::vector<dataplane::WorkerWiring> Lab::wirings() {
  // NOLINTNEXTLINE(bugprone-unchecked-optional-access): the constructor made them
  const auto& rings = rings_.value();
  const dataplane::SharedByLanes shared{.rings = rings, .link = link_, .pool = pool_.get(), .boot = boot_};
  return dataplane::wire_workers(settings_, wired_, shared, ticks_per_ms_);
}

Lab::~Lab() {
  for (const auto& worker : workers_) {
    worker->drop_waiting();
  }
  rings_.reset();
  for (std::size_t port = 0; port < ports_.size(); ++port) {
    take_all(port);
    for (std::uint16_t queue = 0; queue < settings_.ports[port].queues; ++queue) {
      void* packet = nullptr;
      while (rte_ring_dequeue(ports_[port]->incoming(queue), &packet) == 0) {
        rte_pktmbuf_free(static_cast<rte_mbuf*>(packet));
      }
    }
  }
  EXPECT_EQ(rte_mempool_avail_count(pool_.get()), mbufs) << "buffers leak";
}

void Lab::send(std::size_t port, const Bytes& frame, std::uint16_t queue, std::size_t segment_bytes) {
  rte_mbuf* packet = nullptr;
  std::span<const std::byte> left(frame);
  do {
    rte_mbuf* segment = rte_pktmbuf_alloc(pool_.get());
    ASSERT_NE(segment, nullptr) << "no buffers left";
    const std::size_t room = rte_pktmbuf_tailroom(segment);
    const auto bytes = std::min({left.size(), room, segment_bytes == 0 ? room : segment_bytes});
    auto* data = reinterpret_cast<std::byte*>(rte_pktmbuf_append(segment, static_cast<std::uint16_t>(bytes)));
    std::ranges::copy(left.first(bytes), data);
    left = left.subspan(bytes);
    if (packet == nullptr) {
      packet = segment;
    } else {
      ASSERT_EQ(rte_pktmbuf_chain(packet, segment), 0);
    }
  } while (!left.empty());
  if (rte_ring_enqueue(ports_[port]->incoming(queue), packet) != 0) {
    rte_pktmbuf_free(packet);
    FAIL() << "the wire is full";
  }
}

bool Lab::turn(std::uint64_t now) {
  bool moved = false;
  for (const auto& worker : workers_) {
    moved = worker->turn(now) || moved;
  }
  return moved;
}

void Lab::settle(std::uint64_t now) {
  while (turn(now)) {
  }
}

Frames Lab::take(std::size_t port, std::uint16_t queue, std::size_t most) {
  Frames frames;
  void* object = nullptr;
  while (frames.size() < most && rte_ring_dequeue(ports_[port]->outgoing(queue), &object) == 0) {
    auto* packet = static_cast<rte_mbuf*>(object);
    auto& frame = frames.emplace_back(packet->pkt_len);
    const auto* data =
        static_cast<const std::byte*>(rte_pktmbuf_read(packet, 0, packet->pkt_len, frame.data()));
    if (data != frame.data()) {
      std::copy_n(data, frame.size(), frame.data());
    }
    rte_pktmbuf_free(packet);
  }
  return frames;
}

Frames Lab::take_all(std::size_t port) {
  Frames frames;
  for (std::size_t queue = 0; queue < settings_.workers.size(); ++queue) {
    std::ranges::move(take(port, static_cast<std::uint16_t>(queue)), std::back_inserter(frames));
  }
  return frames;
}

std::size_t Lab::queued(std::size_t port, std::uint16_t queue) const {
  return rte_ring_count(ports_[port]->outgoing(queue));
}

std::size_t Lab::unreceived(std::size_t port, std::uint16_t queue) const {
  return rte_ring_count(ports_[port]->incoming(queue));
}

void Lab::set_path(std::size_t port, bool live) {
  const auto path = lb::PathId{static_cast<std::uint8_t>(port - 1)};
  table_->publish(std::make_unique<const lb::PathTable>(table_->current().with_liveness(0, path, live)));
}

DropCounts Lab::drops() const {
  DropCounts sum;
  for (const auto& worker : workers_) {
    for (const auto& [reason, count] : drop_counts(worker->counters())) {
      sum[reason] += count;
    }
  }
  return sum;
}

DropCounts drop_counts(const dataplane::LaneCounters& counters) {
  DropCounts counts;
  for (std::size_t i = 0; i < dataplane::drop_total; ++i) {
    if (const auto count = counters.drops[i].get(); count > 0) {
      counts[std::string(dataplane::drop_names[i].reason)] = count;
    }
  }
  return counts;
}

}  // namespace braidway::tests
