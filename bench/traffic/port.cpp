#include "bench/traffic/port.hpp"

#include <algorithm>
#include <chrono>
#include <thread>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_log.h>

namespace braidway::bench::traffic {
namespace {

constexpr std::uint16_t descriptors = 1024;
constexpr unsigned mbufs = 8191;  // two rings each way of both ports, what is in hand, and reserve
constexpr unsigned mbuf_cache = 256;
constexpr std::size_t mbuf_overhead = 256;  // rte_mbuf, object header, alignment
constexpr auto retry_every = std::chrono::milliseconds{50};
constexpr std::size_t ethernet_header = 14;
constexpr std::size_t usual_mtu = 1500;

/// A whole frame in one buffer, and a small one's worth where frames are small.
std::uint16_t data_room(std::size_t frame_bytes) noexcept {
  return static_cast<std::uint16_t>(RTE_PKTMBUF_HEADROOM +
                                    std::max<std::size_t>(2048, (frame_bytes + 63) / 64 * 64));
}

std::string explain(const std::string& device, const std::string& what) { return device + ": " + what; }

/// The devargs up to the first comma name the device.
std::string name_of(const std::string& devargs) { return devargs.substr(0, devargs.find(',')); }

bool attach(const std::string& devargs, const std::function<bool()>& keep_trying) {
  std::uint16_t id = 0;
  if (rte_eth_dev_get_port_by_name(name_of(devargs).c_str(), &id) == 0) return true;
  // While the far side may still be starting, each failure is expected: only the last one's reason is for the
  // log.
  const std::uint32_t usual = rte_log_get_global_level();
  rte_log_set_global_level(RTE_LOG_CRIT);
  int result = rte_dev_probe(devargs.c_str());
  while (result != 0 && keep_trying()) {
    std::this_thread::sleep_for(retry_every);
    result = rte_dev_probe(devargs.c_str());
  }
  rte_log_set_global_level(usual);
  return result == 0 || rte_dev_probe(devargs.c_str()) == 0;
}

int configure(std::uint16_t id, rte_mempool& pool, std::size_t frame_bytes) {
  rte_eth_conf conf{};
  conf.rxmode.mtu = static_cast<std::uint32_t>(std::max(usual_mtu, frame_bytes - ethernet_header));
  if (const int result = rte_eth_dev_configure(id, 1, 1, &conf); result != 0) return result;
  std::uint16_t receive = descriptors;
  std::uint16_t transmit = descriptors;
  if (const int result = rte_eth_dev_adjust_nb_rx_tx_desc(id, &receive, &transmit); result != 0)
    return result;
  if (const int result = rte_eth_rx_queue_setup(id, 0, receive, SOCKET_ID_ANY, nullptr, &pool); result != 0) {
    return result;
  }
  if (const int result = rte_eth_tx_queue_setup(id, 0, transmit, SOCKET_ID_ANY, nullptr); result != 0)
    return result;
  return rte_eth_dev_start(id);
}

bool link_is_up(std::uint16_t id) {
  rte_eth_link link{};
  return rte_eth_link_get_nowait(id, &link) == 0 && link.link_status == RTE_ETH_LINK_UP;
}

}  // namespace

std::size_t mempool_mib(std::size_t frame_bytes) noexcept {
  return (mbufs + 1) * (data_room(frame_bytes) + mbuf_overhead) / (1U << 20) + 1;
}

tl::expected<Mempool, std::string> make_mempool(std::size_t frame_bytes) {
  Mempool pool{
      rte_pktmbuf_pool_create("traffic", mbufs, mbuf_cache, 0, data_room(frame_bytes), SOCKET_ID_ANY)};
  if (!pool) return tl::unexpected{std::string{"no memory for packet buffers: "} + rte_strerror(rte_errno)};
  return pool;
}

tl::expected<std::unique_ptr<Port>, std::string> Port::open(const std::string& devargs, rte_mempool& pool,
                                                            std::size_t frame_bytes,
                                                            const std::function<bool()>& keep_trying) {
  std::uint16_t id = 0;
  if (!attach(devargs, keep_trying) || rte_eth_dev_get_port_by_name(name_of(devargs).c_str(), &id) != 0) {
    return tl::unexpected{explain(devargs,
                                  "cannot be attached. Is the program that serves its socket running, and is "
                                  "the path right?")};
  }
  std::unique_ptr<Port> port{new Port{id, pool, frame_bytes}};
  if (const int result = configure(id, pool, frame_bytes); result != 0) {
    return tl::unexpected{explain(devargs, std::string{"cannot be started: "} + rte_strerror(-result))};
  }
  while (!link_is_up(id)) {
    if (!keep_trying()) {
      return tl::unexpected{
          explain(devargs, "the link stays down. Start the program at its other end, or raise --wait")};
    }
    std::this_thread::sleep_for(retry_every);
  }
  return port;
}

Port::~Port() {
  rte_pktmbuf_free(spare_);
  if (waiting_ > 0) rte_pktmbuf_free_bulk(outgoing_.data(), waiting_);
  if (rte_eth_dev_is_valid_port(id_) == 0) return;
  static_cast<void>(rte_eth_dev_stop(id_));
  static_cast<void>(rte_eth_dev_close(id_));
}

}  // namespace braidway::bench::traffic
