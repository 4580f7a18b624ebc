#include "bench/wire/report.hpp"

#include <string>

#include "bench/wire/parameters_json.hpp"

namespace braidway::bench::wire {
namespace {

Json to_json(const Lateness& lateness) {
  return {{"frames", lateness.count()},
          {"median", lateness.quantile_ns(0.5)},
          {"p99", lateness.quantile_ns(0.99)},
          {"worst", lateness.worst_ns()}};
}

Json to_json(const DirectionState& state) {
  Json drops = Json::object();
  for (std::size_t i = 0; i < drop_names.size(); ++i)
    drops[std::string{drop_names[i]}] = state.model.drops[i];
  for (std::size_t i = 0; i < port_drop_names.size(); ++i) {
    drops[std::string{port_drop_names[i]}] = state.port.drops[i];
  }
  // What the model never saw came, too.
  const std::uint64_t too_long = state.port.drops[static_cast<std::size_t>(PortDrop::too_long)];
  return {{"parameters", wire::to_json(state.parameters)},
          {"received", state.model.received + too_long},
          {"delivered", state.port.delivered},
          {"delivered_bytes", state.port.delivered_bytes},
          {"drops", drops},
          {"duplicated", state.model.duplicated},
          {"corrupted", state.model.corrupted},
          {"marked", state.model.marked},
          {"reordered", state.model.reordered},
          {"held", state.held + state.waiting},
          {"queued_bytes", state.queued_bytes}};
}

}  // namespace

Json to_json(std::span<const PathSettings> settings, std::span<const PathState> states) {
  Json paths = Json::array();
  Lateness all;
  for (std::size_t i = 0; i < settings.size(); ++i) {
    Json path{{"name", settings[i].name}};
    for (std::size_t end = 0; end < end_names.size(); ++end) {
      path[std::string{end_names[end]}] = states[i].up[end] ? "up" : "down";
    }
    for (std::size_t which = 0; which < direction_names.size(); ++which) {
      path[std::string{direction_names[which]}] = to_json(states[i].directions[which]);
      all.add(states[i].directions[which].lateness);
    }
    paths.push_back(std::move(path));
  }
  return {{"paths", std::move(paths)}, {"late_ns", to_json(all)}};
}

}  // namespace braidway::bench::wire
