// What scenarios have in common: which schemes, all of them on the same inputs for each seed, their ratios,
// and goals beside what was measured. Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/fabric/options.hpp"
#include "bench/fabric/run.hpp"

namespace braidway::bench::fabric {

/// The scheme that goals are about.
inline constexpr std::string_view own_scheme = "auto";

/// The schemes asked for, or those of the comparison that are there.
[[nodiscard]] std::vector<std::string> schemes_of(const Options& options);
/// Of schemes_of(options), with one more that others are compared with.
[[nodiscard]] std::vector<std::string> schemes_of(const Options& options, std::string_view reference);

/// Results of schemes x seeds.
class Grid {
 public:
  /// Runs what `setup` makes of each seed (from 0); the scheme and the run's seed are filled in. All threads.
  Grid(const Options& options, std::vector<std::string> schemes, std::uint64_t seeds,
       const std::function<RunSetup(std::uint64_t seed)>& setup);

  [[nodiscard]] const std::vector<std::string>& schemes() const noexcept { return schemes_; }
  [[nodiscard]] bool has(std::string_view scheme) const noexcept;
  /// A scheme's runs, by seed. It must be there.
  [[nodiscard]] std::span<const RunResult> runs(std::string_view scheme) const;
  /// One number of each of these.
  [[nodiscard]] std::vector<double> values(std::string_view scheme,
                                           const std::function<double(const RunResult&)>& value) const;
  [[nodiscard]] const std::vector<RunResult>& all() const noexcept { return runs_; }

 private:
  std::vector<std::string> schemes_;
  std::uint64_t seeds_;
  std::vector<RunResult> runs_;
};

/// Paired ratios over seeds.
struct Ratio {
  double geometric_mean = 0;
  double upper = 0;  ///< one-sided 95 % bound of it, by Student's t on logarithms; infinite for one seed
  double worst = 0;  ///< of one seed
};
[[nodiscard]] Ratio ratio_of(std::span<const double> values, std::span<const double> reference);

[[nodiscard]] double geometric_mean(std::span<const double> values);

/// Student's t that a one-sided 95 % bound takes, for that many degrees of freedom, at least 1.
[[nodiscard]] double student_t95(std::uint64_t degrees);

/// Goals of the issue beside what was measured, a line each.
class Goals {
 public:
  explicit Goals(std::ostream& out) : out_(&out) {}

  void at_most(std::string_view what, double measured, double limit, std::string_view unit = "");
  /// All so far are met.
  [[nodiscard]] bool met() const noexcept { return met_; }

 private:
  std::ostream* out_;
  bool met_ = true;
};

}  // namespace braidway::bench::fabric
