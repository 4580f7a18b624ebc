// Schemes, each by what sets it apart.
#include <map>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "bench/fabric/schemes/conga.hpp"
#include "bench/fabric/schemes/conweave.hpp"
#include "bench/fabric/schemes/drill.hpp"
#include "bench/fabric/schemes/flowlets.hpp"
#include "bench/fabric/schemes/registry.hpp"
#include "bench/fabric/schemes/wcmp.hpp"
#include "tests/unit/fabric/lab.hpp"

namespace braidway::bench::fabric {
namespace {

Packet data_packet(NodeIndex source, NodeIndex destination, std::uint16_t source_port = 10'000) {
  Packet packet{};
  packet.kind = PacketKind::data;
  packet.source = source;
  packet.destination = destination;
  packet.source_port = source_port;
  packet.destination_port = 100;
  packet.bytes = full_packet_bytes;
  packet.payload = payload_bytes;
  return packet;
}

TEST(Routing, FindsAllShortestWaysInThreeTiers) {
  const Topology topology = three_tier();
  const Routing routing{topology};
  EXPECT_EQ(routing.candidates(8, 1).size(), 1U);
  EXPECT_EQ(routing.candidates(8, 2).size(), 2U);
  EXPECT_EQ(routing.candidates(8, 4).size(), 2U);
  EXPECT_EQ(routing.candidates(12, 4).size(), 2U);
  EXPECT_EQ(routing.candidates(12, 0).size(), 1U);
  EXPECT_EQ(routing.paths(0, 1).size(), 1U);
  EXPECT_EQ(routing.paths(0, 2).size(), 2U);
  EXPECT_EQ(routing.paths(0, 4).size(), 4U);
  for (const Path& path : routing.paths(0, 4)) EXPECT_EQ(path.hops, 4U);
  EXPECT_EQ(routing.capacity(8, 4), 2 * hundred_gigabit);
}

TEST(Schemes, DeliverEverythingInOrderOverThreeTiers) {
  std::vector<Flow> flows;
  Random random{5};
  for (Nanoseconds at = 0; at < 200'000; at += 1'500) {
    const NodeIndex source = random.below(8);
    flows.push_back(flow(source, (source + 1 + random.below(7)) % 8, 1 + random.below(100'000), at));
  }
  for (const SchemeEntry& scheme : schemes()) {
    Lab lab{three_tier(), flows, {}, scheme.make};
    const Counters& counters = lab.run().counters();
    EXPECT_EQ(counters.dropped, 0U) << scheme.name;
    EXPECT_EQ(counters.out_of_order > 0, scheme.name == "drill") << scheme.name;
  }
}

TEST(Wcmp, SharesFlowsInProportionToCapacity) {
  // The second of two spines has a quarter of the rate on the far side only.
  Topology topology = leaf_spine(1, 2, 2);
  for (Link& link : topology.links) {
    if (link.a == 3 && link.b == 5) link.rate = 25 * gigabit;
  }
  Lab lab{topology, {flow(0, 1, 1)}, {}, make<Wcmp>};
  Wcmp wcmp{lab.fabric()};
  int slow = 0;
  constexpr int flows = 10'000;
  for (int i = 0; i < flows; ++i) {
    Packet packet = data_packet(0, 1, static_cast<std::uint16_t>(i));
    const auto candidates = lab.network().routing.candidates(2, 1);
    slow += wcmp.choose(2, packet, candidates) == candidates[1] ? 1 : 0;
  }
  EXPECT_NEAR(slow / static_cast<double>(flows), 0.2, 0.02);
}

TEST(Drill, RemembersTheBestPortPerDestinationHost) {
  Lab lab{leaf_spine(2, 2, 8), {flow(0, 2, 1)}, {}, make<Drill>};
  Drill drill{lab.fabric()};
  const auto candidates = lab.network().routing.candidates(4, 2);
  // All queues are empty: no port is strictly better than the first one taken.
  Packet to_first = data_packet(0, 2);
  Packet to_second = data_packet(0, 3);
  const PortIndex first = drill.choose(4, to_first, candidates);
  std::set<PortIndex> starts;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(drill.choose(4, to_first, candidates), first);
  for (int i = 0; i < 50; ++i) starts.insert(Drill{lab.fabric()}.choose(4, to_second, candidates));
  EXPECT_GT(starts.size(), 4U) << "the first choice is at random";
}

TEST(Flowlets, EndAfterAHundredMicrosecondsOfSilence) {
  Flowlets flowlets{1};
  PathNumber next = 0;
  const auto choose = [&] { return next++; };
  EXPECT_EQ(flowlets.path_of(0, 0, choose), 0);
  EXPECT_EQ(flowlets.path_of(0, 100'000, choose), 0);
  EXPECT_EQ(flowlets.path_of(0, 200'001, choose), 1);
}

TEST(Conga, EstimatesAPortsLoadInEighthsOverFiftyMicroseconds) {
  Lab lab{leaf_spine(1, 2, 2), {flow(0, 1, 1)}, {}, make<Conga>};
  Conga conga{lab.fabric()};
  const PortIndex uplink = lab.network().routing.candidates(2, 1).front();
  Packet packet = data_packet(0, 1);
  // 100 Gbit/s x 50 us / 0.2 = 3.125 MB is full; 8 levels.
  for (int bytes = 0; bytes < 3'125'000 / 2 + 2 * 1'048; bytes += 1'048) conga.on_enqueue(uplink, packet);
  EXPECT_EQ(conga.load_of(uplink), 4U);
}

TEST(Conga, TakesThePathThatIsLeastLoadedAnywhere) {
  // Flows from two leaves to a third: once one of two spines is loaded towards it, others avoid that spine.
  std::vector<Flow> flows;
  flows.reserve(5);
  for (NodeIndex i = 0; i < 2; ++i) flows.push_back(flow(i, 4, 3'000'000, i));
  for (NodeIndex i = 0; i < 2; ++i) flows.push_back(flow(4 + i, 2, 3'000'000, 10 + i));
  flows.push_back(flow(2, 5, 3'000'000, 400'000));
  std::map<std::string_view, double> mean;
  for (const std::string_view name : {"conga", "letflow"}) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      Lab lab{leaf_spine(2, 3, 2), flows, {.seed = seed}, find_scheme(name)->make};
      lab.run();
      for (FlowIndex i = 0; i < flows.size(); ++i) mean[name] += static_cast<double>(lab.completion(i));
    }
  }
  EXPECT_LT(mean["conga"], 0.95 * mean["letflow"]);
}

/// Two leaves, two spines; the links of the second have `extra` more delay.
Topology uneven(Nanoseconds extra) {
  Topology topology = leaf_spine(4, 2, 2);
  for (Link& link : topology.links) {
    if (link.b == 11) link.delay += extra;
  }
  return topology;
}

TEST(ConWeave, LeavesAPathWhoseReplyTakesMoreThanEightMicroseconds) {
  std::vector<Flow> flows;
  flows.reserve(4);
  for (NodeIndex i = 0; i < 4; ++i) flows.push_back(flow(i, 4 + i, 300'000, i * Nanoseconds{50'000}));
  std::uint64_t held_in_time = 0;
  std::uint64_t held_late = 0;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    // Both ways by the slow spine: 7.6 us and 0.2 us of transmission are in time, ...
    Lab in_time{uneven(900), flows, {.seed = seed}, make<ConWeave>};
    held_in_time += in_time.run().scheme().order_peak_bytes();
    // ... 8.4 us and 0.2 us are not.
    Lab late{uneven(1'100), flows, {.seed = seed}, make<ConWeave>};
    Fabric& fabric = late.run();
    held_late += fabric.scheme().order_peak_bytes();
    EXPECT_EQ(fabric.counters().out_of_order, 0U);
    EXPECT_EQ(fabric.buffer(8).used() + fabric.buffer(9).used(), 0U);
  }
  EXPECT_EQ(held_in_time, 0U);
  EXPECT_GT(held_late, 0U);
}

/// ConWeave, with a count of what passes between its leaves.
class CountedConWeave final : public Scheme {
 public:
  explicit CountedConWeave(Fabric& fabric) : Scheme({.arrival = true}), fabric_(fabric), conweave_(fabric) {}
  PortIndex choose(NodeIndex node, Packet& packet, std::span<const PortIndex> candidates) override {
    return conweave_.choose(node, packet, candidates);
  }
  bool on_arrival(NodeIndex node, PacketIndex index) override {
    const Packet& packet = fabric_.packet(index);
    if (node == fabric_.routing().leaf_of(packet.destination)) {
      marked += packet.kind == PacketKind::data && packet.ce ? 1 : 0;
      control += packet.kind == PacketKind::control ? 1 : 0;
    }
    return conweave_.on_arrival(node, index);
  }
  void on_timer(std::uint32_t flow, std::uint32_t setting) override { conweave_.on_timer(flow, setting); }

  int marked = 0;
  int control = 0;

 private:
  Fabric& fabric_;
  ConWeave conweave_;
};

TEST(ConWeave, TellsTheSourcesLeafOfEveryMarkedPacket) {
  // Two flows that end before a reply could be late: besides complaints there is one reply for each.
  Lab lab{leaf_spine(2, 2, 1),
          {flow(0, 2, 20'000), flow(1, 3, 20'000)},
          {.ecn = {.kmin = 0, .kmax = 0, .pmax = 1}},
          make<CountedConWeave>};
  const auto& seen = dynamic_cast<const CountedConWeave&>(lab.run().scheme());
  EXPECT_GT(seen.marked, 10);
  EXPECT_EQ(seen.control, seen.marked + 2);
}

TEST(Reps, SpreadsAFlowOverAllPaths) {
  Lab lab{leaf_spine(1, 2, 4), {flow(0, 1, 400'000)}, {}, find_scheme("reps")->make};
  Fabric& fabric = lab.run();
  for (const PortIndex uplink : lab.network().routing.candidates(2, 1)) {
    EXPECT_GT(fabric.port(uplink).sent_bytes, 40'000U);
  }
}

}  // namespace
}  // namespace braidway::bench::fabric
