// steer: gives each packet of a host port its path, by the policy and the path table of this burst.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "dataplane/burst.hpp"
#include "dataplane/drops.hpp"
#include "dataplane/lane_context.hpp"
#include "lb/path_table.hpp"
#include "lb/pinned.hpp"

namespace braidway::dataplane::stages {

struct Steer {
  static constexpr std::string_view name = "steer";
  enum class Drop : std::uint8_t { no_live_path };  ///< every path to the peer is dead
  static constexpr std::array<std::string_view, 1> drops{"no_live_path"};

  static void run(Burst& burst, const LaneContext& lane, Drops<Steer> dropped) noexcept {
    const lb::PeerPaths& paths = lane.table->peers().front();
    const auto first_live = paths.first_live();
    if (!first_live) [[unlikely]] {
      for (std::uint16_t i = 0; i < burst.count; ++i) {
        dropped.count(Drop::no_live_path);
        burst.discard(i);
      }
      return;
    }
    const auto records = paths.records();
    const bool all_flows = burst.all_flows;
    for (std::uint16_t i = 0, count = burst.count; i < count; ++i) {
      const bool has_flow = all_flows || burst.meta[i].l3_offset != 0;
      const lb::PathId path = has_flow ? lb::Pinned::decide(burst.hashes[i], paths) : *first_live;
      burst.meta[i].egress = records[lb::value(path)].egress;
    }
  }
};

}  // namespace braidway::dataplane::stages
