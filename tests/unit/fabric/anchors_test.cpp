// The simulator against the published one, where chance has no part yet: until the first packet is marked
// (at about 60 us), ECMP with the published hashes gives every flow its published completion.
#include <fstream>
#include <map>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "bench/fabric/run.hpp"

namespace braidway::bench::fabric {
namespace {

using Key = std::tuple<NodeIndex, NodeIndex, std::uint16_t, std::uint16_t>;

TEST(Anchors, EcmpGivesThePublishedCompletionsToTheNanosecond) {
  const std::string anchors = FABRIC_ANCHORS;
  const Network network{anchors + "/leaf-spine-32.topology.txt"};
  const auto flows = read_flows(anchors + "/alistorage-load80.flows.txt.gz", network.topology);
  RunSetup run{
      .network = &network, .flows = &flows, .scheme = find_scheme("ecmp"), .config = {}, .keep_flows = true};
  run.config.pfc = PfcMode::leaky;
  std::map<Key, FlowResult> found;
  for (const FlowResult& result : simulate(run).flows) {
    const Flow& flow = result.flow;
    found[{flow.source, flow.destination, flow.source_port, flow.destination_port}] = result;
  }
  std::ifstream published{FABRIC_PUBLISHED};
  ASSERT_TRUE(published.is_open());
  NodeIndex source = 0;
  NodeIndex destination = 0;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
  std::uint32_t bytes = 0;
  Nanoseconds start = 0;
  Nanoseconds completion = 0;
  Nanoseconds ideal = 0;
  int count = 0;
  while (published >> source >> destination >> source_port >> destination_port >> bytes >> start >>
         completion >> ideal) {
    const auto at = found.find({source, destination, source_port, destination_port});
    ASSERT_NE(at, found.end());
    const FlowResult& result = at->second;
    EXPECT_EQ(result.flow.bytes, bytes);
    EXPECT_EQ(result.flow.start, start);
    EXPECT_EQ(result.ideal, ideal);
    // The published simulator computes times in floating point: a last packet's may be 1 ns less.
    EXPECT_NEAR(static_cast<double>(result.completion), static_cast<double>(completion), 1);
    ++count;
  }
  EXPECT_EQ(count, 190);
}

}  // namespace
}  // namespace braidway::bench::fabric
