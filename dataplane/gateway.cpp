#include "dataplane/gateway.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <spdlog/spdlog.h>

#include "dataplane/capture.hpp"
#include "dataplane/eal.hpp"
#include "dataplane/handoff_rings.hpp"
#include "dataplane/hugepage_turn.hpp"
#include "dataplane/link_monitor.hpp"
#include "dataplane/machine_needs.hpp"
#include "dataplane/peer_link.hpp"
#include "dataplane/port.hpp"
#include "dataplane/published_table.hpp"
#include "dataplane/wiring.hpp"
#include "dataplane/worker.hpp"
#include "dataplane/worker_path_view.hpp"

namespace braidway::dataplane {
namespace {

std::string_view name_of(LinkSource source) {
  switch (source) {
    case LinkSource::interrupt:
      return "interrupt";
    case LinkSource::netlink:
      return "netlink";
    case LinkSource::poll:
      break;
  }
  return "poll";
}

telemetry::BootId new_boot_id() {
  std::random_device random;
  std::uint64_t id = 0;
  while (id == 0) {
    id = std::uint64_t{random()} << 32U | random();
  }
  return telemetry::BootId{id};
}

}  // namespace

Gateway::Gateway(GatewaySettings settings) : settings_(std::move(settings)) {}

void Gateway::wake() noexcept { links_->wake(); }

int Gateway::run_worker(void* call) {
  const auto& of = *static_cast<const WorkerCall*>(call);
  of.worker->run(*of.stop);
  return 0;
}

tl::expected<std::unique_ptr<Gateway>, StartError> Gateway::start(const GatewaySettings& settings) {
  auto gateway = std::unique_ptr<Gateway>(new Gateway(settings));
  for (const auto step : {&Gateway::start_eal, &Gateway::open_ports, &Gateway::start_workers}) {
    // What has been started goes down in reverse order with the object.
    if (auto error = ((*gateway).*step)()) {
      return tl::unexpected(std::move(*error));
    }
  }
  return gateway;
}

std::optional<StartError> Gateway::start_eal() {
  for (std::size_t port = 0; port < settings_.ports.size(); ++port) {
    if (!settings_.ports[port].device) {
      return StartError{"it has no device; name one to run it", port};
    }
  }
  if (by_tunnels(settings_.peers.front())) {
    return StartError{"it is a tunnel's; tunnels are for braidway replay until there is a routed mode",
                      settings_.peers.front().paths.front().port};
  }
  if (const auto mbufs = settings_.memory.mbufs; mbufs != 0 && mbufs < least_mbufs) {
    return StartError{"memory.mbufs is " + std::to_string(mbufs) +
                          ", which starves the ports; write at least " + std::to_string(least_mbufs) +
                          ", or 0 to have it computed",
                      {}};
  }
  const std::uint32_t need_mib = memory_mib_for(settings_);
  if (need_mib > settings_.memory.limit_mib) {
    return StartError{"these ports and workers need " + std::to_string(need_mib) +
                          " MiB, memory.limit_mib is " + std::to_string(settings_.memory.limit_mib) +
                          "; raise it, or lower descriptors or mtu",
                      {}};
  }
  const UniqueFd turn = settings_.memory.hugepages == Hugepages::off ? UniqueFd{} : hugepage_turn();
  const auto hugepages = choose_hugepages(settings_, need_mib);
  if (!hugepages) {
    return StartError{hugepages.error(), {}};
  }
  hugepages_ = *hugepages;
  EalSettings eal{
      .name = "braidway-" + settings_.name,
      .worker_cores = {},
      .control_cores = settings_.control_cores,
      .pci_devices = pci_devices_of(settings_),
      // Hugepage memory grows when a capture needs more; without hugepages it is one piece, used as touched.
      .memory_mib = hugepages_ ? need_mib : settings_.memory.limit_mib,
      .limit_mib = settings_.memory.limit_mib,
      .hugepages = hugepages_};
  for (const auto& worker : settings_.workers) {
    eal.worker_cores.push_back(worker.core);
  }
  auto started = Eal::start(eal);
  if (!started) {
    return StartError{started.error(), {}};
  }
  eal_ = std::make_unique<Eal>(std::move(*started));
  return std::nullopt;
}

std::optional<StartError> Gateway::open_ports() {
  std::uint16_t mtu = 0;
  for (const auto& port : settings_.ports) {
    mtu = std::max(mtu, port.mtu);
  }
  auto pool = create_mempool("packets", mbufs_for(settings_), data_room_for(mtu), SOCKET_ID_ANY);
  if (!pool) {
    return StartError{pool.error(), {}};
  }
  pool_ = std::move(*pool);
  for (std::size_t i = 0; i < settings_.ports.size(); ++i) {
    auto port = Port::open(settings_.ports[i], static_cast<unsigned>(i), pool_.get());
    if (!port) {
      return StartError{port.error(), i};
    }
    ports_.push_back(std::move(*port));
  }
  captures_.resize(ports_.size());
  told_vanished_.resize(ports_.size());
  return std::nullopt;
}

std::optional<StartError> Gateway::start_workers() {
  auto rings = HandoffRings::create(settings_, SOCKET_ID_ANY);
  if (!rings) {
    return StartError{rings.error(), {}};
  }
  rings_ = std::make_unique<HandoffRings>(std::move(*rings));
  std::vector<WiredPort> wired;
  std::vector<LinkMonitor::Port> watched;
  for (const auto& port : ports_) {
    rte_eth_link link{};
    const bool up = rte_eth_link_get_nowait(port->id(), &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
    port->up().store(up);
    port->ask_speed();
    wired.push_back({.port_id = port->id(),
                     .max_frame_bytes = port->max_frame_bytes(),
                     .flat_only = port->flat_only(),
                     .up = &port->up(),
                     .tap = &port->tap()});
    watched.push_back({.port_id = port->id(), .interface = port->interface()});
  }
  auto links = LinkMonitor::create(std::move(watched),
                                   [this](std::uint16_t port_id, bool up) { link_changed(port_id, up); });
  if (!links) {
    return StartError{links.error(), {}};
  }
  links_ = std::move(*links);
  table_ = std::make_unique<PublishedTable>(
      static_cast<unsigned>(settings_.workers.size()),
      std::make_unique<const lb::PathTable>(first_path_table(settings_, wired)));
  link_ =
      std::make_unique<PeerLink>(settings_.peers.front(), settings_.workers.size(), settings_.memory.flows);
  path_log_ = std::make_unique<PathLog>(settings_.peers.front());
  const SharedByLanes shared{.rings = *rings_, .link = *link_, .pool = pool_.get(), .boot = new_boot_id()};
  for (auto& wiring : wire_workers(settings_, wired, shared, rte_get_tsc_hz() / 1000)) {
    workers_.push_back(std::make_unique<Worker>(std::move(wiring), settings_.idle, *table_));
  }
  if (settings_.forecast) {
    path_view_ = std::make_unique<WorkerPathView>(settings_, ports_, workers_, *rings_, *link_);
  }
  // Some drivers call a link up that has no carrier: ask before the first packet.
  if (auto asked = links_->poll_once(std::chrono::milliseconds(0)); !asked) {
    return StartError{asked.error(), {}};
  }
  for (unsigned i = 0; i < workers_.size(); ++i) {
    calls_.push_back(std::make_unique<WorkerCall>(WorkerCall{.worker = workers_[i].get(), .stop = &stop_}));
    if (rte_eal_remote_launch(run_worker, calls_.back().get(), Eal::lcore_of(i)) != 0) {
      return StartError{"worker " + std::to_string(i) + " could not be started", {}};
    }
  }
  return std::nullopt;
}

Gateway::~Gateway() {
  captures_.clear();
  stop_ = true;
  if (eal_) {
    rte_eal_mp_wait_lcore();
  }
  links_.reset();
  for (const auto& worker : workers_) {
    worker->drop_waiting();
  }
  // A port may still hold buffers of another port's pool: all close before any pool goes.
  for (const auto& port : ports_) {
    port->close();
  }
  // Members go in reverse order of their declaration: workers, table, rings, ports, buffers, EAL.
}

tl::expected<void, std::string> Gateway::tick(std::chrono::milliseconds timeout) {
  // Waits without the lock; link_changed() takes it.
  auto changes = links_->poll_once(timeout);
  const std::scoped_lock lock(control_);
  publish_liveness();
  table_->reclaim();
  path_log_->tell(settings_.peers.front(), *link_);
  tell_of_vanished_ports();
  if (!changes) {
    return tl::unexpected(changes.error());
  }
  return {};
}

void Gateway::link_changed(std::uint16_t port_id, bool up) {
  const std::scoped_lock lock(control_);
  const auto port = std::ranges::find(ports_, port_id, [](const auto& each) { return each->id(); });
  if (port == ports_.end() || (*port)->up().load() == up) {
    return;
  }
  (*port)->ask_speed();
  const auto index = static_cast<std::size_t>(port - ports_.begin());
  // No packet goes to a port that is down: the port opens before its path does, and closes after it.
  if (up) {
    (*port)->up().store(true);
    publish_liveness();
  } else {
    publish_liveness(index);
    (*port)->up().store(false);
  }
  spdlog::info("port {}: link {}", settings_.ports[index].name, up ? "up" : "down");
}

void Gateway::publish_liveness(std::optional<std::size_t> closing) {
  const auto& paths = settings_.peers.front().paths;
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const std::size_t port = paths[i].port;
    const bool live = port != closing && ports_[port]->up().load() && PathCondition(link_->paths[i]).usable();
    if (table_->current().peer(0).records()[i].live != live) {
      table_->publish(std::make_unique<const lb::PathTable>(
          table_->current().with_liveness(0, lb::PathId{static_cast<std::uint8_t>(i)}, live)));
    }
  }
}

void Gateway::tell_of_vanished_ports() {
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    if (links_->vanished(ports_[i]->id()) && !told_vanished_[i]) {
      told_vanished_[i] = true;
      spdlog::warn("port {}: the device is gone; restart the gateway when it is back",
                   settings_.ports[i].name);
    }
  }
}

Statistics Gateway::statistics() const { return collect(workers_, settings_.peers.front()); }

PeerStatistics Gateway::peer_statistics() const { return collect(workers_, *link_); }

std::size_t Gateway::take_reports(std::span<ReportRecord> out) noexcept { return rings_->take_reports(out); }

PortStatistics Gateway::port_statistics(std::size_t port) const {
  const std::scoped_lock lock(devices_);
  const Port& of = *ports_[port];
  PortStatistics out;
  out.driver = of.driver();
  out.up = of.up().load();
  out.link_source = name_of(links_->source(of.id()));
  rte_eth_stats stats{};
  if (rte_eth_stats_get(of.id(), &stats) == 0) {
    out.rx_packets = stats.ipackets;
    out.rx_bytes = stats.ibytes;
    out.tx_packets = stats.opackets;
    out.tx_bytes = stats.obytes;
    out.rx_missed = stats.imissed;
    out.rx_errors = stats.ierrors;
    out.rx_no_mbuf = stats.rx_nombuf;
    out.tx_errors = stats.oerrors;
  }
  for (const auto& worker : workers_) {
    out.tx_held += worker->lane().tx[port].held.get();
  }
  if (const auto xdp = of.xdp_counters()) {
    for (std::size_t i = 0; i < xdp->size(); ++i) {
      out.xdp.push_back({.name = xdp::verdict_names[i].name, .count = (*xdp)[i]});
    }
  }
  return out;
}

std::uint64_t Gateway::table_generation() const {
  const std::scoped_lock lock(control_);
  return table_->current().generation();
}

std::vector<Gateway::PathState> Gateway::path_states() const {
  const std::scoped_lock lock(control_);
  std::vector<PathState> out;
  const lb::PeerPaths& paths = table_->current().peer(0);
  for (std::size_t i = 0; i < paths.records().size(); ++i) {
    out.push_back({.record = paths.records()[i],
                   .slots = paths.slot_count(lb::PathId{static_cast<std::uint8_t>(i)}),
                   .condition = PathCondition(link_->paths[i])});
  }
  return out;
}

std::optional<lb::Explanation> Gateway::explain(const lb::FlowKey& key) const {
  const std::scoped_lock lock(control_);
  return lb::explain(key, table_->current().hash_seed(), table_->current().peer(0));
}

tl::expected<void, std::string> Gateway::set_weight(std::size_t path, std::uint32_t weight) {
  const std::scoped_lock lock(control_);
  std::vector<std::uint32_t> weights;
  for (const auto& record : table_->current().peer(0).records()) {
    weights.push_back(record.weight);
  }
  if (path >= weights.size()) {
    return tl::unexpected("there is no path " + std::to_string(path) + "; see show paths");
  }
  weights[path] = weight;
  table_->publish(std::make_unique<const lb::PathTable>(table_->current().with_weights(0, weights)));
  return {};
}

tl::expected<void, std::string> Gateway::start_capture(std::size_t port, const std::string& file) {
  const std::scoped_lock lock(captures_lock_);
  if (captures_[port] != nullptr) {
    return tl::unexpected("a capture of port " + settings_.ports[port].name + " runs already; stop it first");
  }
  auto capture = Capture::start(ports_[port]->tap(), data_room_for(settings_.ports[port].mtu), file,
                                [this] { table_->synchronize(); });
  if (!capture) {
    return tl::unexpected(capture.error());
  }
  captures_[port] = std::move(*capture);
  return {};
}

tl::expected<CaptureResult, std::string> Gateway::stop_capture(std::size_t port) {
  const std::scoped_lock lock(captures_lock_);
  if (captures_[port] == nullptr) {
    return tl::unexpected("no capture of port " + settings_.ports[port].name + " runs; start one first");
  }
  auto result = captures_[port]->stop();
  captures_[port].reset();
  return result;
}

}  // namespace braidway::dataplane
