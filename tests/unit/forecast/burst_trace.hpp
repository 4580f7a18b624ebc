// A trace as it would be recorded where somebody else's job has bursts of 80 % on our paths: while they last
// a queue stands and a fifth of what leaves is ours; between them we use half of the path.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ctrl/record/trace_file.hpp"

namespace braidway::bench::forecast {

struct BurstTrace {
  std::int64_t ms = 8'000;
  std::int64_t period_ms = 23;
  std::int64_t burst_ms = 9;
  bool bursts = true;  ///< else no queue stands ever
  std::vector<double> capacities{12.5, 0, 12.5};
  std::int64_t begins_ns = 7'000'000'000;

  /// Messages each 100 us. Error: as the writer's.
  [[nodiscard]] tl::expected<void, std::string> write(const std::string& file) const {
    ctrl::record::TraceHeader header{.gateway = "gw-a", .peer = "gw-b", .paths = {}};
    for (std::size_t i = 0; i < capacities.size(); ++i) {
      header.paths.push_back({.name = "fabric" + std::to_string(i), .capacity = capacities[i]});
    }
    auto writer = ctrl::record::TraceWriter::create(file, header);
    if (!writer) return tl::unexpected(writer.error());
    std::vector<ctrl::record::Heard> paths(capacities.size());
    constexpr std::uint64_t of_a_path = 1'250'000;  // bytes in 100 us at 12.5 a nanosecond
    for (std::int64_t i = 1; i <= ms * 10; ++i) {
      const bool burst = bursts && i % (period_ms * 10) < burst_ms * 10;
      const float delay = burst ? 20'000 : 500;
      for (auto& path : paths) path = {burst ? of_a_path / 5 : of_a_path / 2, delay, delay};
      if (auto said = writer->append(lb::Nanoseconds{begins_ns + i * 100'000}, paths); !said) return said;
    }
    return writer->close();
  }
};

}  // namespace braidway::bench::forecast
