// What scenarios have in common, and small ones as a whole.
#include "bench/fabric/scenarios/scenario.hpp"

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <unistd.h>

#include <gtest/gtest.h>

#include "bench/fabric/generated_topology.hpp"
#include "bench/fabric/scenarios/comparison.hpp"
#include "bench/fabric/utilisation.hpp"
#include "tests/unit/fabric/lab.hpp"

namespace braidway::bench::fabric {
namespace {

TEST(Comparison, TakesStudentsTFromTheTables) {
  const std::pair<std::uint64_t, double> table[] = {{1, 6.314}, {2, 2.920},  {4, 2.132},  {5, 2.015},
                                                    {9, 1.833}, {15, 1.753}, {30, 1.697}, {1000, 1.646}};
  for (const auto& [degrees, t] : table) EXPECT_NEAR(student_t95(degrees), t, 0.002) << degrees;
}

TEST(Comparison, BoundsTheGeometricMeanOfPairedRatios) {
  const std::array values{2.0, 8.0};
  const std::array reference{1.0, 1.0};
  const Ratio ratio = ratio_of(values, reference);
  EXPECT_DOUBLE_EQ(ratio.geometric_mean, 4);
  EXPECT_DOUBLE_EQ(ratio.worst, 8);
  // Logs differ by ln 4: their standard error is ln 4 / 2.
  EXPECT_NEAR(ratio.upper, 4 * std::exp(6.3138 * std::log(4) / 2), 0.01);
  EXPECT_DOUBLE_EQ(ratio_of(values, values).upper, 1);
  EXPECT_TRUE(std::isinf(ratio_of(std::array{2.0}, std::array{1.0}).upper));
}

TEST(Comparison, SaysWhichGoalsAreMissed) {
  std::ostringstream out;
  Goals goals{out};
  goals.at_most("x", 1, 1, " ms");
  EXPECT_TRUE(goals.met());
  goals.at_most("y", 1.25, 1);
  EXPECT_FALSE(goals.met());
  EXPECT_EQ(out.str(), "goal: auto, x at most 1 ms: 1 ms\ngoal: auto, y at most 1: 1.25  missed\n");
}

TEST(GeneratedTopology, OfThreeTiersHasAllItsPaths) {
  const Network tree{fat_tree(4, hundred_gigabit, 1'000)};
  EXPECT_EQ(tree.routing.hosts().size(), 16U);
  EXPECT_EQ(tree.topology.node_count(), 36U);
  EXPECT_EQ(tree.topology.links.size(), 48U);
  EXPECT_EQ(tree.routing.paths(0, 15).size(), 4U) << "to another pod";
  EXPECT_EQ(tree.routing.paths(0, 3).size(), 2U) << "within the pod";
  for (NodeIndex node = 16; node < 36; ++node) EXPECT_EQ(tree.routing.ports_of(node).size(), 4U) << node;
}

TEST(GeneratedTopology, IsReadBackAsItWasWritten) {
  const LeafSpineShape shape{
      .hosts_per_leaf = 2, .leaves = 3, .spines = 2, .rate = 25 * gigabit, .delay = 500};
  Topology topology = leaf_spine(shape);
  topology.links[uplink(shape, 2, 1)].rate = gigabit;
  topology.links[uplink(shape, 1, 0)].error_rate = 0.001;
  const auto name = std::filesystem::temp_directory_path() / ("written-" + std::to_string(getpid()) + ".txt");
  std::ofstream file{name};
  write_topology(file, topology);
  file.close();
  const Topology read = read_topology(name.string());
  std::filesystem::remove(name);
  EXPECT_EQ(read.is_switch, topology.is_switch);
  ASSERT_EQ(read.links.size(), topology.links.size());
  for (std::size_t i = 0; i < read.links.size(); ++i) {
    EXPECT_EQ(read.links[i].a, topology.links[i].a);
    EXPECT_EQ(read.links[i].b, topology.links[i].b);
    EXPECT_EQ(read.links[i].rate, topology.links[i].rate);
    EXPECT_EQ(read.links[i].delay, topology.links[i].delay);
    EXPECT_EQ(read.links[i].error_rate, topology.links[i].error_rate);
  }
  EXPECT_EQ(topology.links[uplink(shape, 2, 1)].a, 8U) << "leaf 2";
  EXPECT_EQ(topology.links[uplink(shape, 2, 1)].b, 10U) << "spine 1";
}

TEST(GeneratedTopology, IsAsLargeAsItsReaderTakesAndNoLarger) {
  const auto name = std::filesystem::temp_directory_path() / ("large-" + std::to_string(getpid()) + ".txt");
  // The most nodes, and the most links.
  for (const LeafSpineShape& shape :
       {LeafSpineShape{.hosts_per_leaf = 65'533, .leaves = 1, .spines = 2},
        LeafSpineShape{.hosts_per_leaf = 24, .leaves = 1'024, .spines = 1'000}}) {
    std::ofstream file{name};
    write_topology(file, leaf_spine(shape));
    file.close();
    EXPECT_NO_THROW(static_cast<void>(read_topology(name.string())));
  }
  std::filesystem::remove(name);
  EXPECT_THROW(static_cast<void>(leaf_spine({.hosts_per_leaf = 65'534, .leaves = 1, .spines = 2})),
               std::invalid_argument);
  EXPECT_THROW(static_cast<void>(leaf_spine({.hosts_per_leaf = 25, .leaves = 1'024, .spines = 1'000})),
               std::invalid_argument);
}

TEST(GeneratedTopology, IsRefusedWithoutSomething) {
  EXPECT_THROW(static_cast<void>(leaf_spine(LeafSpineShape{.leaves = 0})), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(leaf_spine(LeafSpineShape{.spines = 0})), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(fat_tree(3, gigabit, 0)), std::invalid_argument);
}

TEST(Utilisation, IsWhatALinkCarriedOfWhatItCould) {
  Config config;
  config.series_bin = 10'000;
  Lab lab{leaf_spine(1, 2, 1), {flow(0, 1, 5'000'000)}, config};
  std::ostringstream out;
  write_utilisation(out, lab.run());
  std::istringstream lines{out.str()};
  Nanoseconds at = 0;
  NodeIndex from = 0;
  NodeIndex to = 0;
  double share = 0;
  std::set<std::pair<NodeIndex, NodeIndex>> links;
  while (lines >> at >> from >> to >> share) {
    links.insert({from, to});
    const bool forward = (from == 2 && to == 4) || (from == 4 && to == 3);
    if (at == 50'000) {
      EXPECT_NEAR(share, forward ? 1 : 0, 0.02) << from << " " << to;
    }
  }
  EXPECT_EQ(links.size(), 4U) << "hosts' links are not among them";
}

TEST(Scenarios, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names{list_scenarios};
  for (const ScenarioEntry& entry : scenarios()) {
    EXPECT_TRUE(names.insert(entry.name).second) << entry.name;
    EXPECT_EQ(find_scenario(entry.name), &entry);
  }
  EXPECT_EQ(find_scenario("nonsense"), nullptr);
}

/// One seed of one scheme: what it prints and writes, but for the time it took.
std::string output_of(std::string_view name, const std::string& scheme, unsigned threads) {
  Options options;
  options.schemes = {scheme};
  options.seeds = 1;
  options.load = 20;
  options.threads = threads;
  options.anchors_folder = FABRIC_ANCHORS;
  std::ostringstream out;
  ScenarioOutcome outcome = find_scenario(name)->run(options, out);
  for (RunResult& run : outcome.runs) run.seconds = 0;
  write_json(out, outcome.runs);
  return out.str();
}

TEST(Scenarios, GiveTheSameOutputForTheSameSeed) {
  for (const std::string_view name : {"permutation", "gray-loss", "incast"}) {
    const std::string first = output_of(name, "spray-ideal", 1);
    EXPECT_EQ(output_of(name, "spray-ideal", 2), first) << name;
    EXPECT_NE(first.find("spray-ideal"), std::string::npos) << first;
  }
}

TEST(Scenarios, OfJobsWriteTheirTimeOverTheBound) {
  const std::string output = output_of("permutation", "spray-ideal", 1);
  EXPECT_EQ(output.find("\"jct_ratio\":null"), std::string::npos) << output;
  EXPECT_NE(output.find("\"jct_ratio\":"), std::string::npos) << output;
}

/// One seed of one scheme, both of the scenario's fabrics.
std::vector<RunResult> runs_of(std::string_view name, const std::string& scheme, std::string& printed) {
  Options options;
  options.schemes = {scheme};
  options.seeds = 1;
  std::ostringstream out;
  auto runs = find_scenario(name)->run(options, out).runs;
  printed = out.str();
  return runs;
}

TEST(Scenarios, OfManyToOneFillTheReceiversLinkAndPrintWhoWasHeldBack) {
  std::string printed;
  const auto runs = runs_of("incast", "spray-ideal", printed);
  ASSERT_EQ(runs.size(), 2U);
  for (const RunResult& run : runs) {
    EXPECT_EQ(run.slowdown.flows, 4U * 32) << run.variant;
    EXPECT_GE(run.jct_ratio.value_or(0), 1) << run.variant;
    EXPECT_LE(run.jct_ratio.value_or(0), 1.5) << run.variant;
    EXPECT_GT(run.counters.cnps, 0U) << run.variant;
    EXPECT_GT(run.counters.pfc_frames, 0U) << run.variant;
    EXPECT_NE(printed.find(" " + std::to_string(run.counters.cnps) + " "), std::string::npos) << printed;
    EXPECT_NE(printed.find(" " + std::to_string(run.counters.pfc_frames) + "\n"), std::string::npos)
        << printed;
  }
}

TEST(Scenarios, OfTreesTakeLongerWhereUplinksAreFew) {
  std::string printed;
  const auto runs = runs_of("tree-all-reduce", "spray-ideal", printed);
  ASSERT_EQ(runs.size(), 2U);
  for (const RunResult& run : runs) {
    // Eight trees of seven edges, up and down, in sixteen chunks.
    EXPECT_EQ(run.slowdown.flows, 8U * 7 * 2 * 16) << run.variant;
    EXPECT_GE(run.jct_ratio.value_or(0), 1) << run.variant;
  }
  EXPECT_GT(runs[1].slowdown.mean, runs[0].slowdown.mean);
}

TEST(Scenarios, ThatCannotFinishSayWhatIsStuck) {
  Options options;
  options.schemes = {"ecmp"};
  options.seeds = 1;
  options.config.network_events = {parse_network_event("50us down 3-32")};
  std::ostringstream out;
  try {
    find_scenario("all-to-all")->run(options, out);
    FAIL() << out.str();
  } catch (const Stuck& stuck) {
    EXPECT_NE(std::string{stuck.what()}.find("ecmp, seed 1: at "), std::string::npos) << stuck.what();
    EXPECT_NE(std::string{stuck.what()}.find("flows of 992 are stuck"), std::string::npos) << stuck.what();
  }
}

}  // namespace
}  // namespace braidway::bench::fabric
