// What a gateway has counted, summed over its workers: plain values, a copy. Made by the control thread at
// any time without disturbing workers.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "dataplane/settings.hpp"

namespace braidway::dataplane {

class Worker;

struct StageStatistics {
  std::string_view way;
  std::string_view stage;
  std::uint64_t packets = 0;
  std::uint64_t timed_packets = 0;  ///< of these, in bursts that were timed
  std::uint64_t cycles = 0;         ///< TSC cycles of the timed bursts
};

struct NamedCount {
  std::string_view name;
  std::uint64_t count = 0;
};

struct WorkerStatistics {
  std::uint64_t turns = 0;
  std::uint64_t busy_turns = 0;
  std::uint64_t idle_cycles = 0;
};

struct Statistics {
  std::vector<StageStatistics> stages;      ///< every stage of every way, in the order of the lists
  std::vector<NamedCount> drops;            ///< by reason
  std::vector<NamedCount> order;            ///< what was counted of stamps and order
  std::vector<std::uint64_t> path_packets;  ///< sent over each path, by PathId of the peer
  std::vector<WorkerStatistics> workers;    ///< by lane
};

Statistics collect(const std::vector<std::unique_ptr<Worker>>& workers, const PeerSettings& peer);

}  // namespace braidway::dataplane
