// What the readers of topologies and flow lists take and refuse.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <unistd.h>
#include <zlib.h>

#include <gtest/gtest.h>

#include "bench/fabric/flow_list.hpp"
#include "bench/fabric/generated_topology.hpp"
#include "bench/fabric/routing.hpp"
#include "bench/fabric/text_file.hpp"
#include "bench/fabric/topology.hpp"
#include "bench/fabric/workload/poisson.hpp"

namespace braidway::bench::fabric {
namespace {

/// A file that goes with its scope.
class File {
 public:
  explicit File(const std::string& text)
      : name_(std::filesystem::temp_directory_path() /
              ("fabric-" + std::to_string(getpid()) + "-" + std::to_string(++made) + ".txt")) {
    std::ofstream{name_} << text;
  }
  ~File() { std::filesystem::remove(name_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  static inline int made = 0;
  std::string name_;
};

const std::string pair = "3 1 2\n2\n0 2 100Gbps 1000ns 0\n1 2 100Gbps 1000ns 0\n";

/// What the error says behind `file:`.
template <typename Read>
std::string refusal(const std::string& text, Read read) {
  const File file{text};
  try {
    read(file.name());
  } catch (const InputError& error) {
    const std::string what = error.what();
    EXPECT_TRUE(what.starts_with(file.name() + ":")) << what;
    return what.substr(file.name().size() + 1);
  }
  return "accepted";
}
std::string topology_refusal(const std::string& text) { return refusal(text, read_topology); }
std::string flow_refusal(const std::string& text) {
  const File file{pair};
  const Topology topology = read_topology(file.name());
  return refusal(text, [&](const std::string& name) { return read_flows(name, topology); });
}

TEST(TopologyFile, IsReadWithItsUnits) {
  const File file{"4 1 3\r\n3\n\n0 3 10Mbps 5us 0.001\n1 3 1.5Gbps 2ms 0\n2 3 1000000bps 7ns 1\n"};
  const Topology topology = read_topology(file.name());
  EXPECT_EQ(topology.node_count(), 4U);
  EXPECT_TRUE(topology.is_switch[3]);
  ASSERT_EQ(topology.links.size(), 3U);
  EXPECT_EQ(topology.links[0].rate, 10'000'000U);
  EXPECT_EQ(topology.links[0].delay, 5'000);
  EXPECT_EQ(topology.links[0].error_rate, 0.001);
  EXPECT_EQ(topology.links[1].rate, 1'500'000'000U);
  EXPECT_EQ(topology.links[1].delay, 2'000'000);
}

TEST(TopologyFile, IsRefusedWithTheLineAndWhatIsWrong) {
  struct Case {
    std::string text;
    std::string why;
  };
  const Case cases[] = {
      {"", " the file ends where it should have: three numbers: nodes, switches, links"},
      {"3 1\n", "1: expected three numbers: nodes, switches, links"},
      {"x 1 2\n", "1: the number of nodes is x, not a whole number from 2 to 65536"},
      {"-3 1 2\n", "1: the number of nodes is -3, not a whole number from 2 to 65536"},
      {"3 9 2\n", "1: the number of switches is 9, not a whole number from 1 to 2"},
      {"3 1 0\n", "1: the number of links is 0, not a whole number from 1 to 1048576"},
      {"4 2 2\n2\n", "2: expected 2 switches, as the first line says"},
      {"4 2 2\n3 3\n", "2: switch 3 is named twice"},
      {"3 1 2\n7\n", "2: a switch is 7, not a whole number from 0 to 2"},
      {"3 1 2\n2\n0 2 100Gbps 1000ns 0\n",
       "3: the file ends where it should have: a link: node node rate delay "
       "error-rate"},
      {"3 1 2\n2\n0 2 100Gbps 1000ns\n", "3: expected a link: node node rate delay error-rate"},
      {"3 1 2\n2\n0 9 100Gbps 1000ns 0\n", "3: the link's second node is 9, not a whole number from 0 to 2"},
      {"3 1 2\n2\n0 2 100 1000ns 0\n",
       "3: the rate is 100, a number with one of the units Gbps Mbps Kbps bps was "
       "expected"},
      {"1000000000 1 2\n", "1: the number of nodes is 1000000000, not a whole number from 2 to 65536"},
      {"99999999999999999999 1 2\n",
       "1: the number of nodes is 99999999999999999999, not a whole number from 2 to 65536"},
      {"3.5 1 2\n", "1: the number of nodes is 3.5, not a whole number from 2 to 65536"},
      {"+3 1 2\n", "1: the number of nodes is +3, not a whole number from 2 to 65536"},
      {"3 3 2\n", "1: the number of switches is 3, not a whole number from 1 to 2"},
      {"3 1 2\n2 1\n", "2: expected 1 switches, as the first line says"},
      {"3 1 2\n2\n-1 2 100Gbps 1000ns 0\n", "3: the link's first node is -1, not a whole number from 0 to 2"},
      {"3 1 2\n2\n0 2 Gbps 1000ns 0\n",
       "3: the rate is Gbps, a number with one of the units Gbps Mbps Kbps bps was expected"},
      {"3 1 2\n2\n0 2 1e30Gbps 1000ns 0\n", "3: the rate (Gbps) is 1e30, not a number from 0.001 to 10000"},
      {"3 1 2\n2\n0 2 nanGbps 1000ns 0\n", "3: the rate (Gbps) is nan, not a number from 0.001 to 10000"},
      {"3 1 2\n2\n0 2 1bps 1000ns 0\n", "3: the rate (bps) is 1, not a number from 1e+06 to 1e+13"},
      {"3 1 2\n2\n0 2 100Gbps 2s 0\n", "3: the delay (s) is 2, not a number from 0 to 1"},
      {"3 1 2\n2\n0 2 100Gbps 1000 0\n",
       "3: the delay is 1000, a number with one of the units ns us ms s was expected"},
      {"3 1 2\n2\n0 2 100Gbps 5ns -0.1\n", "3: the error rate is -0.1, not a number from 0 to 1"},
      {"3 1 3\n2\n0 2 100Gbps 5ns 0\n1 2 100Gbps 5ns 0\n",
       "4: the file ends where it should have: a link: node node rate delay error-rate"},
      {"5 2 3\n3 4\n0 3 100Gbps 5ns 0\n1 3 100Gbps 5ns 0\n2 4 100Gbps 5ns 0\n",
       "5: the file ends, and no links join host 2 to host 0"},
      {"\x01\xff\n", "1: expected three numbers: nodes, switches, links"},
      {"3 1 2\n2\n0 2 -1Gbps 1000ns 0\n", "3: the rate (Gbps) is -1, not a number from 0.001 to 10000"},
      {"3 1 2\n2\n0 2 0Gbps 1000ns 0\n", "3: the rate (Gbps) is 0, not a number from 0.001 to 10000"},
      {"3 1 2\n2\n0 2 100Gbps -5ns 0\n", "3: the delay (ns) is -5, not a number from 0 to 1e+09"},
      {"3 1 2\n2\n0 2 100Gbps 5ns 1.5\n", "3: the error rate is 1.5, not a number from 0 to 1"},
      {"3 1 2\n2\n0 2 100Gbps 5ns nan\n", "3: the error rate is nan, not a number from 0 to 1"},
      {"3 1 2\n2\n0 0 100Gbps 5ns 0\n", "3: a link from node 0 to itself"},
      {"3 1 2\n2\n0 1 100Gbps 5ns 0\n", "3: hosts 0 and 1 are linked to each other, not to a switch"},
      {"2 0 1\n0 1 100Gbps 5ns 0\n", "1: the number of switches is 0, not a whole number from 1 to 1"},
      {"3 1 2\n2\n0 2 100Gbps 5ns 0\n0 2 100Gbps 5ns 0\n",
       "4: host 0 has a second link; the first is in line 3"},
      {pair + "1 2 100Gbps 1000ns 0\n", "5: more lines than the 2 links of the first line"},
      {"4 1 2\n2\n0 2 100Gbps 5ns 0\n1 2 100Gbps 5ns 0\n", "4: the file ends, and host 3 has no link"},
      {"4 2 2\n2 3\n0 2 100Gbps 5ns 0\n1 3 100Gbps 5ns 0\n",
       "4: the file ends, and no links join host 1 to host 0"},
  };
  for (const Case& each : cases) EXPECT_EQ(topology_refusal(each.text), each.why) << each.text;
}

TEST(FlowFile, IsRefusedWithTheLineAndWhatIsWrong) {
  struct Case {
    std::string text;
    std::string why;
  };
  const Case cases[] = {
      {"", " the file ends where it should have: one number: how many flows follow"},
      {"0\n", "1: the number of flows is 0, not a whole number from 1 to 100000000"},
      {"2\n0 1 3 100 0\n",
       "2: the file ends where it should have: a flow: source destination priority bytes start"},
      {"1\n0 1 3 100\n", "2: expected a flow: source destination priority bytes start"},
      {"1\n0 9 3 100 0\n", "2: the destination is 9, not a whole number from 0 to 2"},
      {"1\n2 1 3 100 0\n", "2: the source is 2, a switch, not a host"},
      {"1\n0 0 3 100 0\n", "2: a flow from a host to itself"},
      {"1\n0 1 8 100 0\n", "2: the priority is 8, not a whole number from 0 to 7"},
      {"1\n0 1 3 0 0\n", "2: the size is 0, not a whole number from 1 to 2147483648"},
      {"1\n0 1 3 -5 0\n", "2: the size is -5, not a whole number from 1 to 2147483648"},
      {"1\n0 1 3 100 -1\n", "2: the start is -1, not a number from 0 to 1e+06"},
      {"-1\n", "1: the number of flows is -1, not a whole number from 1 to 100000000"},
      {"100000000000\n", "1: the number of flows is 100000000000, not a whole number from 1 to 100000000"},
      {"1 2\n", "1: expected one number: how many flows follow"},
      {"1\n7 1 3 100 0\n", "2: the source is 7, not a whole number from 0 to 2"},
      {"1\n0 2 3 100 0\n", "2: the destination is 2, a switch, not a host"},
      {"1\n0 1 -1 100 0\n", "2: the priority is -1, not a whole number from 0 to 7"},
      {"1\n0 1 3 10.5 0\n", "2: the size is 10.5, not a whole number from 1 to 2147483648"},
      {"1\n0 1 3 2147483649 0\n", "2: the size is 2147483649, not a whole number from 1 to 2147483648"},
      {"1\n0 1 3 100 nan\n", "2: the start is nan, not a number from 0 to 1e+06"},
      {"1\n0 1 3 100 inf\n", "2: the start is inf, not a number from 0 to 1e+06"},
      {"1\n0 1 3 100 0 9\n", "2: expected a flow: source destination priority bytes start"},
      {"1\n0 1 3 100 1e300\n", "2: the start is 1e300, not a number from 0 to 1e+06"},
      {"1\n0 1 3 100 0\n0 1 3 100 0\n", "3: more lines than the 1 flows of the first line"},
  };
  for (const Case& each : cases) EXPECT_EQ(flow_refusal(each.text), each.why) << each.text;
}

TEST(FlowFile, IsOrderedByStartAndNumbersItsUdpPorts) {
  const File links{pair};
  const Topology topology = read_topology(links.name());
  const File file{"3\n0 1 3 5 3\n1 0 3 6 2.5\n0 1 3 7 2.000000100\n"};
  const auto flows = read_flows(file.name(), topology);
  ASSERT_EQ(flows.size(), 3U);
  EXPECT_EQ(flows[0].bytes, 7U);
  EXPECT_EQ(flows[0].start, 2'000'000'099);  // the binary number next to 2.0000001 is less
  EXPECT_EQ(flows[0].source_port, 10'000);
  EXPECT_EQ(flows[0].destination_port, 100);
  EXPECT_EQ(flows[1].start, 2'500'000'000);
  EXPECT_EQ(flows[2].source_port, 10'001);
  EXPECT_EQ(flows[2].destination_port, 101);
  EXPECT_EQ(flows[1].source_port, 10'000);
}

TEST(FlowFile, IsReadBackAsItWasWritten) {
  const Topology topology = leaf_spine({.hosts_per_leaf = 2, .leaves = 2, .spines = 1});
  const Routing routing{topology};
  const SizeDistribution sizes{FABRIC_ANCHORS "/AliStorage2019.cdf.txt"};
  std::vector<Flow> flows = poisson_flows(topology, routing, sizes, {.load = 80, .duration = 5'000'000}, 3);
  ASSERT_GT(flows.size(), 400U);
  // Long after, where the seconds have many digits of their own.
  for (Flow& flow : flows) flow.start = flow.start % 2 == 0 ? flow.start : 999'999'000'000'000 + flow.start;
  arrange(flows);
  std::ostringstream out;
  write_flows(out, flows);
  const File file{out.str()};
  const std::vector<Flow> read = read_flows(file.name(), topology);
  ASSERT_EQ(read.size(), flows.size());
  for (std::size_t i = 0; i < flows.size(); ++i) {
    ASSERT_EQ(read[i].source, flows[i].source) << i;
    ASSERT_EQ(read[i].destination, flows[i].destination) << i;
    ASSERT_EQ(read[i].bytes, flows[i].bytes) << i;
    ASSERT_EQ(read[i].start, flows[i].start) << i;
    ASSERT_EQ(read[i].source_port, flows[i].source_port) << i;
    ASSERT_EQ(read[i].destination_port, flows[i].destination_port) << i;
  }
}

TEST(TextFile, ReadsGzip) {
  const File file{""};
  gzFile packed = gzopen(file.name().c_str(), "wb");
  gzputs(packed, pair.c_str());
  gzclose(packed);
  EXPECT_EQ(read_topology(file.name()).links.size(), 2U);
}

TEST(TextFile, SaysThatGzipDataIsCutOff) {
  const File file{""};
  gzFile packed = gzopen(file.name().c_str(), "wb");
  gzputs(packed, pair.c_str());
  gzclose(packed);
  std::filesystem::resize_file(file.name(), std::filesystem::file_size(file.name()) - 12);
  try {
    static_cast<void>(read_topology(file.name()));
    FAIL();
  } catch (const InputError& error) {
    EXPECT_EQ(error.what(), file.name() + ": ends in the middle of its gzip data");
  }
}

TEST(TextFile, SaysWhichFileCannotBeOpened) {
  EXPECT_THROW(
      {
        try {
          static_cast<void>(read_topology("/nowhere/at/all"));
        } catch (const InputError& error) {
          EXPECT_STREQ(error.what(), "/nowhere/at/all: cannot be opened");
          throw;
        }
      },
      InputError);
}

}  // namespace
}  // namespace braidway::bench::fabric
