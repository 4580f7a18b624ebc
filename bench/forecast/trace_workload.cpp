#include "bench/forecast/trace_workload.hpp"

#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <sstream>
#include <utility>

#include "bench/forecast/judge.hpp"
#include "ctrl/model/load_bins.hpp"

namespace braidway::bench::forecast {
namespace {

using ctrl::model::CrossLoad;
using ctrl::model::LoadBins;
using ctrl::record::Trace;

constexpr std::int64_t tick_ns = 1'000'000;
/// Of less, models learn next to nothing, and no block of ticks says which is better.
constexpr std::size_t least_ticks = 5'000;
/// Paths times ticks, 80 bytes each: 2.6 GB.
constexpr std::size_t most_cells = 32'000'000;
constexpr std::uint64_t longest_silence = 1'000 * tick_ns;

LoadBins::Parameters bins_of_ticks() {
  LoadBins::Parameters parameters;
  parameters.tick_bins = bins_per_tick;
  return parameters;
}

/// Closes ticks at the times at which a gateway's control thread would: each millisecond, heard or not.
class Ticks {
 public:
  explicit Ticks(std::span<const double> capacities)
      : bins_(capacities, bins_of_ticks()), seen_(capacities.size()) {}

  void hear(std::span<const LoadBins::Heard> paths, std::int64_t now) {
    // A clock that jumped, be it back, is the bins' business.
    if (static_cast<std::uint64_t>(now) - static_cast<std::uint64_t>(clock_) > longest_silence) clock_ = now;
    for (; now - clock_ > tick_ns; clock_ += tick_ns) close(clock_);
    bins_.hear(paths, lb::Nanoseconds{now});
    close(now);
    clock_ = now;
  }

  [[nodiscard]] std::vector<std::vector<CrossLoad>> take() { return std::move(seen_); }
  [[nodiscard]] std::size_t count() const { return seen_.front().size() / bins_per_tick; }

 private:
  void close(std::int64_t now) {
    for (auto ticks = bins_.next_tick(lb::Nanoseconds{now}); !ticks.empty();
         ticks = bins_.next_tick(lb::Nanoseconds{now})) {
      for (std::size_t path = 0; path < ticks.size(); ++path) {
        seen_[path].insert(seen_[path].end(), ticks[path].bins.begin(), ticks[path].bins.end());
      }
    }
  }

  LoadBins bins_;
  std::int64_t clock_ = 0;
  std::vector<std::vector<CrossLoad>> seen_;  ///< by path and bin
};

/// How many of ticks, by what is known of them.
struct Known {
  std::size_t measured = 0;
  std::size_t bounded = 0;
  std::size_t all = 0;
};

Known known(const Workload& workload, std::size_t from) {
  Known of;
  for (const auto& path : workload.seen) {
    for (std::size_t tick = from; tick < workload.ticks; ++tick, ++of.all) {
      const auto load = ctrl::model::over(std::span{path}.subspan(tick * bins_per_tick, bins_per_tick));
      of.measured += load.censored ? 0 : 1;
      of.bounded += load.censored && !load.unknown() ? 1 : 0;
    }
  }
  return of;
}

std::string summary(const Trace& trace, const Workload& workload) {
  const Known of = known(workload, 0);
  const auto percent = [&](std::size_t part) {
    return 100 * static_cast<double>(part) / static_cast<double>(of.all);
  };
  std::ostringstream out;
  out << workload.name << ": " << std::fixed << std::setprecision(1)
      << static_cast<double>(workload.ticks) / 1'000 << " s, " << trace.messages() << " messages of "
      << trace.header().peer << " to " << trace.header().gateway << "; of " << workload.seen.size()
      << " paths' ticks " << percent(of.measured) << " % are measured, of " << percent(of.bounded)
      << " % there is a bound, of the rest nothing is known";
  return out.str();
}

void refuse_what_is_no_good(const std::string& file, const Workload& workload) {
  if (workload.ticks < least_ticks) {
    throw TraceError(file + ": the trace has " + std::to_string(workload.ticks) + " ms, and judging takes " +
                     std::to_string(least_ticks) + "; record for longer");
  }
  if (known(workload, first_judged_tick(workload)).measured == 0) {
    throw TraceError(
        file +
        ": nothing of what others put on its paths could be measured; record while there is more load");
  }
}

}  // namespace

TraceWorkload trace_workload(const std::string& file, const Trace& trace) {
  const auto& header = trace.header();
  TraceWorkload made;
  Workload& workload = made.workload;
  workload.name = std::filesystem::path(file).stem().string();
  std::vector<std::size_t> taken;
  std::vector<double> capacities;
  for (std::size_t i = 0; i < header.paths.size(); ++i) {
    const auto& [name, capacity] = header.paths[i];
    if (capacity == 0) {
      made.remarks.push_back(workload.name + ": path " + name + " is left out: its capacity is not known");
      continue;
    }
    taken.push_back(i);
    capacities.push_back(capacity);
    workload.paths.push_back(name);
  }
  if (taken.empty()) {
    throw TraceError(
        file +
        ": of none of its paths the capacity is known; record on a gateway that knows how fast its"
        " paths are");
  }
  Ticks ticks(capacities);
  std::vector<LoadBins::Heard> heard(taken.size());
  ctrl::record::TraceMessages messages(trace);
  while (const auto message = messages.next()) {
    for (std::size_t i = 0; i < taken.size(); ++i) heard[i] = message->paths[taken[i]];
    ticks.hear(heard, value(message->time));
    if (ticks.count() * taken.size() > most_cells) {
      throw TraceError(file + ": the trace is too long: with its " + std::to_string(taken.size()) +
                       " paths at most " + std::to_string(most_cells / taken.size() / 1'000) +
                       " s can be judged");
    }
  }
  workload.ticks = ticks.count();
  workload.seen = ticks.take();
  refuse_what_is_no_good(file, workload);
  if (trace.cut_short()) {
    made.remarks.push_back(workload.name + ": the trace was cut short; what is whole of it is judged");
  }
  made.remarks.push_back(summary(trace, workload));
  return made;
}

TraceWorkload trace_workload(const std::string& file, Trace::CutShort cut_short) {
  const auto trace = Trace::read(file, cut_short);
  if (!trace) throw TraceError(trace.error());
  return trace_workload(file, *trace);
}

}  // namespace braidway::bench::forecast
