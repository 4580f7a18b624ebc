#include "dataplane/statistics.hpp"

#include "dataplane/pipeline.hpp"
#include "dataplane/worker.hpp"

namespace braidway::dataplane {

Statistics collect(const std::vector<std::unique_ptr<Worker>>& workers, const PeerSettings& peer) {
  Statistics sum;
  for_each_way([&]<typename W, std::size_t way>() {
    for_each_stage<W>([&]<typename Stage, std::size_t stage>() {
      auto& of = sum.stages.emplace_back(StageStatistics{.way = W::name, .stage = Stage::name});
      for (const auto& worker : workers) {
        const auto& counters = worker->counters().stages[way][stage];
        of.packets += counters.packets.get();
        of.timed_packets += counters.timed_packets.get();
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
  for (std::size_t i = 0; i < order_count_names.size(); ++i) {
    auto& of = sum.order.emplace_back(NamedCount{.name = order_count_names[i]});
    for (const auto& worker : workers) {
      of.count += worker->lane().order_counts->get(static_cast<OrderCount>(i));
    }
  }
  // A strand is a port of its own: what the port sent went over the path.
  for (const auto& path : peer.paths) {
    auto& packets = sum.path_packets.emplace_back();
    for (const auto& worker : workers) {
      packets += worker->lane().tx[path.port].packets.get();
    }
  }
  for (const auto& worker : workers) {
    const auto& counters = worker->counters();
    sum.workers.push_back({.turns = counters.turns.get(),
                           .busy_turns = counters.busy_turns.get(),
                           .idle_cycles = counters.idle_cycles.get()});
  }
  return sum;
}

}  // namespace braidway::dataplane
