// Jobs on a network, for each seed and scheme, with the time each took over its fluid bound. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

#include "bench/fabric/scenarios/comparison.hpp"
#include "bench/fabric/workload/job.hpp"

namespace braidway::bench::fabric {

class JobTrials {
 public:
  static constexpr std::uint64_t default_seeds = 4;

  /// `network` must outlive this. `make` is given each seed. `variant`: RunSetup::variant.
  JobTrials(const Options& options, const Network& network, const std::string& variant,
            const std::function<Workload(std::uint64_t seed)>& make);

  [[nodiscard]] const Grid& grid() const noexcept { return grid_; }
  [[nodiscard]] std::uint64_t seeds() const noexcept { return seeds_; }
  /// The rest of a row: out-of-order arrivals, peak order memory, CNPs and PFC frames.
  void print_counters(std::ostream& out, std::string_view scheme) const;
  static constexpr std::string_view counters_head = "      ooo  order MB      cnp      pfc\n";

 private:
  std::uint64_t seeds_;
  std::vector<Workload> workloads_;               ///< by seed
  std::vector<std::vector<Nanoseconds>> bounds_;  ///< by seed and job
  Grid grid_;
};

/// RunResult::jct_ratio; 0 without jobs.
[[nodiscard]] double jct_ratio_of(const RunResult& run);

}  // namespace braidway::bench::fabric
