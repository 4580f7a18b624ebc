#include "dataplane/handoff_rings.hpp"

#include <utility>

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

tl::expected<HandoffRings::Ring, std::string> HandoffRings::ring(const std::string& name, unsigned size,
                                                                 int socket) {
  // Several workers put in, the owner alone takes out.
  Ring made(rte_ring_create(name.c_str(), size, socket, RING_F_SC_DEQ));
  if (made == nullptr) {
    return tl::unexpected("no memory for the rings between workers (" + std::string(rte_strerror(rte_errno)) +
                          "); raise memory.limit_mib");
  }
  return made;
}

tl::expected<HandoffRings, std::string> HandoffRings::create(const GatewaySettings& settings, int socket) {
  HandoffRings rings;
  const std::string of = "_" + std::to_string(lb::value(settings.id)) + "_";
  const std::size_t workers = settings.workers.size();
  for (std::size_t direction = 0; workers > 1 && direction < directions; ++direction) {
    for (std::size_t owner = 0; owner < workers; ++owner) {
      auto made = ring("handoff" + of + std::to_string(direction) + "_" + std::to_string(owner),
                       handoff_ring_size, socket);
      if (!made) {
        return tl::unexpected(made.error());
      }
      rings.rings_[direction][owner] = std::move(*made);
    }
  }
  if (settings.peers.front().messages) {
    auto made = ring("messages" + of, message_ring_size, socket);
    if (!made) {
      return tl::unexpected(made.error());
    }
    rings.messages_ = std::move(*made);
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
