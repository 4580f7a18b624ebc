// The rings by which workers hand packets to the owner of their flow, messages to who handles them, and
// reports and what the peer said of paths to the control thread.
// Owner: the gateway; workers hold plain pointers.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <string>

#include <rte_ring.h>
#include <tl/expected.hpp>

#include "dataplane/lane_context.hpp"

namespace braidway::dataplane {

inline constexpr unsigned handoff_ring_size = 1024;
/// Room for what 256 paths bring in 2 ms.
inline constexpr unsigned message_ring_size = 512;

class HandoffRings {
 public:
  /// No rings between workers if there is one, none for messages if there are none. Error: one sentence
  /// saying what to do.
  static tl::expected<HandoffRings, std::string> create(const GatewaySettings& settings, int socket);

  Inboxes inboxes() const noexcept;
  /// From all workers to the one that handles messages; nullptr: none is wanted.
  rte_ring* messages() const noexcept { return messages_.get(); }
  /// Of ReportRecord, from all workers to the control thread; nullptr: none is wanted.
  rte_ring* reports() const noexcept { return reports_.get(); }
  /// Of the control thread. Returns how many there were.
  std::size_t take_reports(std::span<ReportRecord> out) const noexcept;
  /// Of HeardFeedback, from who handles messages to the slow loop; nullptr: none is wanted.
  rte_ring* feedbacks() const noexcept { return feedbacks_.get(); }

 private:
  struct Free {
    void operator()(rte_ring* ring) const noexcept;
  };
  struct FreeRecords {
    void operator()(rte_ring* ring) const noexcept;
  };
  using Ring = std::unique_ptr<rte_ring, Free>;
  using RecordRing = std::unique_ptr<rte_ring, FreeRecords>;
  static tl::expected<Ring, std::string> ring(const std::string& name, unsigned size, int socket);

  std::array<std::array<Ring, lb::max_lanes>, directions> rings_;
  Ring messages_;
  RecordRing reports_;
  RecordRing feedbacks_;
};

}  // namespace braidway::dataplane
