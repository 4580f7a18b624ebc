// Models are judged on what was recorded: on all of it, and only on what was measured.
#include <cmath>
#include <filesystem>
#include <limits>
#include <sstream>
#include <stdlib.h>

#include <gtest/gtest.h>

#include "bench/forecast/judge.hpp"
#include "bench/forecast/series.hpp"
#include "bench/forecast/trace_workload.hpp"
#include "tests/unit/forecast/burst_trace.hpp"

namespace braidway::bench::forecast {
namespace {

using ctrl::record::Trace;

testing::AssertionResult says(const std::string& text, const std::string& words) {
  if (text.find(words) != std::string::npos) return testing::AssertionSuccess();
  return testing::AssertionFailure() << '"' << text << "\" does not say \"" << words << '"';
}

class ATrace : public testing::Test {
 protected:
  ATrace() {
    std::string name = (std::filesystem::temp_directory_path() / "forecast-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) folder = name;
  }
  ~ATrace() override { std::filesystem::remove_all(folder); }

  [[nodiscard]] std::string file(const std::string& name = "recorded.trace") const { return folder / name; }
  /// Of a trace that is written there.
  [[nodiscard]] TraceWorkload workload(const BurstTrace& trace) const {
    const auto written = trace.write(file());
    if (!written) ADD_FAILURE() << written.error();
    return trace_workload(file(), Trace::CutShort::refuse);
  }
  [[nodiscard]] std::string refusal(const BurstTrace& trace) const {
    try {
      (void)workload(trace);
    } catch (const TraceError& error) {
      return error.what();
    }
    return {};
  }

  std::filesystem::path folder;
};

TEST_F(ATrace, IsWhatTheGatewayCouldSeeOfItsPaths) {
  const auto [of, remarks] = workload({});
  EXPECT_EQ(of.name, "recorded");
  EXPECT_EQ(of.paths, (std::vector<std::string>{"fabric0", "fabric2"}));
  EXPECT_TRUE(of.load.empty()) << "nobody knows the truth";
  EXPECT_TRUE(of.jobs.empty());
  ASSERT_EQ(of.seen.size(), 2U);
  EXPECT_NEAR(static_cast<double>(of.ticks), 8'000, 3);
  EXPECT_EQ(of.seen[1].size(), of.ticks * bins_per_tick);
  EXPECT_EQ(of.seen[0], of.seen[1]);
  std::size_t measured = 0;
  for (std::size_t bin = 100; bin < of.seen[0].size(); ++bin) {
    const auto& seen = of.seen[0][bin];
    if (!seen.censored) {
      ++measured;
      ASSERT_NEAR(seen.load, 0.8F, 0.2F) << bin;
    } else if (!seen.unknown()) {
      ASSERT_NEAR(seen.load, 0.5F, 0.35F) << bin;
    }
  }
  EXPECT_NEAR(static_cast<double>(measured) / (8'000 * 10), 9.0 / 23, 0.02);
  ASSERT_EQ(remarks.size(), 2U);
  EXPECT_EQ(remarks[0], "recorded: path fabric1 is left out: its capacity is not known");
  EXPECT_TRUE(says(remarks[1], "80000 messages of gw-b to gw-a; of 2 paths' ticks "));
}

TEST_F(ATrace, OfPeriodicBurstsIsForecastBetterThanTheNaiveOnesDo) {
  const auto made = workload({.ms = 12'000});
  bool ensemble = false;
  for (const Verdict& of : judge(made.workload, {5}, 1)) {
    EXPECT_NE(of.model, "oracle");
    EXPECT_TRUE(std::isnan(of.oracle_share));
    if (of.model != "ensemble") continue;
    ensemble = true;
    EXPECT_LT(of.relative_error, 0.5);
    EXPECT_GT(of.gate_open_share, 0.5);
  }
  EXPECT_TRUE(ensemble);
}

TEST_F(ATrace, TicksOfWhichNothingIsKnownAreNotJudged) {
  auto all = workload({}).workload;
  auto part = all;
  // Beside it a path of which nothing is ever known.
  part.seen.emplace_back(part.seen[0].size());
  part.paths.emplace_back("fabric3");
  const auto naive = [](const Workload& workload) { return judge(workload, {5}, 1).front(); };
  EXPECT_EQ(naive(part).model, naive(all).model);
  EXPECT_NEAR(naive(part).error, naive(all).error, 1e-12);
}

TEST_F(ATrace, OfWhichANaiveOneIsNeverWrongHasNothingToCompareWith) {
  const auto made = workload({.period_ms = 20});
  for (const Verdict& of : judge(made.workload, {20}, 1)) {
    EXPECT_TRUE(std::isnan(of.relative_error)) << of.model;
    EXPECT_TRUE(std::isnan(of.clairvoyant_share)) << of.model;
    EXPECT_TRUE(of.model != "last" || of.error == 0);
  }
}

TEST_F(ATrace, WhatIsNoGoodForJudgingIsRefusedWithTheRemedy) {
  EXPECT_TRUE(says(refusal({.ms = 2'000}), "recorded.trace: the trace has 199"));
  std::filesystem::remove(file());
  EXPECT_TRUE(says(refusal({.ms = 2'000}), " ms, and judging takes 5000; record for longer"));
  std::filesystem::remove(file());
  EXPECT_TRUE(says(refusal({.bursts = false}), "could be measured; record while there is more load"));
  std::filesystem::remove(file());
  EXPECT_TRUE(says(refusal({.capacities = {0, 0}}), "of none of its paths the capacity is known"));
}

TEST_F(ATrace, ThatWasCutShortIsTakenOnlyWhenAskedFor) {
  (void)workload({});
  std::filesystem::resize_file(file(), std::filesystem::file_size(file()) - 100'000);
  EXPECT_THROW((void)trace_workload(file(), Trace::CutShort::refuse), TraceError);
  const auto [of, remarks] = trace_workload(file(), Trace::CutShort::take_whole_blocks);
  EXPECT_LT(of.ticks, 7'990U);
  EXPECT_GT(of.ticks, 7'000U);
  EXPECT_EQ(remarks[1], "recorded: the trace was cut short; what is whole of it is judged");
}

TEST_F(ATrace, TimeThatJumpsOrIsSilentTakesNoMemory) {
  const ctrl::record::TraceHeader header{
      .gateway = "a", .peer = "b", .paths = {{.name = "p", .capacity = 1}}};
  auto writer = ctrl::record::TraceWriter::create(file(), header);
  ASSERT_TRUE(writer);
  for (int i = 0; i < 100; ++i) {
    for (const std::int64_t time : {std::numeric_limits<std::int64_t>::max() - i, std::int64_t{i},
                                    std::numeric_limits<std::int64_t>::min() + i}) {
      ASSERT_TRUE(writer->append(lb::Nanoseconds{time}, {}));
    }
  }
  ASSERT_TRUE(writer->close());
  try {
    (void)trace_workload(file(), Trace::CutShort::refuse);
    FAIL() << "there is nothing in it";
  } catch (const TraceError& error) {
    EXPECT_TRUE(says(error.what(), "judging takes 5000"));
  }
}

TEST_F(ATrace, KeepsTheTimeInWhichNothingWasHeard) {
  const ctrl::record::TraceHeader header{
      .gateway = "a", .peer = "b", .paths = {{.name = "p", .capacity = 1}}};
  auto writer = ctrl::record::TraceWriter::create(file(), header);
  ASSERT_TRUE(writer);
  const std::vector<ctrl::record::Heard> queued{{20'000, 20'000, 20'000}};
  // Half a second of messages, half a second of silence, and so on.
  for (std::int64_t i = 0; i < 120'000; ++i) {
    if (i / 5'000 % 2 != 0) continue;
    ASSERT_TRUE(writer->append(lb::Nanoseconds{i * 100'000}, queued));
  }
  ASSERT_TRUE(writer->close());
  const auto made = trace_workload(file(), Trace::CutShort::refuse);
  EXPECT_NEAR(static_cast<double>(made.workload.ticks), 11'500, 5);
  EXPECT_TRUE(made.workload.seen[0][7'500].unknown());
  EXPECT_NEAR(made.workload.seen[0][12'500].load, 0.8F, 1e-3);
}

TEST_F(ATrace, ASeriesHoldsWhatWasExpectedBesideWhatCame) {
  const auto made = workload({.ms = 12'000});
  const Series series = make_series(made.workload, "");
  EXPECT_EQ(series.path, "fabric0");
  ASSERT_EQ(series.points.size(), series_ticks);
  EXPECT_EQ(series.points.back().tick, made.workload.ticks - 1);
  double off = 0;
  double measured = 0;
  for (const SeriesPoint& point : series.points) {
    EXPECT_TRUE(std::isnan(point.truth));
    if (point.seen.censored) continue;
    off += std::abs(point.expected - point.seen.load);
    measured += 1;
  }
  // The expectation is of that tick: bursts of a clock are met but for their edges.
  EXPECT_GT(measured, 1'000);
  EXPECT_LT(off / measured, 0.1);
  EXPECT_EQ(make_series(made.workload, "fabric2").path, "fabric2");
  EXPECT_THROW((void)make_series(made.workload, "fabric1"), std::invalid_argument);
}

TEST(SeriesFile, SaysWhatIsKnownAndHow) {
  std::ostringstream out;
  const float nan = std::numeric_limits<float>::quiet_NaN();
  write_csv(out, {{.workload = "a, \"b\"",
                   .path = "0",
                   .points = {{7, 0.25F, {.load = 0.5F, .censored = false}, 0.75F},
                              {8, 0.5F, {.load = 0.5F, .censored = true}, nan},
                              {9, 0.5F, {}, nan}}}});
  EXPECT_EQ(out.str(),
            "workload,path,ms,forecast,seen,how,truth\n"
            "\"a, \"\"b\"\"\",0,7,0.25,0.5,measured,0.75\n"
            "\"a, \"\"b\"\"\",0,8,0.5,0.5,bound,\n"
            "\"a, \"\"b\"\"\",0,9,0.5,1,unknown,\n");
}

}  // namespace
}  // namespace braidway::bench::forecast
