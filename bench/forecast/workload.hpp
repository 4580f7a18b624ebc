// What forecasters are judged on: the cross load of a peer's paths, bin by bin, as it is and as a gateway can
// see it; and where it comes from jobs, what an oracle would expect that knows each job's law, its phase and
// all that has been, but not the chance to come.
//
// Immutable once made; deterministic by seed; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/forecast/job_schedule.hpp"
#include "ctrl/model/cross_load.hpp"

namespace braidway::bench::forecast {

inline constexpr std::size_t bins_per_tick = 10;  ///< of 100 us; a tick is a millisecond

struct Workload {
  std::string name;
  std::size_t ticks = 0;
  float own = 0;                         ///< our load, beside which bursts are seen; 0: all is seen
  std::vector<std::string> paths;        ///< names; empty: they have numbers
  std::vector<std::vector<float>> load;  ///< by path and bin: the truth; empty: nobody knows it
  std::vector<std::vector<ctrl::model::CrossLoad>> seen;  ///< the same, as it can be seen
  std::vector<JobSchedule> jobs;                          ///< none: there is no oracle
  std::vector<std::vector<std::size_t>> jobs_of;          ///< by path: numbers of `jobs`
};

/// What an oracle expects of a workload with jobs.
class Oracle {
 public:
  Oracle(const Workload& workload, std::uint64_t seed);

  /// `tick` is over. Not going back.
  void advance(std::size_t tick);
  /// Of the tick that is so many ticks later, the median of what could be seen: beside our own load that is a
  /// burst, if it fills half of the tick (ctrl::model::over), and what is less than shows is as good as that.
  [[nodiscard]] float expect(std::size_t path, unsigned horizon);

 private:
  const Workload& workload_;
  Random random_;
  double now_ = 0;
  std::vector<std::size_t> latest_;  ///< by job: its last burst that has begun
};

struct Setting {
  std::size_t paths = 16;
  std::size_t ticks = 40'000;
  std::uint64_t seed = 1;
  std::string anchors_folder = "bench/fabric/anchors";  ///< where the distributions of message sizes are
};

struct WorkloadEntry {
  std::string_view name;
  std::string_view what;
  /// Throws fabric::InputError for files that cannot be read.
  Workload (*make)(const Setting& setting);
};
[[nodiscard]] const std::vector<WorkloadEntry>& workloads();

}  // namespace braidway::bench::forecast
