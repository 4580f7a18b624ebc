// Whole simulations whose outcome can be told beforehand.
#include "bench/fabric/fabric.hpp"

#include <sstream>
#include <string>

#include <gtest/gtest.h>

#include "bench/fabric/schemes/registry.hpp"
#include "tests/unit/fabric/lab.hpp"

namespace braidway::bench::fabric {
namespace {

/// What a message takes over `links` idle links of 100 Gbit/s and 1 us: the first packets follow each other
/// on the first link, the last one crosses every link, where it waits for the one before it; then its ACK,
/// which waits for the one before it if that is longer than the last packet.
Nanoseconds idle_completion(std::uint32_t bytes, int links) {
  const std::uint32_t full = bytes / payload_bytes;
  const std::uint32_t rest = bytes % payload_bytes;
  const Nanoseconds whole = transmission_time(full_packet_bytes, hundred_gigabit);
  const Nanoseconds last = rest == 0 ? 0 : transmission_time(rest + header_bytes, hundred_gigabit);
  const Nanoseconds ack = transmission_time(ack_bytes, hundred_gigabit);
  const Nanoseconds ack_waits = full == 0 || rest == 0 ? 0 : std::max<Nanoseconds>(ack - last, 0);
  const Nanoseconds waits = full == 0 ? last * links : whole * links + last;
  return (full == 0 ? 0 : (full - 1) * whole) + waits + Nanoseconds{1'000} * links + ack_waits +
         (1'000 + ack) * links;
}

TEST(Fabric, AFlowOverAnIdlePathTakesExactlySerialisationPlusDelay) {
  for (const std::uint32_t bytes : {1U, 999U, 1'000U, 1'001U, 3'541U, 64'000U, 1'748'327U}) {
    Lab near{star(2), {flow(0, 1, bytes)}};
    near.run();
    EXPECT_EQ(near.completion(0), idle_completion(bytes, 2)) << bytes;
    Lab far{leaf_spine(1, 2, 1), {flow(0, 1, bytes)}};
    far.run();
    EXPECT_EQ(far.completion(0), idle_completion(bytes, 4)) << bytes;
  }
}

TEST(Fabric, AnIdlePathTakesWhatThePublishedSimulatorTook) {
  Lab near{star(2), {flow(0, 1, 3'541)}};
  near.run();
  EXPECT_EQ(near.completion(0), 4'387);
  Lab far{leaf_spine(1, 2, 1), {flow(0, 1, 6'388)}};
  far.run();
  EXPECT_EQ(far.completion(0), 8'797);
}

TEST(Fabric, IdealCompletionIsThePublishedOne) {
  const Network network{leaf_spine(2, 2, 2)};
  EXPECT_EQ(network.routing.ideal_completion(0, 1, 3'541), 4'458);
  EXPECT_EQ(network.routing.ideal_completion(0, 2, 7'047), 8'914);
  EXPECT_EQ(network.routing.ideal_completion(0, 2, 1'438'960), 128'962);
}

TEST(Fabric, ASlowdownBelowOneCountsAsOne) {
  EXPECT_EQ((FlowResult{.flow = {}, .completion = 4'387, .ideal = 4'458}).slowdown(), 1);
  EXPECT_EQ((FlowResult{.flow = {}, .completion = 300, .ideal = 200}).slowdown(), 1.5);
}

TEST(Fabric, PercentilesAreValuesThatOccur) {
  std::vector<FlowResult> flows;
  for (Nanoseconds i = 1; i <= 1'000; ++i) {
    flows.push_back({.flow = flow(0, 1, 1, i), .completion = i * 10, .ideal = 10});
  }
  const Slowdown all = slowdown_of(flows, 0);
  EXPECT_EQ(all.flows, 1'000U);
  EXPECT_EQ(all.p50, 500);
  EXPECT_EQ(all.p95, 950);
  EXPECT_EQ(all.p99, 990);
  EXPECT_EQ(all.p999, 999);
  EXPECT_EQ(all.mean, 500.5);
  EXPECT_EQ(slowdown_of(flows, 501).flows, 500U);
  EXPECT_EQ(slowdown_of(flows, 5'000).flows, 0U);
}

TEST(Fabric, TwoFlowsShareALinkEquallyUnderDcqcn) {
  constexpr std::uint32_t bytes = 200'000'000;
  Lab lab{star(3), {flow(0, 2, bytes), flow(1, 2, bytes)}};
  lab.run();
  const auto first = static_cast<double>(lab.completion(0));
  const auto second = static_cast<double>(lab.completion(1));
  EXPECT_NEAR(first / second, 1, 0.05);
  // Together they keep the link busy: nobody starves it by more than a tenth.
  const double alone = static_cast<double>(idle_completion(bytes, 2));
  EXPECT_GT(std::max(first, second), 2 * alone);
  EXPECT_LT(std::max(first, second), 2.2 * alone);
}

TEST(Fabric, ASlowerLinkSetsThePace) {
  Topology topology = star(2);
  topology.links[1].rate = 10 * gigabit;
  Lab lab{topology, {flow(0, 1, 1'000)}};
  lab.run();
  EXPECT_EQ(lab.completion(0), 4'000 + 83 + 838 + 48 + 4);
}

/// ECMP that loses chosen packets, once each.
class Losing final : public Scheme {
 public:
  static inline std::vector<std::uint32_t> sequences;  ///< to be lost

  explicit Losing(Fabric& fabric) : Scheme({.arrival = true}), fabric_(fabric), left_(sequences) {}
  PortIndex choose(NodeIndex node, Packet& packet, std::span<const PortIndex> candidates) override {
    return fabric_.ecmp(node, packet, candidates);
  }
  bool on_arrival(NodeIndex /*node*/, PacketIndex index) override {
    const Packet& packet = fabric_.packet(index);
    if (packet.kind != PacketKind::data || std::erase(left_, packet.sequence) == 0) return false;
    fabric_.discard(index);
    return true;
  }

 private:
  Fabric& fabric_;
  std::vector<std::uint32_t> left_;
};

TEST(GoBackN, ResendsFromTheLostPacketOnWhatHadBeenSent) {
  Losing::sequences = {97'000};
  Lab lab{star(2), {flow(0, 1, 100'000)}, {}, make<Losing>};
  const Counters& counters = lab.run().counters();
  EXPECT_EQ(counters.retransmitted, 3U);
  EXPECT_EQ(counters.naks, 1U);
  EXPECT_EQ(counters.out_of_order, 2U);
  EXPECT_EQ(counters.timeouts, 0U);
}

TEST(GoBackN, RecoversALostTailByItsTimeOut) {
  Losing::sequences = {99'000};
  Lab lab{star(2), {flow(0, 1, 100'000)}, {}, make<Losing>};
  const Counters& counters = lab.run().counters();
  EXPECT_EQ(counters.retransmitted, 1U);
  EXPECT_EQ(counters.naks, 0U);
  EXPECT_EQ(counters.timeouts, 1U);
  // From the last ACK's coming; then the packet and its ACK.
  const Nanoseconds last_ack = idle_completion(99'000, 2);
  EXPECT_EQ(lab.completion(0), last_ack + 4'000'000 + idle_completion(1'000, 2));
}

TEST(GoBackN, LosesNothingOverALossyLinkButTime) {
  Topology topology = star(2);
  topology.links[0].error_rate = 0.01;
  Lab lab{topology, {flow(0, 1, 5'000'000)}};
  const Counters& counters = lab.run().counters();
  EXPECT_GT(counters.lost, 30U);
  EXPECT_GE(counters.retransmitted, counters.naks + counters.timeouts);
  EXPECT_GT(counters.naks, 0U);
}

TEST(Fabric, SaysWhatIsStuckWhereNothingGetsThrough) {
  Topology topology = star(2);
  topology.links[1].error_rate = 1;
  Lab lab{topology, {flow(0, 1, 5'000)}};
  try {
    lab.run();
    FAIL() << "finished";
  } catch (const Stuck& stuck) {
    EXPECT_STREQ(stuck.what(),
                 "at 100000000 ns nothing has been acknowledged for 100 ms; 1 flows of 1 are stuck:\n"
                 "  0 -> 1, started at 0 ns: 0 of 5000 bytes acknowledged");
  }
}

TEST(Fabric, IsNotStuckWhileNothingIsToBeSent) {
  Lab lab{star(2), {flow(0, 1, 5'000), flow(0, 1, 5'000, 900'000'000)}};
  lab.run();
  EXPECT_EQ(lab.completion(1), idle_completion(5'000, 2));
}

/// All that a run writes, but for the time it took.
std::string output_of(const RunResult& run) {
  std::ostringstream out;
  write_completions(out, run.flows);
  RunResult timeless = run;
  timeless.seconds = 0;
  write_json(out, std::span{&timeless, 1});
  return out.str();
}

/// Flows from everywhere to everywhere for half a millisecond, more than the uplinks carry.
std::vector<Flow> crowd(NodeIndex hosts) {
  Random random{3};
  std::vector<Flow> flows;
  for (Nanoseconds at = 0; at < 500'000; at += 1 + random.below(3'000)) {
    const NodeIndex source = random.below(hosts);
    const NodeIndex destination = (source + 1 + random.below(hosts - 1)) % hosts;
    flows.push_back(flow(source, destination, 1 + random.below(200'000), at));
  }
  arrange(flows);
  return flows;
}

TEST(Runs, GiveTheSameBytesForTheSameSeedOnAnyNumberOfThreads) {
  const Network network{leaf_spine(4, 4, 2)};
  const std::vector<Flow> flows = crowd(16);
  std::vector<RunSetup> runs;
  for (const SchemeEntry& scheme : schemes()) {
    for (const std::uint64_t seed : {1, 2}) {
      runs.push_back(
          {.network = &network, .flows = &flows, .scheme = &scheme, .config = {}, .keep_flows = true});
      runs.back().config.seed = seed;
    }
  }
  const auto one = simulate(runs, 1);
  const auto many = simulate(runs, 4);
  ASSERT_EQ(one.size(), runs.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    EXPECT_EQ(one[i].flows.size(), flows.size());
    EXPECT_EQ(output_of(one[i]), output_of(many[i])) << one[i].scheme;
    if (i % 2 == 1) {
      EXPECT_NE(output_of(one[i]), output_of(one[i - 1])) << one[i].scheme << ": the seed has no effect";
    }
  }
}

TEST(Runs, NameTheSchemeAndTheSeedThatAreStuck) {
  Topology topology = star(2);
  topology.links[1].error_rate = 1;
  const Network network{topology};
  std::vector<Flow> flows{flow(0, 1, 5'000)};
  arrange(flows);
  RunSetup run{.network = &network, .flows = &flows, .scheme = find_scheme("drill"), .config = {}};
  run.config.seed = 7;
  try {
    static_cast<void>(simulate(std::span{&run, 1}, 2));
    FAIL() << "finished";
  } catch (const Stuck& stuck) {
    EXPECT_TRUE(std::string{stuck.what()}.starts_with("drill, seed 7: at ")) << stuck.what();
  }
}

TEST(Runs, WriteTheAgreedJson) {
  RunResult run;
  run.scheme = "ecmp";
  run.load = 80;
  run.seed = 3;
  run.slowdown = {.flows = 9, .mean = 1.5, .p50 = 1, .p95 = 2, .p99 = 3, .p999 = 4};
  run.counters.hops = 100;
  run.counters.out_of_order = 5;
  run.counters.retransmitted = 6;
  run.counters.cnps = 7;
  run.counters.pfc_frames = 8;
  run.order_peak_bytes = 99;
  run.seconds = 2;
  std::ostringstream out;
  write_json(out, std::span{&run, 1});
  EXPECT_EQ(
      out.str(),
      "{\"runs\":[\n{\"scheme\":\"ecmp\",\"load\":80,\"seed\":3,\"flows\":9,\"mean\":1.5,\"p50\":1.0,"
      "\"p95\":2.0,\"p99\":3.0,\"p999\":4.0,\"jct_ratio\":null,\"ooo\":5,\"retx\":6,\"cnp\":7,\"pfc\":8,"
      "\"order_peak_bytes\":99,\"hops_per_s\":50}\n]}\n");
}

}  // namespace
}  // namespace braidway::bench::fabric
