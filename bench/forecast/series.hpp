// What the ensemble expected of a path beside what came, tick by tick, for plots. Any thread.
#pragma once

#include <cstddef>
#include <iosfwd>
#include <string>
#include <vector>

#include "bench/forecast/workload.hpp"
#include "ctrl/model/cross_load.hpp"

namespace braidway::bench::forecast {

inline constexpr unsigned series_horizon = 5;       ///< ticks ahead
inline constexpr std::size_t series_ticks = 3'000;  ///< the last ones, at most

struct SeriesPoint {
  std::size_t tick = 0;
  float expected = 0;           ///< `series_horizon` ticks before
  ctrl::model::CrossLoad seen;  ///< then
  float truth = 0;              ///< NaN: nobody knows it
};

struct Series {
  std::string workload;
  std::string path;
  std::vector<SeriesPoint> points;
};

/// `path`: its name, or its number where paths have no names; empty: the one of which most is measured in
/// these ticks. Throws std::invalid_argument for a path that there is not.
[[nodiscard]] Series make_series(const Workload& workload, const std::string& path);

/// As CSV: workload, path, ms, forecast, seen, how (measured, bound, unknown), truth (empty: nobody knows
/// it).
void write_csv(std::ostream& out, const std::vector<Series>& series);

}  // namespace braidway::bench::forecast
