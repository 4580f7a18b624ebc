#include "bench/wire/wire.hpp"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <sched.h>
#include <unistd.h>

#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "bench/wire/clock.hpp"
#include "dataplane/burst.hpp"
#include "dataplane/device.hpp"
#include "dataplane/hugepage_turn.hpp"

namespace braidway::bench::wire {
namespace {

using Outcome = tl::expected<void, std::string>;

/// EAL's own heap and the rings of the ports.
constexpr std::uint32_t base_mib = 40;
/// mbuf header, mempool object header, private area.
constexpr std::uint64_t mbuf_overhead = 128 + 64 + 64 + dataplane::mbuf_private_bytes;
/// Caches of two lcores, full, and bursts in hand.
constexpr std::uint32_t spare_mbufs = 2048;

/// All that directions and ports can hold at once: no path can take another's buffers.
std::uint32_t mbufs_for(const Settings& settings) {
  std::uint32_t mbufs = spare_mbufs;
  for (const PathSettings& path : settings.paths) mbufs += 2 * path.frames + 4U * settings.descriptors;
  return mbufs;
}

std::uint32_t memory_mib_for(const Settings& settings) {
  const std::uint64_t pool = mbufs_for(settings) * (mbuf_overhead + dataplane::data_room_for(settings.mtu));
  return base_mib + static_cast<std::uint32_t>((pool + pool / 8) >> 20U);
}

std::vector<std::string> pci_devices_of(const Settings& settings) {
  std::vector<std::string> devices;
  for (const PathSettings& path : settings.paths) {
    for (const std::string& device : path.devices) {
      const auto word = dataplane::parse_device_word(device);
      if (word && word->kind == dataplane::DeviceKind::pci) devices.push_back(word->argument);
    }
  }
  return devices;
}

std::uint16_t last_allowed_core() {
  cpu_set_t set;
  CPU_ZERO(&set);
  sched_getaffinity(0, sizeof set, &set);
  std::uint16_t last = 0;
  for (std::uint16_t core = 0; core < CPU_SETSIZE; ++core) last = CPU_ISSET(core, &set) ? core : last;
  return last;
}

}  // namespace

tl::expected<std::unique_ptr<Wire>, std::string> Wire::start(const Settings& settings) {
  auto wire = std::unique_ptr<Wire>(new Wire(settings));
  for (const auto step : {&Wire::start_eal, &Wire::open_ports, &Wire::start_loop}) {
    if (auto done = ((*wire).*step)(); !done) return tl::unexpected(done.error());
  }
  return wire;
}

Outcome Wire::start_eal() {
  const std::uint32_t need_mib = memory_mib_for(settings_);
  const auto turn = settings_.hugepages ? dataplane::hugepage_turn() : dataplane::UniqueFd{};
  const bool hugepages = settings_.hugepages && dataplane::free_hugepage_mib() >= need_mib;
  if (settings_.hugepages && !hugepages) {
    std::cerr << "braidway-wire: " << need_mib << " MiB of hugepages are needed and "
              << dataplane::free_hugepage_mib() << " MiB are free: running without, more slowly\n";
  }
  auto eal = dataplane::Eal::start({.name = "wire-" + std::to_string(getpid()),
                                    .worker_cores = {settings_.core.value_or(last_allowed_core())},
                                    .control_cores = {},
                                    .pci_devices = pci_devices_of(settings_),
                                    .memory_mib = need_mib,
                                    .limit_mib = need_mib,
                                    .hugepages = hugepages,
                                    .telemetry = false});
  if (!eal) return tl::unexpected(eal.error());
  eal_ = std::make_unique<dataplane::Eal>(std::move(*eal));
  auto pool = dataplane::create_mempool("frames", mbufs_for(settings_),
                                        dataplane::data_room_for(settings_.mtu), SOCKET_ID_ANY);
  if (!pool) return tl::unexpected(pool.error());
  pool_ = std::move(*pool);
  return {};
}

Outcome Wire::open_ports() {
  for (const PathSettings& path : settings_.paths) {
    for (std::size_t end = 0; end < end_names.size(); ++end) {
      const std::string name = path.name + "." + std::string{end_names[end]};
      const dataplane::PortSettings port{.name = name,
                                         .device = path.devices[end],
                                         .mtu = settings_.mtu,
                                         .descriptors = settings_.descriptors};
      auto opened = dataplane::Port::open(port, static_cast<unsigned>(ports_.size()), pool_.get());
      if (!opened) return tl::unexpected("end " + name + ": " + opened.error());
      ports_.push_back(std::move(*opened));
    }
  }
  return {};
}

Outcome Wire::start_loop() {
  std::vector<dataplane::LinkMonitor::Port> watched;
  watched.reserve(ports_.size());
  for (const auto& port : ports_) watched.push_back({.port_id = port->id(), .interface = port->interface()});
  auto links = dataplane::LinkMonitor::create(
      std::move(watched), [this](std::uint16_t port_id, bool up) { link_changed(port_id, up); });
  if (!links) return tl::unexpected(links.error());
  links_ = std::move(*links);
  for (std::size_t path = 0; path < settings_.paths.size(); ++path) {
    dataplane::Port& a = *ports_[2 * path];
    dataplane::Port& b = *ports_[2 * path + 1];
    directions_.push_back(std::make_unique<Direction>(settings_, path, 0, a, b));
    directions_.push_back(std::make_unique<Direction>(settings_, path, 1, b, a));
  }
  if (auto told = tick(); !told) return told;
  loop_ = std::make_unique<PacketLoop>(directions_, settings_.sleep);
  if (rte_eal_remote_launch(run_loop, loop_.get(), dataplane::Eal::lcore_of(0)) != 0) {
    return tl::unexpected<std::string>("the packet loop could not be started; is its core still there?");
  }
  return {};
}

int Wire::run_loop(void* loop) {
  static_cast<PacketLoop*>(loop)->run();
  return 0;
}

Wire::~Wire() {
  if (loop_) loop_->stop();
  if (eal_) rte_eal_mp_wait_lcore();
  links_.reset();
  directions_.clear();
  // A port may hold buffers that it has not sent yet: all close before the pool goes.
  for (const auto& port : ports_) port->close();
}

void Wire::link_changed(std::uint16_t port_id, bool up) {
  const auto port = std::ranges::find(ports_, port_id, [](const auto& each) { return each->id(); });
  if (port != ports_.end()) (*port)->up().store(up, std::memory_order_relaxed);
}

void Wire::set(std::size_t path, const std::array<Parameters, 2>& directions) {
  loop_->between_turns([&] {
    const lb::Nanoseconds now = steady_now();
    for (std::size_t i = 0; i < directions.size(); ++i) directions_[2 * path + i]->set(directions[i], now);
  });
}

std::vector<PathState> Wire::state() {
  std::vector<PathState> paths(settings_.paths.size());
  loop_->between_turns([&] {
    for (std::size_t i = 0; i < directions_.size(); ++i)
      paths[i / 2].directions[i % 2] = directions_[i]->state();
  });
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    paths[i / 2].up[i % 2] = ports_[i]->up().load(std::memory_order_relaxed);
  }
  return paths;
}

Outcome Wire::tick() {
  const auto told = links_->poll_once(std::chrono::milliseconds{0});
  if (!told) return tl::unexpected(told.error());
  return {};
}

}  // namespace braidway::bench::wire
