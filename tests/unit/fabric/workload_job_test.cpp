// Jobs as they are played: what waits for what, how long they take, and the bounds they are held against.
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

#include "bench/fabric/workload/collectives.hpp"
#include "bench/fabric/workload/fluid_bound.hpp"
#include "bench/fabric/workload/training.hpp"
#include "tests/unit/fabric/lab.hpp"

namespace braidway::bench::fabric {
namespace {

/// A simulation of a workload with all it refers to.
class JobLab {
 public:
  JobLab(Topology topology, Workload workload, const Config& config = {})
      : network_(std::move(topology)),
        workload_(arranged(std::move(workload))),
        fabric_(network_.topology, network_.routing, workload_.flows, config, make<Ecmp>, workload_.jobs) {
    fabric_.run();
  }

  [[nodiscard]] const Fabric& fabric() const noexcept { return fabric_; }
  [[nodiscard]] Nanoseconds time(std::size_t job) const noexcept {
    return fabric_.jobs().completed_at(job) - workload_.jobs[job].start;
  }
  [[nodiscard]] Nanoseconds bound(std::size_t job) const {
    return fluid_bound(network_.topology, network_.routing, workload_.flows, workload_.jobs[job]);
  }

 private:
  static Workload arranged(Workload workload) {
    arrange(workload.flows);
    return workload;
  }

  Network network_;
  Workload workload_;
  Fabric fabric_;
};

const std::vector<NodeIndex> two{0, 1};
const std::vector<NodeIndex> four{0, 1, 2, 3};

/// Of one message alone on a star of 100 Gbit/s and 1 us.
Nanoseconds alone(std::uint32_t bytes) {
  Lab lab{star(2), {flow(0, 1, bytes)}};
  lab.run();
  return lab.completion(0);
}

TEST(Jobs, ATaskWaitsComputesAndSends) {
  Workload workload;
  workload.jobs.push_back({.name = "chain", .start = 7'000, .tasks = {}});
  Job& job = workload.jobs.back();
  const TaskIndex first = job.add({.compute = 500, .flow = workload.add_flow(0, 1, 5'000)});
  const TaskIndex second = job.add({.compute = 300, .after = {first}});
  job.add({.flow = workload.add_flow(1, 0, 64'000), .after = {second}});
  const JobLab lab{star(2), workload};
  EXPECT_EQ(lab.time(0), 500 + alone(5'000) + 300 + alone(64'000));
  EXPECT_EQ(lab.fabric().rnics().started_at(0), 7'500);
  EXPECT_EQ(lab.fabric().rnics().started_at(1), 7'500 + alone(5'000) + 300);
}

TEST(Jobs, ATaskWaitsForAllItComesAfter) {
  Workload workload;
  workload.jobs.push_back({.name = "join", .start = 0, .tasks = {}});
  Job& job = workload.jobs.back();
  const TaskIndex early = job.add({.compute = 100});
  const TaskIndex late = job.add({.compute = 9'000});
  job.add({.flow = workload.add_flow(0, 1, 1'000), .after = {early, late}});
  const JobLab lab{star(2), workload};
  EXPECT_EQ(lab.time(0), 9'000 + alone(1'000));
}

TEST(Jobs, RunBesideEachOtherAndBesideTimedFlows) {
  Workload workload;
  workload.flows = {flow(2, 3, 64'000, 1'000)};
  for (const Nanoseconds start : {0, 40'000}) {
    Job& job = add_incast(workload, two, 64'000);
    job.start = start;
  }
  const JobLab lab{star(4), workload};
  EXPECT_EQ(lab.time(0), alone(64'000));
  EXPECT_EQ(lab.time(1), alone(64'000));
  EXPECT_EQ(lab.fabric().rnics().completed_at(0) - 1'000, alone(64'000));
}

TEST(Jobs, AreRefusedIfTheyCannotBePlayed) {
  const auto refusal = [](const std::vector<Task>& tasks) -> std::string {
    Workload workload;
    workload.add_flow(0, 1, 1'000);
    workload.flows.push_back(flow(0, 1, 1'000, 5));
    workload.jobs.push_back({.name = "x", .start = 0, .tasks = tasks});
    try {
      const JobEngine engine{workload.jobs, workload.flows};
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refusal({{.flow = 0}}), "accepted");
  EXPECT_EQ(refusal({{.after = {1}}, {.after = {0}}}), "job x has tasks that wait for each other");
  EXPECT_EQ(refusal({{.after = {0}}}), "job x has tasks that wait for each other");
  EXPECT_EQ(refusal({{.after = {4}}}), "task 0 of job x waits for task 4, which is not there");
  EXPECT_EQ(refusal({{.flow = 1}}), "task 0 of job x sends flow 1, which it cannot");
  EXPECT_EQ(refusal({{.flow = 0}, {.flow = 0}}), "task 1 of job x sends flow 0, which it cannot");
  EXPECT_EQ(refusal({{.flow = 9}}), "task 0 of job x sends flow 9, which it cannot");
}

TEST(Jobs, ThatCannotFinishAreSaidToBeStuck) {
  Topology deaf = star(2);
  deaf.links[1].error_rate = 1;
  Workload workload;
  workload.jobs.push_back({.name = "x", .start = 0, .tasks = {}});
  workload.jobs[0].add({.compute = 250'000'000, .flow = workload.add_flow(0, 1, 1'000)});
  try {
    const JobLab lab{deaf, workload};
    FAIL() << "it finished";
  } catch (const Stuck& stuck) {
    EXPECT_NE(std::string{stuck.what()}.find("0 -> 1, started at 250000000 ns: 0 of 1000 bytes acknowledged"),
              std::string::npos)
        << stuck.what();
  }
}

TEST(Collectives, ARingOnIdleLinksTakesItsStepsOneAfterTheOther) {
  Workload workload;
  add_ring_all_reduce(workload, four, 400'000);
  const JobLab lab{star(4), workload};
  // A hundred ACKs the other way take their part of each link, and wait for a packet at each.
  EXPECT_GE(lab.time(0), 6 * alone(100'000));
  EXPECT_LE(lab.time(0), 6 * (alone(100'000) + Nanoseconds{100} * 4 + Nanoseconds{4} * 83));
}

TEST(Collectives, ATreeOfTwoGoesUpAndDown) {
  Workload workload;
  add_tree_all_reduce(workload, two, 100'000, 1);
  const JobLab lab{star(2), workload};
  EXPECT_EQ(lab.time(0), 2 * alone(100'000));
}

TEST(Collectives, AChunkedTreeOverlapsItsChunks) {
  Workload whole;
  add_tree_all_reduce(whole, std::vector<NodeIndex>{0, 1, 2, 3, 4, 5, 6}, 8'000'000, 1);
  Workload chunked;
  add_tree_all_reduce(chunked, std::vector<NodeIndex>{0, 1, 2, 3, 4, 5, 6}, 8'000'000, 8);
  EXPECT_LT(JobLab(star(7), chunked).time(0), JobLab(star(7), whole).time(0));
}

TEST(Collectives, AnIncastFillsItsReceiversLink) {
  Workload workload;
  add_incast(workload, {{0, 1, 2, 3, 4}}, 1'000'000);
  Config unmarked;
  unmarked.ecn.kmin = unmarked.ecn.kmax = 100'000'000;
  const JobLab lab{star(5), workload, unmarked};
  EXPECT_EQ(lab.fabric().counters().dropped, 0U);
  EXPECT_GE(lab.time(0), lab.bound(0));
  EXPECT_LT(lab.time(0), lab.bound(0) * 101 / 100);
}

TEST(Training, AnIterationOfOneReplicaGoesForwardAndBack) {
  Workload workload;
  const TrainingShape shape{.replicas = 1,
                            .stages = 2,
                            .micro_batches = 1,
                            .iterations = 1,
                            .activation_bytes = 100'000,
                            .gradient_bytes = 1,
                            .forward = 50'000};
  add_training(workload, two, shape, 0);
  const JobLab lab{star(2), workload};
  EXPECT_EQ(lab.time(0), 50'000 + alone(100'000) + 50'000 + 100'000 + alone(100'000) + 100'000);
}

TEST(Training, ReplicasReduceTheirGradientsInEachIteration) {
  Workload workload;
  const TrainingShape shape{.replicas = 2,
                            .stages = 1,
                            .micro_batches = 3,
                            .iterations = 2,
                            .activation_bytes = 1,
                            .gradient_bytes = 100'000,
                            .forward = 10'000};
  add_training(workload, two, shape, 5'000);
  const JobLab lab{star(2), workload};
  // Both ways at once: a chunk's ACKs wait behind nothing but one packet.
  const Nanoseconds iteration = 3 * 10'000 + 3 * 20'000 + 2 * alone(50'000);
  EXPECT_NEAR(static_cast<double>(lab.time(0)), 2.0 * static_cast<double>(iteration), 8 * 84);
}

TEST(Training, IsRefusedWithoutSomethingOrOnTheWrongHosts) {
  Workload workload;
  EXPECT_THROW(add_training(workload, four, {.replicas = 2, .stages = 1}, 0), std::invalid_argument);
  EXPECT_THROW(add_training(workload, four, {.replicas = 2, .stages = 2, .iterations = 0}, 0),
               std::invalid_argument);
}

TEST(FluidBound, OfAnIncastIsItsReceiversLink) {
  Workload workload;
  Job& job = add_incast(workload, four, 1'000'000);
  const Network network{star(4)};
  EXPECT_NEAR(least_transfer_time(network.topology, network.routing, workload.flows), 3 * 1'000 * 83, 1e-6);
  EXPECT_EQ(fluid_bound(network.topology, network.routing, workload.flows, job), 3 * 1'000 * 83 + 4'000);
}

/// T of one megabyte from each host of leaf 0 to one of leaf 1, over that of a host's link.
double over_host_link(const Topology& topology, NodeIndex hosts_a_leaf) {
  const Network network{topology};
  std::vector<Flow> flows;
  flows.reserve(hosts_a_leaf);
  for (NodeIndex host = 0; host < hosts_a_leaf; ++host)
    flows.push_back(flow(host, host + hosts_a_leaf, 1'000'000));
  return least_transfer_time(network.topology, network.routing, flows) / (1'000 * 83.0);
}

TEST(FluidBound, KnowsOversubscription) {
  EXPECT_NEAR(over_host_link(leaf_spine(4, 2, 2), 4), 2, 0.02);
  EXPECT_NEAR(over_host_link(leaf_spine(4, 2, 4), 4), 1, 0.01);
}

TEST(FluidBound, SplitsAroundSlowLinks) {
  Topology slow = leaf_spine(2, 2, 2);
  slow.links[4].rate /= 10;  // leaf 0 to spine 0
  EXPECT_NEAR(over_host_link(slow, 2), 2 / 1.1, 0.02);
  // And leaf 1 from spine 1: now both paths have a slow link, though each leaf has a fast one.
  slow.links[7].rate /= 10;
  EXPECT_NEAR(over_host_link(slow, 2), 2 / 0.2, 0.1);
}

TEST(FluidBound, IsThatOfTheLeafWithASlowLinkAmongMany) {
  Topology slow = leaf_spine(4, 4, 4);
  slow.links[16].rate /= 10;  // leaf 0 to spine 0
  const Network network{slow};
  std::vector<Flow> flows;
  flows.reserve(16);
  for (NodeIndex host = 0; host < 16; ++host) flows.push_back(flow(host, (host + 4) % 16, 1'000'000));
  EXPECT_NEAR(least_transfer_time(network.topology, network.routing, flows) / (1'000 * 83.0), 4 / 3.1, 0.001);
}

TEST(FluidBound, IsThatOfAPodInThreeTiers) {
  // Half of each pod's cores' links: two for the four hosts, whichever leaves they are at.
  Topology topology = three_tier();
  for (Link& link : topology.links) {
    if (link.b == 17 || link.b == 19) link.rate /= 100;
  }
  const Network network{topology};
  std::vector<Flow> flows;
  flows.reserve(4);
  for (NodeIndex host = 0; host < 4; ++host) flows.push_back(flow(host, host + 4, 1'000'000));
  EXPECT_NEAR(least_transfer_time(network.topology, network.routing, flows) / (1'000 * 83.0), 4 / 2.02,
              0.001);
}

TEST(FluidBound, IsNeverAboveWhatASplitCanReach) {
  // Three leaves, all to all, one slow link: by hand, leaf 0 has 2 MB for 1.1 links.
  Topology slow = leaf_spine(1, 3, 2);
  slow.links[3].rate /= 10;
  const Network network{slow};
  std::vector<Flow> flows;
  for (NodeIndex a = 0; a < 3; ++a) {
    for (NodeIndex b = 0; b < 3; ++b) {
      if (a != b) flows.push_back(flow(a, b, 1'000'000));
    }
  }
  const double time = least_transfer_time(network.topology, network.routing, flows) / (1'000 * 83.0);
  EXPECT_LE(time, 2 + 1e-9);
  EXPECT_GE(time, 2 - 1e-9) << "the hosts' links alone take that";
}

TEST(FluidBound, OfOneMessageIsThatOfItsWidestWay) {
  Topology slow = leaf_spine(1, 2, 2);
  slow.links[2].rate /= 10;  // leaf 0 to spine 0
  const Network network{slow};
  Workload workload;
  const Job& job = add_incast(workload, {{1, 0}}, 1'000'000);
  EXPECT_EQ(critical_path(network.routing, workload.flows, job), 8'000 + 1'000 * 83);
  EXPECT_EQ(network.routing.ideal_completion(0, 1, 1'000'000), 8'000 + 4 * 80 + 1'048'000 * 8 / 100);
}

TEST(FluidBound, FollowsTheLongestChainOfTasks) {
  Workload workload;
  Job& job = add_ring_all_reduce(workload, four, 400'000);
  const Network network{star(4)};
  EXPECT_EQ(critical_path(network.routing, workload.flows, job), 6 * (4'000 + 100 * 83));
  job.add({.compute = 1'000'000, .after = {0}});
  EXPECT_EQ(critical_path(network.routing, workload.flows, job), 1'000'000 + 4'000 + 100 * 83);
  EXPECT_GE(fluid_bound(network.topology, network.routing, workload.flows, job),
            critical_path(network.routing, workload.flows, job));
}

}  // namespace
}  // namespace braidway::bench::fabric
