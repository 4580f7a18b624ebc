#include "dataplane/handoff_rings.hpp"

#include <utility>

#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_ring_elem.h>

#include "dataplane/heard_feedback.hpp"
#include "dataplane/report_tap.hpp"

namespace braidway::dataplane {

namespace {

tl::unexpected<std::string> no_memory() {
  return tl::unexpected("no memory for the rings between workers (" + std::string(rte_strerror(rte_errno)) +
                        "); raise memory.limit_mib");
}

}  // namespace

void HandoffRings::FreeRecords::operator()(rte_ring* ring) const noexcept { rte_ring_free(ring); }

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
    return no_memory();
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
  if (settings.reports) {
    rings.reports_.reset(rte_ring_create_elem(("reports" + of).c_str(), sizeof(ReportRecord),
                                              report_ring_size, socket, RING_F_SC_DEQ));
    if (rings.reports_ == nullptr) {
      return no_memory();
    }
  }
  if (settings.forecast) {
    rings.feedbacks_.reset(rte_ring_create_elem(("feedbacks" + of).c_str(), sizeof(HeardFeedback),
                                                feedback_ring_size, socket, RING_F_SP_ENQ | RING_F_SC_DEQ));
    if (rings.feedbacks_ == nullptr) {
      return no_memory();
    }
  }
  return rings;
}

std::size_t HandoffRings::take_reports(std::span<ReportRecord> out) const noexcept {
  return reports_ == nullptr
             ? 0
             : rte_ring_sc_dequeue_burst_elem(reports_.get(), out.data(), sizeof(ReportRecord),
                                              static_cast<unsigned>(out.size()), nullptr);
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
