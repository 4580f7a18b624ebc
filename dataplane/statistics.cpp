#include "dataplane/statistics.hpp"

#include <algorithm>
#include <span>
#include <utility>

#include "dataplane/pipeline.hpp"
#include "dataplane/worker.hpp"

namespace braidway::dataplane {
namespace {

ReturnedByPath returned_by(const std::vector<std::unique_ptr<Worker>>& workers, std::uint16_t path) {
  ReturnedByPath sum;
  for (const auto& worker : workers) {
    const telemetry::ReturnMeter& meter = std::as_const(*worker->lane().returns).path(path);
    sum.requests += meter.requests();
    sum.repeats += meter.repeats();
    sum.rtt.add(meter.rtt());
    sum.cnps += meter.cnps();
    sum.naks += meter.naks();
  }
  return sum;
}

void add(std::vector<ReceivedByHop>& sum, std::span<const telemetry::HopMeter> hops) {
  sum.resize(hops.size());
  for (std::size_t i = 0; i < hops.size(); ++i) {
    if (hops[i].node_id() != telemetry::not_measured) sum[i].node_id = hops[i].node_id();
    sum[i].node_changes += hops[i].node_changes();
    sum[i].queue.add(hops[i].queue());
    sum[i].latency.add(hops[i].latency());
  }
}

}  // namespace

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
  for (std::size_t i = 0; i < report_count_names.size(); ++i) {
    NamedCount of{.name = report_count_names[i]};
    bool wanted = false;
    for (const auto& worker : workers) {
      const auto& reports = worker->lane().reports;
      wanted = wanted || reports != nullptr;
      of.count += reports == nullptr ? 0 : reports->count(i);
    }
    if (wanted) {
      sum.reports.push_back(of);
    }
  }
  // A strand is a port of its own: what the port sent went over the path.
  for (std::size_t i = 0; i < peer.paths.size(); ++i) {
    std::uint64_t messages = 0;
    std::uint64_t packets = 0;
    for (const auto& worker : workers) {
      // Before what the port sent, so that it never is more.
      const auto& of = worker->lane().messages;
      messages += of == nullptr ? 0 : of->sent(static_cast<lb::PathId>(i));
      packets += worker->lane().tx[peer.paths[i].port].packets.get();
    }
    sum.path_packets.push_back(packets - std::min(messages, packets));
  }
  sum.received.resize(peer.paths.size());
  for (std::size_t i = 0; i < sum.received.size(); ++i) {
    for (const auto& worker : workers) {
      if (const auto& meters = worker->lane().meters; meters != nullptr) {
        const std::uint32_t index = meters->index(0, static_cast<lb::PathId>(i));
        const telemetry::PathMeter& meter = std::as_const(*meters).at(index);
        sum.received[i].totals += meter.totals();
        sum.received[i].delay.add(meter.delay());
        sum.received[i].hold.add(meter.hold());
        add(sum.received[i].hops, meters->hops(index));
      }
    }
  }
  if (!workers.empty() && workers.front()->lane().returns != nullptr) {
    for (std::size_t i = 0; i < peer.paths.size(); ++i) {
      sum.returned.push_back(returned_by(workers, static_cast<std::uint16_t>(i)));
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

PeerStatistics collect(const std::vector<std::unique_ptr<Worker>>& workers, const PeerLink& link) {
  PeerStatistics out{.restores_order = link.restores_order.load(std::memory_order_relaxed),
                     .policy = link.policy.load(std::memory_order_relaxed),
                     .boots = link.boots.load(std::memory_order_relaxed),
                     .messages = {}};
  for (const auto& worker : workers) {
    if (const auto& messages = worker->lane().messages; messages != nullptr) {
      out.messages = messages->statistics();
    }
  }
  return out;
}

}  // namespace braidway::dataplane
