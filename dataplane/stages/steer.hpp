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
    std::array<lb::PathId, burst_size> chosen;
    lb::Pinned::decide({burst.hashes.data(), burst.count}, paths, {chosen.data(), burst.count});
    if (!burst.all_flows) [[unlikely]] {
      for (std::uint16_t i = 0; i < burst.count; ++i) {
        if (burst.meta[i].l3_offset == 0) {
          chosen[i] = *first_live;
        }
      }
    }
    for (std::uint16_t i = 0; i < burst.count; ++i) {
      burst.meta[i].egress = paths.record(chosen[i]).egress;
    }
  }
};

}  // namespace braidway::dataplane::stages
