#include "bench/forecast/workload.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "bench/fabric/workload/size_distribution.hpp"

namespace braidway::bench::forecast {
namespace {

using ctrl::model::CrossLoad;

Workload empty(const Setting& setting) {
  Workload workload;
  workload.ticks = setting.ticks;
  workload.load.assign(setting.paths, std::vector<float>(setting.ticks * bins_per_tick));
  workload.jobs_of.resize(setting.paths);
  return workload;
}

/// All of it is seen, but for what a path cannot carry.
Workload seen_whole(Workload workload) {
  for (auto& path : workload.load) {
    auto& seen = workload.seen.emplace_back();
    seen.reserve(path.size());
    for (float& load : path) {
      load = std::clamp(load, 0.0F, 1.0F);
      seen.push_back({.load = load, .censored = false});
    }
  }
  return workload;
}

/// A queue stands only where the others and we together are more than the path can carry; else there is a
/// bound.
Workload seen_beside(Workload workload, float own) {
  workload = seen_whole(std::move(workload));
  workload.own = own;
  for (auto& path : workload.seen) {
    for (CrossLoad& bin : path) {
      if (bin.load + own < 1) bin = {.load = 1 - own, .censored = true};
    }
  }
  return workload;
}

/// Chance of a measurement, deviation.
constexpr double noise = 0.01;

void add_noise(Workload& workload, Random& random) {
  for (auto& path : workload.load) {
    for (float& load : path) load += static_cast<float>(0.05 + noise * normal(random));
  }
}

/// Puts a job onto the paths of which `on` says so.
template <typename On>
void add_job(Workload& workload, const Job& job, Random& random, On on) {
  const auto bins = static_cast<double>(workload.ticks * bins_per_tick);
  const std::size_t number = workload.jobs.size();
  workload.jobs.emplace_back(job, bins, Random(random.next()));
  for (std::size_t path = 0; path < workload.load.size(); ++path) {
    if (!on(path)) continue;
    workload.jobs_of[path].push_back(number);
    for (const Burst& burst : workload.jobs.back().bursts()) {
      const double last = std::min(burst.ends, bins);
      for (double at = std::max(burst.begins, 0.0); at < last;) {
        const double bin = std::floor(at);
        const double until = std::min(bin + 1, last);
        workload.load[path][static_cast<std::size_t>(bin)] += job.height * static_cast<float>(until - at);
        at = until;
      }
    }
  }
}

/// A job a path, of the periods that there are, some by the clock and some computing.
Workload one_job_a_path(const Setting& setting) {
  constexpr std::array periods_ms{5.0, 8.0, 13.0, 20.0, 35.0, 60.0, 110.0, 200.0};
  Random random(setting.seed);
  Workload workload = empty(setting);
  for (std::size_t path = 0; path < setting.paths; ++path) {
    const Job job{.period = periods_ms[path % periods_ms.size()] * bins_per_tick,
                  .busy = 0.2 + 0.3 * random.uniform(),
                  .height = 0.8F,
                  .lateness = path / periods_ms.size() % 2 == 0 ? Lateness::clocked : Lateness::computing};
    add_job(workload, job, random, [&](std::size_t of) { return of == path; });
  }
  add_noise(workload, random);
  return workload;
}

Workload periodic(const Setting& setting) { return seen_whole(one_job_a_path(setting)); }

Workload periodic_censored(const Setting& setting) { return seen_beside(one_job_a_path(setting), 0.5F); }

/// Three jobs on each path, two of one height; each is on half of the paths.
Workload several_jobs(const Setting& setting) {
  constexpr std::array<double, 6> periods_ms{7, 11, 18, 31, 52, 90};
  Random random(setting.seed);
  Workload workload = empty(setting);
  for (std::size_t i = 0; i < periods_ms.size(); ++i) {
    const Job job{.period = periods_ms[i] * bins_per_tick,
                  .busy = 0.15 + 0.15 * random.uniform(),
                  .height = i % 3 == 0 ? 0.4F : 0.25F,
                  .lateness = i % 2 == 0 ? Lateness::clocked : Lateness::computing};
    add_job(workload, job, random, [&](std::size_t path) { return (path + i) % 2 == 0; });
  }
  add_noise(workload, random);
  return seen_whole(std::move(workload));
}

/// Messages of the anchors' storage traffic, at random times; a path carries them one after the other.
Workload messages(const Setting& setting) {
  const fabric::SizeDistribution sizes{setting.anchors_folder + "/AliStorage2019.cdf.txt"};
  constexpr double bytes_per_bin = 1'250'000;  // 100 Gbit/s
  constexpr double load = 0.5;
  Random random(setting.seed);
  Workload workload = empty(setting);
  for (auto& path : workload.load) {
    double waits = 0;  // bytes
    double next = 0;   // bins
    for (std::size_t bin = 0; bin < path.size(); ++bin) {
      while (next < static_cast<double>(bin + 1)) {
        waits += sizes.sample(random);
        next -= std::log(1 - random.uniform()) * sizes.mean() / (load * bytes_per_bin);
      }
      const double carried = std::min(waits, bytes_per_bin);
      waits -= carried;
      path[bin] = static_cast<float>(carried / bytes_per_bin);
    }
  }
  return seen_whole(std::move(workload));
}

Workload white_noise(const Setting& setting) {
  Random random(setting.seed);
  Workload workload = empty(setting);
  for (auto& path : workload.load) {
    for (float& load : path) load = static_cast<float>(random.uniform());
  }
  return seen_whole(std::move(workload));
}

/// Bursts like those of jobs, of random lengths at random times: nothing to be learnt but how long they last.
Workload random_bursts(const Setting& setting) {
  constexpr double gap = 150;  // bins, on average
  constexpr double length = 60;
  Random random(setting.seed);
  Workload workload = empty(setting);
  for (auto& path : workload.load) {
    bool bursts = false;
    double changes = 0;
    for (std::size_t bin = 0; bin < path.size(); ++bin) {
      while (changes < static_cast<double>(bin)) {
        bursts = !bursts;
        changes -= std::log(1 - random.uniform()) * (bursts ? length : gap);
      }
      path[bin] = bursts ? 0.8F : 0.0F;
    }
  }
  add_noise(workload, random);
  return seen_whole(std::move(workload));
}

}  // namespace

Oracle::Oracle(const Workload& workload, std::uint64_t seed)
    : workload_(workload), random_(seed), latest_(workload.jobs.size()) {}

void Oracle::advance(std::size_t tick) {
  now_ = static_cast<double>((tick + 1) * bins_per_tick);
  for (std::size_t i = 0; i < latest_.size(); ++i) {
    const auto bursts = workload_.jobs[i].bursts();
    while (latest_[i] + 1 < bursts.size() && bursts[latest_[i] + 1].begins <= now_) ++latest_[i];
  }
}

float Oracle::expect(std::size_t path, unsigned horizon) {
  constexpr std::size_t draws = 31;
  constexpr float base = 0.05F;
  const double until = now_ + horizon * static_cast<double>(bins_per_tick);
  std::array<float, draws> drawn{};
  for (float& load : drawn) {
    load = base;
    for (const std::size_t job : workload_.jobs_of[path]) {
      const JobSchedule& of = workload_.jobs[job];
      double part = of.draw(now_, until - bins_per_tick, until, latest_[job], random_) / bins_per_tick;
      if (workload_.own > 0) part = std::round(part);
      load += of.job().height * static_cast<float>(part);
    }
  }
  std::ranges::nth_element(drawn, drawn.begin() + draws / 2);
  const float unseen = workload_.own > 0 ? 1 - workload_.own : 0;
  return std::clamp(drawn[draws / 2], unseen, 1.0F);
}

const std::vector<WorkloadEntry>& workloads() {
  static const std::vector<WorkloadEntry> all{
      {"periodic", "(a) bursts of one job a path, periods of 5 to 200 ms, 5 % jitter", periodic},
      {"periodic-censored", "(a) the same, seen only where they and our own 50 % make a queue",
       periodic_censored},
      {"several-jobs", "(a) bursts of three jobs a path, some of one height", several_jobs},
      {"messages", "(b) messages at random times, sizes of the anchors' storage traffic, 50 % load",
       messages},
      {"random-bursts", "(d) bursts of random lengths at random times", random_bursts},
      {"white-noise", "(d) each 100 us by chance", white_noise},
  };
  return all;
}

}  // namespace braidway::bench::forecast
