// What generators make: who sends how much to whom, and when.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <utility>

#include <gtest/gtest.h>

#include "bench/fabric/text_file.hpp"
#include "bench/fabric/workload/collectives.hpp"
#include "bench/fabric/workload/poisson.hpp"
#include "bench/fabric/workload/size_distribution.hpp"
#include "tests/unit/fabric/lab.hpp"

namespace braidway::bench::fabric {
namespace {

/// A distribution from a file that goes again.
SizeDistribution sizes_of(const std::string& text) {
  const auto name = std::filesystem::temp_directory_path() / ("sizes-" + std::to_string(getpid()) + ".txt");
  std::ofstream{name} << text;
  struct Remover {
    std::filesystem::path name;
    ~Remover() { std::filesystem::remove(name); }
  } const remover{name};
  try {
    return SizeDistribution{name.string()};
  } catch (const InputError& error) {
    throw std::invalid_argument(std::string{error.what()}.substr(name.string().size() + 1));
  }
}

std::string size_refusal(const std::string& text) {
  try {
    static_cast<void>(sizes_of(text));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "accepted";
}

std::vector<NodeIndex> hosts(NodeIndex count) {
  std::vector<NodeIndex> all(count);
  for (NodeIndex i = 0; i < count; ++i) all[i] = i;
  return all;
}

TEST(SizeDistribution, IsLinearBetweenItsPoints) {
  const SizeDistribution sizes = sizes_of("0 0\n1000 50\n3000 100\n");
  EXPECT_DOUBLE_EQ(sizes.mean(), 0.5 * 500 + 0.5 * 2000);
  Random random{3};
  double sum = 0;
  std::uint32_t below = 0;
  constexpr std::uint32_t count = 100'000;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t size = sizes.sample(random);
    ASSERT_GE(size, 1U);
    ASSERT_LE(size, 3000U);
    sum += size;
    below += size < 1000 ? 1 : 0;
  }
  EXPECT_NEAR(sum / count, sizes.mean(), 10);
  EXPECT_NEAR(below, count * 0.5, count * 0.01);
}

TEST(SizeDistribution, MayHaveSteps) {
  const SizeDistribution sizes = sizes_of("500 0\n500 100\n");
  Random random{1};
  EXPECT_EQ(sizes.sample(random), 500U);
  EXPECT_EQ(sizes.mean(), 500);
}

TEST(SizeDistribution, IsRefusedWithTheLineAndWhatIsWrong) {
  const std::pair<std::string, std::string> cases[] = {
      {"", " the file ends, and the last point is not at 100 percent"},
      {"0 0\n10 50\n", "2: the file ends, and the last point is not at 100 percent"},
      {"0 0\n10\n", "2: expected a point: bytes cumulative-percent"},
      {"0 5\n10 100\n", "1: the first point is not at 0 percent"},
      {"0 0\n10 50\n5 100\n", "3: the size is 5, not a number from 10 to 2.14748e+09"},
      {"0 0\n10 50\n15 40\n", "3: the cumulative percentage is 40, not a number from 50 to 100"},
      {"0 0\n10 101\n", "2: the cumulative percentage is 101, not a number from 0 to 100"},
      {"0 0\n-1 100\n", "2: the size is -1, not a number from 0 to 2.14748e+09"},
      {"0 0\n0 100\n", "2: all sizes are below 1 byte"},
      {"\n\n", "2: the file ends, and the last point is not at 100 percent"},
      {"0 0\n10 99.9\n", "2: the file ends, and the last point is not at 100 percent"},
      {"0 0\n10 50\n3000000000 100\n", "3: the size is 3000000000, not a number from 10 to 2.14748e+09"},
      {"0 0\n1e400 100\n", "2: the size is 1e400, not a number from 0 to 2.14748e+09"},
      {"0 0\ninf 100\n", "2: the size is inf, not a number from 0 to 2.14748e+09"},
      {"0 0\n10 nan\n", "2: the cumulative percentage is nan, not a number from 0 to 100"},
      {"0 0\n10 100%\n", "2: the cumulative percentage is 100%, not a number from 0 to 100"},
      {"0 -1\n10 100\n", "1: the cumulative percentage is -1, not a number from 0 to 100"},
      {"0 0\n10 100\n20 100 3\n", "3: expected a point: bytes cumulative-percent"},
      {"bytes percent\n0 0\n10 100\n", "1: the size is bytes, not a number from 0 to 2.14748e+09"},
  };
  for (const auto& [text, why] : cases) EXPECT_EQ(size_refusal(text), why) << text;
}

class Poisson : public testing::Test {
 protected:
  [[nodiscard]] std::vector<Flow> flows(std::uint64_t seed, bool between_racks_only = false) const {
    return poisson_flows(network_.topology, network_.routing, sizes_,
                         {.load = 80, .duration = duration, .between_racks_only = between_racks_only}, seed);
  }

  static constexpr Nanoseconds duration = 20'000'000;
  Network network_{leaf_spine(4, 4, 2)};
  SizeDistribution sizes_ = sizes_of("0 0\n10000 80\n50000 100\n");
};

TEST_F(Poisson, PutsTheLoadOnEachHostsLink) {
  std::map<NodeIndex, double> sent;
  double total = 0;
  for (const Flow& flow : flows(1)) {
    sent[flow.source] += flow.bytes;
    total += flow.bytes;
  }
  const double expected = 0.4 * 100e9 / 8 * duration / 1e9;
  EXPECT_EQ(sent.size(), 16U);
  EXPECT_NEAR(total / 16, expected, expected * 0.02);
  for (const auto& [host, bytes] : sent) EXPECT_NEAR(bytes, expected, expected * 0.15) << host;
}

TEST_F(Poisson, IsTheSameForTheSameSeedOnly) {
  const auto is_same = [](const Flow& a, const Flow& b) {
    return a.source == b.source && a.destination == b.destination && a.bytes == b.bytes && a.start == b.start;
  };
  EXPECT_TRUE(std::ranges::equal(flows(1), flows(1), is_same));
  EXPECT_FALSE(std::ranges::equal(flows(1), flows(2), is_same));
}

TEST_F(Poisson, IsArrangedAndWithinItsTime) {
  const auto list = flows(5);
  EXPECT_TRUE(std::ranges::is_sorted(list, {}, &Flow::start));
  EXPECT_LT(list.back().start, duration);
  EXPECT_EQ(list.front().source_port, 10'000);
}

TEST_F(Poisson, GoesToAllOthersOrToOtherRacksOnly) {
  std::set<std::pair<NodeIndex, NodeIndex>> pairs;
  for (const Flow& flow : flows(1)) pairs.insert({flow.source, flow.destination});
  EXPECT_EQ(pairs.size(), 16U * 15);
  for (const Flow& flow : flows(1, true)) EXPECT_NE(flow.source / 4, flow.destination / 4);
}

TEST_F(Poisson, RefusesAFabricWithoutDestinations) {
  const Network one_rack{star(4)};
  EXPECT_THROW(static_cast<void>(poisson_flows(one_rack.topology, one_rack.routing, sizes_,
                                               {.between_racks_only = true}, 1)),
               std::invalid_argument);
}

TEST_F(Poisson, RefusesTimesWithoutFlowsAndWithTooMany) {
  const auto refusal = [&](Nanoseconds time) -> std::string {
    try {
      static_cast<void>(poisson_flows(network_.topology, network_.routing, sizes_, {.duration = time}, 1));
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refusal(1), "at that load no flow starts within 1 ns: take a longer time");
  EXPECT_EQ(refusal(1'000'000'000'000'000),
            "that load makes 5000000 million flows in that time, and a list has at most 100 million: take a "
            "shorter time");
  // Hardly any message has a size: the next one would come at once, for ever.
  const SizeDistribution nothing = sizes_of("0 0\n0 99.9999999999\n1 100\n");
  EXPECT_THROW(static_cast<void>(poisson_flows(network_.topology, network_.routing, nothing, {}, 1)),
               std::invalid_argument);
}

TEST(Collectives, APermutationSendsAndReceivesOnceAtEachHost) {
  std::set<NodeIndex> first;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Workload workload;
    add_permutation(workload, hosts(17), 1000, seed);
    std::set<NodeIndex> to;
    for (const Flow& flow : workload.flows) {
      EXPECT_NE(flow.source, flow.destination);
      to.insert(flow.destination);
    }
    EXPECT_EQ(workload.flows.size(), 17U);
    EXPECT_EQ(to.size(), 17U);
    first.insert(workload.flows[0].destination);
  }
  EXPECT_GT(first.size(), 5U) << "seeds differ";
}

TEST(Collectives, AllToAllJoinsEachPairOnceBothWays) {
  Workload workload;
  add_all_to_all(workload, hosts(6), 1000);
  std::set<std::pair<NodeIndex, NodeIndex>> pairs;
  for (const Flow& flow : workload.flows) pairs.insert({flow.source, flow.destination});
  EXPECT_EQ(workload.flows.size(), 30U);
  EXPECT_EQ(pairs.size(), 30U);
}

TEST(Collectives, ARingSendsWhatItMustAndNoMore) {
  Workload workload;
  add_ring_all_reduce(workload, hosts(5), 1'000'003);
  std::map<NodeIndex, std::uint64_t> sent;
  for (const Flow& flow : workload.flows) {
    EXPECT_EQ(flow.destination, (flow.source + 1) % 5);
    sent[flow.source] += flow.bytes;
  }
  EXPECT_EQ(workload.flows.size(), 5U * 8);
  // Each chunk crosses each host's link twice, but for those that it begins or ends behind.
  for (const auto& [host, bytes] : sent)
    EXPECT_NEAR(static_cast<double>(bytes), 2 * 1'000'003 * 4 / 5.0, 2) << host;
}

TEST(Collectives, ATreeSendsEachChunkUpAndDownEachEdge) {
  Workload workload;
  add_tree_all_reduce(workload, hosts(7), 900, 3);
  std::map<std::pair<NodeIndex, NodeIndex>, std::uint64_t> bytes;
  for (const Flow& flow : workload.flows) bytes[{flow.source, flow.destination}] += flow.bytes;
  EXPECT_EQ(bytes.size(), 12U);
  for (const auto& [edge, sum] : bytes) {
    EXPECT_EQ(sum, 900U);
    EXPECT_EQ((std::max(edge.first, edge.second) - 1) / 2, std::min(edge.first, edge.second));
  }
}

TEST(Collectives, RefuseWhatCannotBe) {
  Workload workload;
  EXPECT_THROW(add_permutation(workload, hosts(1), 1000, 1), std::invalid_argument);
  EXPECT_THROW(add_incast(workload, hosts(1), 1000), std::invalid_argument);
  EXPECT_THROW(add_all_to_all(workload, hosts(2), 0), std::invalid_argument);
  EXPECT_THROW(add_ring_all_reduce(workload, {}, 1000), std::invalid_argument);
  EXPECT_THROW(add_tree_all_reduce(workload, hosts(3), 1000, 0), std::invalid_argument);
  EXPECT_THROW(add_tree_all_reduce(workload, hosts(3), 2, 3), std::invalid_argument);
}

}  // namespace
}  // namespace braidway::bench::fabric
