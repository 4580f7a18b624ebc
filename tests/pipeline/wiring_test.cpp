// Who polls what, and how much memory the settings ask for.
#include <set>
#include <utility>

#include <gtest/gtest.h>

#include "tests/pipeline/lab.hpp"

namespace braidway::tests {
namespace {

TEST(Wiring, EveryReceiveQueueIsPolledByOneWorkerAndSharedEvenly) {
  for (std::uint16_t workers = 1; workers <= 4; ++workers) {
    Lab lab(wire_settings(3, workers, 4));
    std::set<std::pair<std::uint16_t, std::uint16_t>> polled;
    for (std::uint16_t worker = 0; worker < workers; ++worker) {
      const auto wiring = lab.wiring(worker);
      const std::size_t even = std::size_t{4} * 4 / workers;
      EXPECT_GE(wiring.rx_queues.size(), even);
      EXPECT_LE(wiring.rx_queues.size(), even + 1);
      EXPECT_EQ(wiring.inboxes.size(), workers == 1 ? 0U : 2U);
      for (const auto& queue : wiring.rx_queues) {
        EXPECT_TRUE(polled.emplace(queue.port, queue.queue).second) << "polled twice";
        EXPECT_EQ(queue.direction,
                  queue.port == 0 ? dataplane::Direction::source : dataplane::Direction::sink);
      }
      for (const auto& tx : wiring.lane.tx) EXPECT_EQ(tx.queue, worker);
    }
    EXPECT_EQ(polled.size(), 16U);
  }
}

TEST(Mempool, ABufferTakesTheLongestFrameOfItsMtu) {
  for (std::uint16_t mtu = 68; mtu <= 9600; ++mtu) {
    const unsigned room = dataplane::data_room_for(mtu);
    EXPECT_GE(room, RTE_PKTMBUF_HEADROOM + dataplane::max_frame_bytes_for(mtu) + 4U) << mtu;
    EXPECT_EQ(room % 64, 0U);
  }
  EXPECT_EQ(dataplane::max_frame_bytes_for(1500), 1522U);
}

TEST(Mempool, BuffersGrowWithWhatCanHoldThemUnlessTheyAreGiven) {
  auto settings = wire_settings(2);
  const auto few = dataplane::mbufs_for(settings);
  EXPECT_GE(few, 3U * 2 * settings.ports[0].descriptors);
  settings.ports[0].queues = 4;
  EXPECT_GT(dataplane::mbufs_for(settings), few);
  settings.memory.mbufs = 1000;
  EXPECT_EQ(dataplane::mbufs_for(settings), 1000U);
  EXPECT_GT(dataplane::mbufs_for(wire_settings(2, 4, 4)), dataplane::mbufs_for(wire_settings(2, 1, 4)));
}

TEST(Mempool, MoreThanThereIsMemoryForIsRefusedWithARemedy) {
  const auto pool = dataplane::create_mempool("huge", 10'000'000, 9856, SOCKET_ID_ANY);
  ASSERT_FALSE(pool);
  EXPECT_NE(pool.error().find("memory.limit_mib"), std::string::npos) << pool.error();
}

}  // namespace
}  // namespace braidway::tests
