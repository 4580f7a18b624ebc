#include "dataplane/statistics.hpp"

namespace braidway::dataplane {

Statistics collect(const std::vector<std::unique_ptr<Worker>>& workers, std::size_t paths) {
  Statistics sum;
  for_each_way([&]<typename W, std::size_t way>() {
    for_each_stage<W>([&]<typename Stage, std::size_t stage>() {
      auto& of = sum.stages.emplace_back(StageStatistics{.way = W::name, .stage = Stage::name});
      for (const auto& worker : workers) {
        const auto& counters = worker->counters().stages[way][stage];
        of.packets += counters.packets.get();
        of.cycles += counters.cycles.get();
      }
    });
  });
  for (std::size_t i = 0; i < drop_total; ++i) {
    auto& of = sum.drops.emplace_back(NamedCount{.name = drop_names[i].reason});
    for (const auto& worker : workers) {
      of.count += worker->counters().drops[i].get();
    }
  }
  sum.paths.resize(paths);
  for (const auto& worker : workers) {
    for (std::size_t path = 0; path < paths; ++path) {
      sum.paths[path].packets += worker->lane().paths[path].packets.get();
      sum.paths[path].bytes += worker->lane().paths[path].bytes.get();
    }
    const auto& counters = worker->counters();
    sum.workers.push_back({.turns = counters.turns.get(),
                           .busy_turns = counters.busy_turns.get(),
                           .idle_cycles = counters.idle_cycles.get()});
  }
  return sum;
}

}  // namespace braidway::dataplane
