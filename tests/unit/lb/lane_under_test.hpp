// A lane's steering under test, packet by packet. For the tests of steering and its properties.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <span>
#include <vector>

#include "lb/flow_key.hpp"
#include "lb/path_table.hpp"
#include "lb/steering.hpp"

namespace braidway::lb {

inline constexpr std::uint64_t lane_seed = 99;

inline FlowKey lane_flow(std::uint32_t flow) {
  return rocev2_key(ipv4(0x0a000001), ipv4(0x0a000002), Qpn{flow});
}

inline std::size_t paths_taken(const std::vector<Decision>& decisions) {
  std::set<PathId> paths;
  for (const Decision& decision : decisions) paths.insert(decision.path);
  return paths.size();
}

/// A burst of one packet.
inline Decision decide_packet(Steering& steering, const PathTable& table, std::span<const float> waits,
                              const FlowKey& key, Policy limit, std::uint32_t bytes, std::uint16_t peer,
                              Nanoseconds now) {
  const std::uint64_t hash = lb::hash(key, lane_seed);
  Decision decision;
  steering.decide({.hashes = {&hash, 1},
                   .keys = {&key, 1},
                   .bytes = {&bytes, 1},
                   .limits = {&limit, 1},
                   .peers = {&peer, 1}},
                  table, waits, now, {&decision, 1});
  return decision;
}

/// Steers towards one peer. Path i leaves by egress i.
class LaneUnderTest {
 public:
  explicit LaneUnderTest(std::size_t paths, Policy policy,
                         const Steering::Parameters& parameters = {.flows = 1'000})
      : table(table_of(paths)),
        steering({&paths, 1}, parameters),
        waits(paths),
        shares_(paths, 1.0F),
        delays_(paths) {
    steering.set_policy(0, policy);
    steering.set_restores_order(0, true);
  }

  Decision send(std::uint32_t flow, Policy limit = Policy::automatic, std::uint32_t bytes = 1'000) {
    return decide_packet(steering, table, waits, lane_flow(flow), limit, bytes, 0, Nanoseconds{now});
  }
  /// Some packets of one flow, a microsecond apart.
  std::vector<Decision> send_many(std::uint32_t flow, int count, Policy limit = Policy::automatic) {
    std::vector<Decision> decisions;
    decisions.reserve(static_cast<std::size_t>(count));
    for (int i = 0; i < count; ++i) {
      decisions.push_back(send(flow, limit));
      now += 1'000;
    }
    return decisions;
  }

  void set_share(std::size_t path, float share) {
    shares_[path] = share;
    steering.set_paths(0, shares_, delays_);
  }
  void set_delay(std::size_t path, float ns) {
    delays_[path] = ns;
    steering.set_paths(0, shares_, delays_);
  }
  [[nodiscard]] std::uint64_t hash(std::uint32_t flow) const {
    return braidway::lb::hash(lane_flow(flow), lane_seed);
  }
  [[nodiscard]] PathId pinned(std::uint32_t flow) const { return table.peer(0).path_of(hash(flow)); }

  PathTable table;
  Steering steering;
  std::vector<float> waits;  ///< by egress
  std::int64_t now = 1'000'000'000;

 private:
  static PathTable table_of(std::size_t paths) {
    std::vector<PathRecord> records;
    records.reserve(paths);
    for (std::size_t i = 0; i < paths; ++i) {
      records.push_back({.egress = static_cast<std::uint16_t>(i), .live = true, .weight = 1});
    }
    return PathTable::initial({&records, 1}, lane_seed);
  }

  std::vector<float> shares_;
  std::vector<float> delays_;
};

}  // namespace braidway::lb
