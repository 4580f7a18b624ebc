// An Ethernet port whose wire is a pair of rings per queue: frames are put in and taken out by the program
// itself. Owner: the main thread, between Eal::start() and the end of the Eal object.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <rte_mempool.h>
#include <rte_ring.h>
#include <tl/expected.hpp>

namespace braidway::dataplane {

class RingPort {
 public:
  /// As many receive as transmit queues. Error: one sentence.
  static tl::expected<std::unique_ptr<RingPort>, std::string> create(const std::string& name,
                                                                     std::uint16_t rx_queues,
                                                                     std::uint16_t tx_queues,
                                                                     rte_mempool* pool);
  ~RingPort();
  RingPort(const RingPort&) = delete;
  RingPort& operator=(const RingPort&) = delete;

  std::uint16_t id() const noexcept { return id_; }
  /// What the port will receive on that queue.
  rte_ring* incoming(std::uint16_t queue) const noexcept { return incoming_[queue].get(); }
  /// What the port has sent by that queue.
  rte_ring* outgoing(std::uint16_t queue) const noexcept { return outgoing_[queue].get(); }

 private:
  struct FreeRing {
    void operator()(rte_ring* ring) const noexcept { rte_ring_free(ring); }
  };
  using Ring = std::unique_ptr<rte_ring, FreeRing>;

  RingPort() = default;
  std::vector<Ring> incoming_;
  std::vector<Ring> outgoing_;
  std::uint16_t id_ = 0;
  bool created_ = false;
};

}  // namespace braidway::dataplane
