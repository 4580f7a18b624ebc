#include "dataplane/xdp/rx_queue.hpp"

#include <cerrno>
#include <thread>

#include <rte_ethdev.h>

namespace braidway::dataplane::xdp {

int set_up_rx_queue(std::uint16_t port_id, std::uint16_t queue, std::uint16_t descriptors, unsigned socket,
                    rte_mempool* pool) {
  constexpr std::chrono::milliseconds pause{10};
  const auto deadline = std::chrono::steady_clock::now() + queue_patience;
  for (;;) {
    // The driver turns every errno, EBUSY too, into EINVAL.
    const int status = rte_eth_rx_queue_setup(port_id, queue, descriptors, socket, nullptr, pool);
    if (status != -EINVAL || std::chrono::steady_clock::now() > deadline) return status;
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace braidway::dataplane::xdp
