#include "bench/fabric/result.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <ostream>

#include <nlohmann/json.hpp>

namespace braidway::bench::fabric {
namespace {

double percentile(const std::vector<double>& sorted, double share) {
  const auto rank = static_cast<std::size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::max<std::size_t>(rank, 1) - 1];
}

}  // namespace

std::vector<FlowResult> flow_results(const Fabric& fabric) {
  std::vector<FlowResult> results;
  results.reserve(fabric.flows().size());
  for (const FlowIndex index : fabric.rnics().completed()) {
    Flow flow = fabric.flows()[index];
    flow.start = fabric.rnics().started_at(index);
    results.push_back({flow, fabric.rnics().completed_at(index) - flow.start,
                       fabric.routing().ideal_completion(flow.source, flow.destination, flow.bytes)});
  }
  return results;
}

Slowdown slowdown_of(std::span<const FlowResult> flows, Nanoseconds from) {
  std::vector<double> values;
  for (const FlowResult& result : flows) {
    if (result.flow.start >= from) values.push_back(result.slowdown());
  }
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  return {.flows = values.size(),
          .mean = std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size()),
          .p50 = percentile(values, 0.5),
          .p95 = percentile(values, 0.95),
          .p99 = percentile(values, 0.99),
          .p999 = percentile(values, 0.999)};
}

IterationTimes iteration_times(std::vector<double> times) {
  std::ranges::sort(times);
  const double sum = std::accumulate(times.begin(), times.end(), 0.0);
  return {.mean_ms = sum / static_cast<double>(times.size()), .p95_ms = percentile(times, 0.95)};
}

void write_completions(std::ostream& out, std::span<const FlowResult> flows) {
  for (const FlowResult& result : flows) {
    const Flow& flow = result.flow;
    out << flow.source << ' ' << flow.destination << ' ' << flow.source_port << ' ' << flow.destination_port
        << ' ' << flow.bytes << ' ' << flow.start << ' ' << result.completion << ' ' << result.ideal << '\n';
  }
}

void write_json(std::ostream& out, std::span<const RunResult> runs) {
  out << "{\"runs\":[";
  const char* separator = "\n";
  for (const RunResult& run : runs) {
    nlohmann::ordered_json json;
    json["scheme"] = run.scheme;
    if (!run.variant.empty()) json["case"] = run.variant;
    json["load"] = nullptr;
    if (run.load != 0) json["load"] = run.load;
    json["seed"] = run.seed;
    json["flows"] = run.slowdown.flows;
    json["mean"] = run.slowdown.mean;
    json["p50"] = run.slowdown.p50;
    json["p95"] = run.slowdown.p95;
    json["p99"] = run.slowdown.p99;
    json["p999"] = run.slowdown.p999;
    json["jct_ratio"] = nullptr;
    if (run.jct_ratio) json["jct_ratio"] = *run.jct_ratio;
    if (run.iterations) {
      json["iteration_mean_ms"] = run.iterations->mean_ms;
      json["iteration_p95_ms"] = run.iterations->p95_ms;
    }
    json["ooo"] = run.counters.out_of_order;
    json["retx"] = run.counters.retransmitted;
    json["cnp"] = run.counters.cnps;
    json["pfc"] = run.counters.pfc_frames;
    json["order_peak_bytes"] = run.order_peak_bytes;
    json["hops_per_s"] = std::llround(run.hops_per_second());
    out << separator << json.dump();
    separator = ",\n";
  }
  out << "\n]}\n";
}

}  // namespace braidway::bench::fabric
