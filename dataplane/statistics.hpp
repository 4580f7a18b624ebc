// What a gateway has counted, summed over its workers: plain values, a copy. Made by the control thread at
// any time without disturbing workers.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/pipeline.hpp"
#include "dataplane/settings.hpp"
#include "dataplane/worker.hpp"

namespace braidway::dataplane {

struct StageStatistics {
  std::string_view way;
  std::string_view stage;
  std::uint64_t packets = 0;
  std::uint64_t cycles = 0;  ///< TSC cycles
};

struct NamedCount {
  std::string_view name;
  std::uint64_t count = 0;
};

struct PathStatistics {
  std::uint64_t packets = 0;  ///< steered to the path
  std::uint64_t bytes = 0;
};

struct WorkerStatistics {
  std::uint64_t turns = 0;
  std::uint64_t busy_turns = 0;
  std::uint64_t idle_cycles = 0;
};

struct Statistics {
  std::vector<StageStatistics> stages;    ///< every stage of every way, in the order of the lists
  std::vector<NamedCount> drops;          ///< by reason
  std::vector<PathStatistics> paths;      ///< by PathId of the peer
  std::vector<WorkerStatistics> workers;  ///< by lane
};

Statistics collect(const std::vector<std::unique_ptr<Worker>>& workers, std::size_t paths);

}  // namespace braidway::dataplane
