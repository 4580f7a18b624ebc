// Several workers: a flow leaves through its owner, in the order of each queue
// that it came by.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <thread>

#include <gtest/gtest.h>
#include <rte_cycles.h>

#include "tests/pipeline/lab.hpp"

namespace braidway::tests {
namespace {

constexpr std::size_t host = 0;
constexpr std::size_t fabric = 1;
constexpr std::uint32_t flows = 32;

/// The number of a packet tells the queue it came by and its place there; the
/// flow is the QP.
Bytes numbered(std::uint32_t flow, std::uint16_t queue, std::uint32_t place) {
  return rc_frame(flow, static_cast<std::uint32_t>(queue) << 20U | place).bytes();
}
std::uint32_t number24(const Bytes& frame, std::size_t offset) {
  return std::to_integer<std::uint32_t>(frame[offset]) << 16U |
         std::to_integer<std::uint32_t>(frame[offset + 1]) << 8U |
         std::to_integer<std::uint32_t>(frame[offset + 2]);
}
std::uint32_t flow_of(const Bytes& frame) { return number24(frame, 14 + 20 + 8 + 5); }
std::uint32_t psn_of(const Bytes& frame) { return number24(frame, 14 + 20 + 8 + 9); }

/// Checks what leaves the ports: whose queue a flow uses, and its order.
class Leaving {
 public:
  void take(Lab& lab, std::size_t most = SIZE_MAX) {
    for (std::size_t port = 0; port < lab.settings().ports.size(); ++port) {
      const auto workers = static_cast<std::uint16_t>(lab.settings().workers.size());
      for (std::uint16_t queue = 0; queue < workers; ++queue) {
        for (const Bytes& frame : lab.take(port, queue, most)) check(frame, port, queue);
      }
    }
  }
  std::size_t count() const { return count_; }
  std::size_t owners() const { return owners_.size(); }

 private:
  void check(const Bytes& frame, std::size_t port, std::uint16_t worker) {
    ++count_;
    const std::uint32_t flow = flow_of(frame);
    const std::uint32_t from = psn_of(frame) >> 20U;
    const std::uint32_t place = psn_of(frame) & 0xfffffU;
    const auto [home, first] = homes_.try_emplace(flow, port, worker);
    EXPECT_EQ(home->second, std::pair(port, worker)) << "flow " << flow << " left by two queues";
    owners_.insert(worker);
    auto& next = next_[{flow, from}];
    EXPECT_EQ(place, next) << "flow " << flow << " of queue " << from;
    next = place + 1;
  }

  std::size_t count_ = 0;
  std::map<std::uint32_t, std::pair<std::size_t, std::uint16_t>> homes_;   // by flow: port and worker
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> next_;  // by flow and ingress queue
  std::set<std::uint16_t> owners_;
};

/// Packets of all flows on random queues of a port.
class Arriving {
 public:
  explicit Arriving(std::uint16_t queues) : queues_(queues) {}
  void send(Lab& lab, std::size_t port, unsigned packets) {
    for (unsigned i = 0; i < packets; ++i) {
      const auto flow = static_cast<std::uint32_t>(1 + random_() % flows);
      const auto queue = static_cast<std::uint16_t>(random_() % queues_);
      if (lab.unreceived(port, queue) == Lab::wire_room) continue;
      lab.send(port, numbered(flow, queue, next_[{flow, queue}]++), queue);
      ++count_;
    }
  }
  std::size_t count() const { return count_; }

 private:
  std::uint16_t queues_;
  std::mt19937 random_{1};
  std::map<std::pair<std::uint32_t, std::uint16_t>, std::uint32_t> next_;
  std::size_t count_ = 0;
};

class ManyWorkers : public ::testing::TestWithParam<std::uint16_t> {};

TEST_P(ManyWorkers, EachFlowLeavesThroughItsOwnerInOrderOfEachQueue) {
  const std::uint16_t workers = GetParam();
  for (const std::size_t port : {host, fabric}) {
    Lab lab(wire_settings(2, workers, workers));
    Arriving arriving(workers);
    Leaving leaving;
    for (int round = 0; round < 100; ++round) {
      arriving.send(lab, port, 100);
      lab.turn();
      leaving.take(lab);
    }
    lab.settle();
    leaving.take(lab);
    EXPECT_EQ(leaving.count(), arriving.count());
    EXPECT_EQ(leaving.owners(), workers) << "all workers own flows";
    EXPECT_EQ(lab.drops(), DropCounts{});
  }
}

TEST_P(ManyWorkers, SlowFabricPortsLoseAndReorderNothing) {
  const std::uint16_t workers = GetParam();
  Lab lab(wire_settings(1, workers, workers), 1'000'000);
  Arriving arriving(workers);
  Leaving leaving;
  std::uint64_t now = 0;
  for (int round = 0; round < 400; ++round) {
    arriving.send(lab, host, 200);
    lab.turn(++now);
    leaving.take(lab, 3);
  }
  std::size_t before = 0;
  do {  // everything is let go: all that arrived must leave
    before = leaving.count();
    for (int turns = 0; turns < 4; ++turns) lab.turn(++now);
    leaving.take(lab);
  } while (leaving.count() > before);
  EXPECT_EQ(leaving.count(), arriving.count()) << "the workers wait for each other for good";
  EXPECT_EQ(lab.drops(), DropCounts{});
}

TEST_P(ManyWorkers, ASlowHostPortLosesAndReordersNothing) {
  const std::uint16_t workers = GetParam();
  Lab lab(wire_settings(1, workers, workers), 1'000'000);
  Arriving arriving(workers);
  Leaving leaving;
  std::uint64_t now = 0;
  for (int round = 0; round < 400; ++round) {
    arriving.send(lab, fabric, 200);
    lab.turn(++now);
    leaving.take(lab, 3);
  }
  std::size_t before = 0;
  do {
    before = leaving.count();
    for (int turns = 0; turns < 4; ++turns) lab.turn(++now);
    leaving.take(lab);
  } while (leaving.count() > before);
  EXPECT_EQ(leaving.count(), arriving.count());
  EXPECT_EQ(lab.drops(), DropCounts{});
}

TEST_P(ManyWorkers, ThreadsCarryTrafficWhileTablesArePublished) {
  using Clock = std::chrono::steady_clock;
  const std::uint16_t workers = GetParam();
  Lab lab(wire_settings(2, workers, workers), 10 * rte_get_tsc_hz());
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  threads.reserve(workers);
  for (std::size_t i = 0; i < workers; ++i) threads.emplace_back([&, i] { lab.worker(i).run(stop); });
  Arriving arriving(workers);
  Leaving leaving;
  const std::size_t paths = lab.settings().peers.front().paths.size();
  const std::vector<std::uint32_t> weights(paths, 1);
  constexpr int rounds = 500;
  for (int round = 0; round < rounds; ++round) {
    arriving.send(lab, host, 50);
    // Of the same weights: no flow moves, so that order can be checked.
    lab.table().publish(
        std::make_unique<const lb::PathTable>(lab.table().current().with_weights(0, weights)));
    leaving.take(lab);
  }
  const auto deadline = Clock::now() + std::chrono::seconds(20);
  while (leaving.count() < arriving.count() && Clock::now() < deadline) leaving.take(lab);
  EXPECT_EQ(leaving.count(), arriving.count());
  while (lab.table().retired() > 0 && Clock::now() < deadline) lab.table().reclaim();
  EXPECT_EQ(lab.table().retired(), 0U);
  EXPECT_EQ(lab.table().current().generation(), 1U + rounds);
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(lab.drops(), DropCounts{});
}

INSTANTIATE_TEST_SUITE_P(Workers, ManyWorkers, ::testing::Values(2, 3, 4),
                         [](const auto& each) { return std::to_string(each.param); });

}  // namespace
}  // namespace braidway::tests
