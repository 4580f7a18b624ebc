// What is judged, and that the judge is just.
#include "bench/forecast/judge.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include <gtest/gtest.h>

namespace braidway::bench::forecast {
namespace {

constexpr double ms = bins_per_tick;

Workload make(std::string_view name, const Setting& setting = {.paths = 8, .ticks = 10'000}) {
  const auto entry = std::ranges::find(workloads(), name, &WorkloadEntry::name);
  return entry->make(setting);
}

/// By horizon and model.
std::map<unsigned, std::map<std::string, Verdict>> verdicts(const Workload& workload,
                                                            const std::vector<unsigned>& horizons) {
  std::map<unsigned, std::map<std::string, Verdict>> found;
  for (const Verdict& of : judge(workload, horizons, 1)) {
    found[static_cast<unsigned>(of.horizon_ms)].emplace(of.model, of);
  }
  return found;
}

TEST(JobSchedule, OnsetsKeepToAClockOrDriftAsTheirJobsDo) {
  const Job clocked{.period = 100, .busy = 0.3, .lateness = Lateness::clocked};
  const Job computing{.period = 100, .busy = 0.3, .lateness = Lateness::computing};
  const auto off_at_end = [](const Job& job) {
    double sum = 0;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
      const JobSchedule schedule(job, 10'000, Random(seed));
      const auto bursts = schedule.bursts();
      sum += std::pow(bursts[90].begins - bursts[0].begins - 9'000, 2);
      EXPECT_TRUE(std::ranges::is_sorted(bursts, {}, &Burst::begins));
    }
    return std::sqrt(sum / 200);
  };
  // 5 % of the period each: two are off by chance, or ninety gaps.
  EXPECT_NEAR(off_at_end(clocked), 5 * std::sqrt(2), 1.5);
  EXPECT_NEAR(off_at_end(computing), 5 * std::sqrt(90), 8);
}

TEST(JobSchedule, WhatIsDrawnIsWhatComesOnAverage) {
  for (const Lateness lateness : {Lateness::clocked, Lateness::computing}) {
    const JobSchedule schedule({.period = 100, .busy = 0.3, .lateness = lateness}, 1e6, Random(5));
    Random random(6);
    double came = 0;
    double drawn = 0;
    const auto bursts = schedule.bursts();
    std::size_t latest = 0;
    for (double now = 200; now < 900'000; now += 37) {
      while (bursts[latest + 1].begins <= now) ++latest;
      drawn += schedule.draw(now, now + 40, now + 50, latest, random);
      for (std::size_t i = latest; bursts[i].begins < now + 50; ++i) {
        came += std::max(std::min(bursts[i].ends, now + 50) - std::max(bursts[i].begins, now + 40), 0.0);
      }
    }
    EXPECT_NEAR(drawn / came, 1, 0.03);
  }
}

TEST(Workloads, AreTheSameForTheSameSeedAndAreLoads) {
  for (const WorkloadEntry& entry : workloads()) {
    const Setting setting{.paths = 3, .ticks = 1'000};
    const Workload one = entry.make(setting);
    const Workload two = entry.make(setting);
    EXPECT_EQ(one.load, two.load) << entry.name;
    EXPECT_EQ(one.seen, two.seen) << entry.name;
    for (const auto& path : one.load) {
      EXPECT_EQ(path.size(), 1'000 * bins_per_tick);
      EXPECT_TRUE(std::ranges::all_of(path, [](float load) { return load >= 0 && load <= 1; })) << entry.name;
    }
    Setting other = setting;
    other.seed = 2;
    EXPECT_NE(entry.make(other).load, one.load) << entry.name;
  }
}

TEST(Workloads, BesideOurOwnLoadOnlyBurstsAreMeasured) {
  const Workload workload = make("periodic-censored");
  for (std::size_t path = 0; path < workload.load.size(); ++path) {
    for (std::size_t bin = 0; bin < workload.load[path].size(); ++bin) {
      const auto& seen = workload.seen[path][bin];
      EXPECT_EQ(seen.censored, workload.load[path][bin] + 0.5F < 1);
      EXPECT_EQ(seen.load, seen.censored ? 0.5F : workload.load[path][bin]);
    }
  }
}

TEST(Workloads, MessagesAreHalfOfWhatAPathCarries) {
  const Workload workload = make("messages");
  double sum = 0;
  for (const auto& path : workload.load) {
    for (const float load : path) sum += load;
  }
  EXPECT_NEAR(sum / (8 * 10'000 * ms), 0.5, 0.02);
}

TEST(Judge, OnPeriodicBurstsTheEnsembleGoesMostOfTheWayToTheOracle) {
  for (const char* name : {"periodic", "several-jobs"}) {
    const Workload workload = make(name, {.paths = 8, .ticks = 20'000});
    for (auto& [horizon, by_model] : verdicts(workload, {5, 20})) {
      EXPECT_GT(by_model["ensemble"].oracle_share, 0.6) << name << ' ' << horizon;
      EXPECT_EQ(by_model["oracle"].oracle_share, 1);
      EXPECT_LT(by_model["oracle"].relative_error, by_model["ensemble"].relative_error);
      const auto [best, worst] =
          std::minmax({by_model["last"].relative_error, by_model["median"].relative_error,
                       by_model["ewma"].relative_error});
      EXPECT_EQ(best, 1) << "the best naive one is the measure";
      EXPECT_GE(worst, 1);
    }
  }
}

TEST(Judge, WhereNothingCanBeForecastNothingIsLostAndTheGateIsShut) {
  for (const char* name : {"white-noise", "messages"}) {
    for (auto& [horizon, by_model] : verdicts(make(name), {1, 20})) {
      EXPECT_LE(by_model["ensemble"].relative_error, 1.01) << name << ' ' << horizon;
      EXPECT_LT(by_model["ensemble"].gate_open_share, 0.01) << name << ' ' << horizon;
      EXPECT_TRUE(std::isnan(by_model["ensemble"].oracle_share));
      EXPECT_FALSE(by_model.contains("oracle"));
    }
  }
}

}  // namespace
}  // namespace braidway::bench::forecast
