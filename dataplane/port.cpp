#include "dataplane/port.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <net/if.h>
#include <thread>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_ether.h>
#include <spdlog/spdlog.h>

#include "dataplane/burst.hpp"
#include "dataplane/kernel_link.hpp"
#include "dataplane/mlx5_check.hpp"
#include "dataplane/unix_socket.hpp"
#include "dataplane/xdp/umem_pool.hpp"

namespace braidway::dataplane {
namespace {

using Outcome = tl::expected<void, std::string>;

tl::unexpected<std::string> failed(const std::string& what, int error) {
  return tl::unexpected(what + " (" + rte_strerror(error < 0 ? -error : error) + ")");
}

std::string remedy_for(DeviceKind kind) {
  switch (kind) {
    case DeviceKind::pci:
      return "is the function bound to vfio-pci (or mlx5_core) and not used by another process?";
    case DeviceKind::tap:
      return "TAP devices need CAP_NET_ADMIN and /dev/net/tun, and the name must be free";
    case DeviceKind::af_packet:
    case DeviceKind::af_xdp:
      return "the interface must exist in this network namespace, and CAP_NET_RAW (af_xdp: root) is needed";
    case DeviceKind::virtio_user:
      return "a vhost-user server must already listen on the socket";
    case DeviceKind::pcap:
      return "the file must be a readable capture";
    default:
      return "check the device and its arguments";
  }
}

/// The port that a device's devargs brought into being.
std::optional<std::uint16_t> port_of(const std::string& devargs) {
  rte_dev_iterator iterator;
  std::uint16_t id = RTE_MAX_ETHPORTS;
  std::optional<std::uint16_t> found;
  RTE_ETH_FOREACH_MATCHING_DEV(id, devargs.c_str(), &iterator) {
    if (!found) {
      found = id;
    }
  }
  return found;
}

rte_eth_conf configuration(const rte_eth_dev_info& info, std::uint16_t queues) {
  rte_eth_conf conf{};
  if (queues > 1) {
    const std::uint64_t fields = RTE_ETH_RSS_IP | RTE_ETH_RSS_UDP | RTE_ETH_RSS_TCP;
    conf.rxmode.mq_mode =
        (info.flow_type_rss_offloads & fields) != 0 ? RTE_ETH_MQ_RX_RSS : RTE_ETH_MQ_RX_NONE;
    conf.rx_adv_conf.rss_conf.rss_hf = fields & info.flow_type_rss_offloads;
  }
  if ((info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS) != 0) {
    conf.txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
  }
  if ((*info.dev_flags & RTE_ETH_DEV_INTR_LSC) != 0) {
    conf.intr_conf.lsc = 1;
  }
  return conf;
}

}  // namespace

tl::expected<std::unique_ptr<Port>, std::string> Port::open(const PortSettings& settings, unsigned index,
                                                            rte_mempool* shared_pool) {
  if (!settings.device) {
    return tl::unexpected<std::string>("it has no device; name one to run it");
  }
  const auto word = parse_device_word(*settings.device);
  if (!word) {
    return tl::unexpected(word.error());
  }
  // The kernel frees the queue of a killed gateway some milliseconds late; a failed attempt has spoilt port
  // and pool.
  const auto deadline = std::chrono::steady_clock::now() + xdp::queue_patience;
  for (;;) {
    auto port = std::unique_ptr<Port>(new Port);
    port->kind_ = word->kind;
    if (auto done = port->prepare(settings, *word); !done) {
      return tl::unexpected(done.error());
    }
    const auto opened =
        port->probe(settings, *word, index).and_then([&] { return port->configure(settings, shared_pool); });
    if (opened) {
      return port;
    }
    if (word->kind != DeviceKind::af_xdp || std::chrono::steady_clock::now() > deadline) {
      return tl::unexpected(opened.error());
    }
    // What was done so far is undone by the destructor, before the next attempt.
    port.reset();
    std::this_thread::sleep_for(xdp::queue_retry_pause);
  }
}

/// The gateway carries frames for any address, but a kernel interface is not its own: MTU is the operator's,
/// and IFF_PROMISC is put back at the end.
Outcome Port::prepare_interface(const PortSettings& settings, const std::string& interface) {
  const auto link = find_link(interface);
  if (!link) {
    return tl::unexpected(link.error());
  }
  if (!link->exists()) {
    return tl::unexpected("there is no interface " + interface +
                          " in this network namespace; ip link lists them");
  }
  if (link->mtu < settings.mtu) {
    return tl::unexpected("interface " + interface + " has an MTU of " + std::to_string(link->mtu) +
                          ", the port of " + std::to_string(settings.mtu) + "; ip link set dev " + interface +
                          " mtu " + std::to_string(settings.mtu) + ", or lower mtu");
  }
  interface_ = interface;
  if ((link->flags & IFF_PROMISC) == 0) {
    quiet_interface_ = link->index;
  }
  return {};
}

Outcome Port::prepare(const PortSettings& settings, const DeviceWord& word) {
  switch (kind_) {
    case DeviceKind::vhost:
      if (auto free = claim_socket_path(word.argument); !free) {
        return free;
      }
      socket_ = word.argument;
      return {};
    case DeviceKind::pci:
      return check_mlx5_roce_is_off(word.argument.substr(0, word.argument.find(',')));
    case DeviceKind::tap:
      if (if_nametoindex(word.argument.c_str()) != 0) {
        return tl::unexpected("interface " + word.argument +
                              " exists already; delete it or choose another name");
      }
      return {};
    case DeviceKind::af_packet:
      return prepare_interface(settings, word.argument);
    case DeviceKind::af_xdp: {
      if (settings.mtu > xdp::afxdp_max_mtu) {
        return tl::unexpected("an af_xdp port carries an MTU of at most " +
                              std::to_string(xdp::afxdp_max_mtu) + "; lower mtu or use another device");
      }
      auto prepared = xdp::prepare(word.argument, settings.xdp_take);
      if (!prepared) {
        return tl::unexpected(prepared.error());
      }
      for (const auto& note : prepared->notes) {
        spdlog::warn("port {}: {}", settings.name, note);
      }
      auto program = xdp::object_path(settings.xdp_take, settings.own_ports);
      if (!program) {
        return tl::unexpected(program.error());
      }
      xdp_ = std::move(*prepared);
      xdp_program_ = std::move(*program);
      return prepare_interface(settings, word.argument);
    }
    default:
      return {};
  }
}

Outcome Port::probe(const PortSettings& settings, const DeviceWord& word, unsigned index) {
  const std::string devargs = devargs_for(word, index, settings, xdp_program_);
  if (const int error = rte_dev_probe(devargs.c_str()); error != 0) {
    return failed("device " + settings.device.value_or("") + " could not be opened; " + remedy_for(kind_),
                  error);
  }
  const auto id = port_of(devargs);
  if (!id) {
    return tl::unexpected("device " + settings.device.value_or("") + " has no Ethernet port; " +
                          remedy_for(kind_));
  }
  id_ = *id;
  probed_ = true;
  return {};
}

Outcome Port::configure(const PortSettings& settings, rte_mempool* shared_pool) {
  rte_eth_dev_info info{};
  if (const int error = rte_eth_dev_info_get(id_, &info); error != 0) {
    return failed("the driver does not describe the device", error);
  }
  driver_ = info.driver_name;
  const std::uint16_t queues = settings.queues;
  if (queues > info.max_rx_queues || queues > info.max_tx_queues) {
    return tl::unexpected("the device has at most " +
                          std::to_string(std::min(info.max_rx_queues, info.max_tx_queues)) +
                          " queues; lower queues (and the number of workers)");
  }
  const rte_eth_conf conf = configuration(info, queues);
  if (const int error = rte_eth_dev_configure(id_, queues, queues, &conf); error != 0) {
    return failed("the driver refuses " + std::to_string(queues) + " queues", error);
  }
  std::uint16_t rx_descriptors = settings.descriptors;
  std::uint16_t tx_descriptors = settings.descriptors;
  rte_eth_dev_adjust_nb_rx_tx_desc(id_, &rx_descriptors, &tx_descriptors);
  rte_mempool* pool = shared_pool;
  if (kind_ == DeviceKind::af_xdp) {
    auto own =
        xdp::create_umem_pool("umem_" + std::to_string(id_), xdp::umem_mbufs(queues, settings.descriptors),
                              256, mbuf_private_bytes, SOCKET_ID_ANY);
    if (!own) {
      return tl::unexpected(own.error());
    }
    own_pool_.reset(*own);
    pool = own_pool_.get();
  }
  const int socket = rte_eth_dev_socket_id(id_);
  for (std::uint16_t queue = 0; queue < queues; ++queue) {
    if (const int error =
            rte_eth_tx_queue_setup(id_, queue, tx_descriptors, static_cast<unsigned>(socket), nullptr);
        error != 0) {
      return failed("transmit queue " + std::to_string(queue) + " cannot be set up", error);
    }
    if (const int error =
            rte_eth_rx_queue_setup(id_, queue, rx_descriptors, static_cast<unsigned>(socket), nullptr, pool);
        error != 0) {
      return failed("receive queue " + std::to_string(queue) + " cannot be set up", error);
    }
  }
  // Drivers without an MTU of their own (pcap, ring, null) say ENOTSUP: they carry what they are given.
  if (kind_ == DeviceKind::pci) {
    rte_eth_dev_get_mtu(id_, &former_mtu_);
  }
  const int mtu_error = interface_.empty() ? rte_eth_dev_set_mtu(id_, settings.mtu) : 0;
  if (mtu_error != 0 && mtu_error != -ENOTSUP) {
    return failed("the device does not take an MTU of " + std::to_string(settings.mtu), mtu_error);
  }
  max_frame_bytes_ = max_frame_bytes_for(settings.mtu);
  // MACs are untouched in wire mode: frames for any address are ours to carry.
  const int promiscuous = rte_eth_promiscuous_enable(id_);
  if (promiscuous != 0 && promiscuous != -ENOTSUP) {
    return failed("the device cannot be set to receive frames for any address", promiscuous);
  }
  if (const int error = rte_eth_dev_start(id_); error != 0) {
    return failed("the device cannot be started", error);
  }
  started_ = true;
  return {};
}

std::optional<xdp::VerdictCounters> Port::xdp_counters() const {
  if (!xdp_) {
    return std::nullopt;
  }
  auto counters = xdp::read_counters(interface_);
  return counters ? std::optional(*counters) : std::nullopt;
}

void Port::close() noexcept {
  if (started_) {
    rte_eth_dev_stop(id_);
    started_ = false;
  }
  if (!probed_) {
    return;
  }
  if (former_mtu_ != 0) {
    rte_eth_dev_set_mtu(id_, former_mtu_);
  }
  rte_eth_dev_info info{};
  const bool known = rte_eth_dev_info_get(id_, &info) == 0;
  rte_eth_dev_close(id_);
  if (known && info.device != nullptr) {
    rte_dev_remove(info.device);
  }
  probed_ = false;
}

Port::~Port() {
  close();
  if (xdp_) {
    if (auto restored = xdp::restore(*xdp_); !restored) {
      spdlog::warn("interface {}: {}", interface_, restored.error());
    }
  }
  if (quiet_interface_ != 0) {
    set_promiscuous(quiet_interface_, false);
  }
  if (!socket_.empty()) {
    std::error_code ignored;
    std::filesystem::remove(socket_, ignored);
  }
}

void Port::ask_speed() noexcept {
  rte_eth_link link{};
  const bool known = rte_eth_link_get_nowait(id_, &link) == 0 && link.link_speed != RTE_ETH_SPEED_NUM_UNKNOWN;
  speed_mbps_.store(known ? link.link_speed : 0, std::memory_order_relaxed);
}

}  // namespace braidway::dataplane
