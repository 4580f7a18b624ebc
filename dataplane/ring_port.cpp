#include "dataplane/ring_port.hpp"

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>

namespace braidway::dataplane {
namespace {

constexpr unsigned ring_size = 256;

tl::unexpected<std::string> failed(const std::string& what, int error) {
  return tl::unexpected(what + " (" + rte_strerror(error < 0 ? -error : error) + ")");
}

}  // namespace

tl::expected<std::unique_ptr<RingPort>, std::string> RingPort::create(const std::string& name,
                                                                      std::uint16_t rx_queues,
                                                                      std::uint16_t tx_queues,
                                                                      rte_mempool* pool) {
  auto port = std::unique_ptr<RingPort>(new RingPort);
  std::vector<rte_ring*> in;
  std::vector<rte_ring*> out;
  auto add = [&](std::vector<Ring>& owned, std::vector<rte_ring*>& plain, char side, std::uint16_t queue) {
    const std::string ring_name = name + side + std::to_string(queue);
    owned.emplace_back(
        rte_ring_create(ring_name.c_str(), ring_size, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ));
    plain.push_back(owned.back().get());
    return owned.back() != nullptr;
  };
  for (std::uint16_t queue = 0; queue < rx_queues; ++queue) {
    if (!add(port->incoming_, in, 'i', queue)) {
      return failed("no memory for rings", rte_errno);
    }
  }
  for (std::uint16_t queue = 0; queue < tx_queues; ++queue) {
    if (!add(port->outgoing_, out, 'o', queue)) {
      return failed("no memory for rings", rte_errno);
    }
  }
  const int id = rte_eth_from_rings(name.c_str(), in.data(), rx_queues, out.data(), tx_queues, 0);
  if (id < 0) {
    return failed("no port can be made of rings", rte_errno);
  }
  port->id_ = static_cast<std::uint16_t>(id);
  port->created_ = true;
  const rte_eth_conf conf{};
  if (const int error = rte_eth_dev_configure(port->id_, rx_queues, tx_queues, &conf); error != 0) {
    return failed("a port of rings cannot be configured", error);
  }
  for (std::uint16_t queue = 0; queue < rx_queues; ++queue) {
    if (const int error = rte_eth_rx_queue_setup(port->id_, queue, ring_size, 0, nullptr, pool); error != 0) {
      return failed("a receive queue of rings cannot be set up", error);
    }
  }
  for (std::uint16_t queue = 0; queue < tx_queues; ++queue) {
    if (const int error = rte_eth_tx_queue_setup(port->id_, queue, ring_size, 0, nullptr); error != 0) {
      return failed("a transmit queue of rings cannot be set up", error);
    }
  }
  if (const int error = rte_eth_dev_start(port->id_); error != 0) {
    return failed("a port of rings cannot be started", error);
  }
  return port;
}

RingPort::~RingPort() {
  if (created_) {
    rte_eth_dev_stop(id_);
    rte_eth_dev_close(id_);
  }
}

}  // namespace braidway::dataplane
