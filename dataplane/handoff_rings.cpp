#include "dataplane/handoff_rings.hpp"

#include <rte_errno.h>
#include <rte_mbuf.h>

namespace braidway::dataplane {

void HandoffRings::Free::operator()(rte_ring* ring) const noexcept {
  void* packet = nullptr;
  while (rte_ring_dequeue(ring, &packet) == 0) {
    rte_pktmbuf_free(static_cast<rte_mbuf*>(packet));
  }
  rte_ring_free(ring);
}

tl::expected<HandoffRings, std::string> HandoffRings::create(unsigned workers, int socket) {
  HandoffRings rings;
  for (std::size_t direction = 0; workers > 1 && direction < directions; ++direction) {
    for (unsigned owner = 0; owner < workers; ++owner) {
      const std::string name = "handoff_" + std::to_string(direction) + "_" + std::to_string(owner);
      // Several workers put in, the owner alone takes out.
      rte_ring* ring = rte_ring_create(name.c_str(), handoff_ring_size, socket, RING_F_SC_DEQ);
      if (ring == nullptr) {
        return tl::unexpected("no memory for the hand-off rings of " + std::to_string(workers) +
                              " workers (" + rte_strerror(rte_errno) + "); raise memory.limit_mib");
      }
      rings.rings_[direction][owner].reset(ring);
    }
  }
  return rings;
}

Inboxes HandoffRings::inboxes() const noexcept {
  Inboxes inboxes{};
  for (std::size_t direction = 0; direction < directions; ++direction) {
    for (std::size_t owner = 0; owner < lb::max_lanes; ++owner) {
      inboxes[direction][owner] = rings_[direction][owner].get();
    }
  }
  return inboxes;
}

}  // namespace braidway::dataplane
