// The rings by which workers hand packets to the owner of their flow. Owner: the gateway; workers hold plain
// pointers.
#pragma once

#include <array>
#include <memory>
#include <string>

#include <rte_ring.h>
#include <tl/expected.hpp>

#include "dataplane/lane_context.hpp"

namespace braidway::dataplane {

inline constexpr unsigned handoff_ring_size = 1024;

class HandoffRings {
 public:
  /// No rings for one worker. Error: one sentence saying what to do.
  static tl::expected<HandoffRings, std::string> create(unsigned workers, int socket);

  Inboxes inboxes() const noexcept;

 private:
  struct Free {
    void operator()(rte_ring* ring) const noexcept;
  };
  std::array<std::array<std::unique_ptr<rte_ring, Free>, lb::max_lanes>, directions> rings_;
};

}  // namespace braidway::dataplane
