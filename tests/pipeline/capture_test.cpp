// Captures of a port that carries traffic.
#include "dataplane/capture.hpp"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <sys/stat.h>

#include <gtest/gtest.h>
#include <rte_cycles.h>

#include "dataplane/pcap_file.hpp"
#include "tests/pipeline/lab.hpp"

namespace braidway::tests {
namespace {

using dataplane::Capture;

constexpr std::size_t host = 0;
constexpr std::size_t fabric = 1;
constexpr std::uint16_t data_room = 2048 + RTE_PKTMBUF_HEADROOM;
constexpr std::uint64_t day_ns = 86'400'000'000'000;

struct Captured {
  Frames frames;
  std::vector<std::uint64_t> times_ns;
};

class CaptureOfAPort : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "braidway-capture-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::unique_ptr<Capture> start(std::size_t port) {
    auto capture = Capture::start(lab_.tap(port), data_room, folder_ / "c", [] {});
    EXPECT_TRUE(capture) << capture.error();
    return capture ? std::move(*capture) : nullptr;
  }
  [[nodiscard]] std::filesystem::path file(const std::string& suffix) const {
    return folder_ / ("c" + suffix);
  }
  /// Of a start that must fail.
  std::string refusal() {
    const auto capture = Capture::start(lab_.tap(host), data_room, folder_ / "c", [] {});
    EXPECT_FALSE(capture);
    EXPECT_FALSE(lab_.tap(host).active());
    return capture ? "" : capture.error();
  }
  [[nodiscard]] Captured read(const char* suffix) const {
    Captured all;
    auto reader = dataplane::PcapReader::open(file(suffix));
    EXPECT_TRUE(reader) << reader.error();
    while (reader) {
      const auto next = reader->next();
      EXPECT_TRUE(next) << next.error();
      const auto frame = next.value_or(std::nullopt);
      if (!frame) break;
      all.frames.emplace_back(frame->bytes.begin(), frame->bytes.end());
      all.times_ns.push_back(frame->when_ns);
    }
    return all;
  }

  Lab lab_{wire_settings(1)};
  std::filesystem::path folder_;
};

TEST_F(CaptureOfAPort, HoldsExactlyWhatWasReceivedAndSentWhileItRan) {
  lab_.send(host, rc_frame(99).bytes());
  lab_.settle(rte_rdtsc());
  const auto capture = start(host);
  Frames in;
  Frames out;
  for (std::uint32_t i = 0; i < 200; ++i) {
    in.push_back(rc_frame(1, i).payload(i).bytes());
    out.push_back(rc_frame(2, i).payload(i).bytes());
    lab_.send(host, in.back());
    lab_.send(fabric, out.back());
    if (i % 50 == 49) lab_.settle(rte_rdtsc());
    lab_.take(fabric);
  }
  in.push_back(Frame().type(0x8808).payload(46).bytes());  // dropped later, but received
  lab_.send(host, in.back());
  lab_.settle(rte_rdtsc());
  const auto result = capture->stop();
  lab_.send(host, rc_frame(99).bytes());
  lab_.settle(rte_rdtsc());
  ASSERT_TRUE(result) << result.error();
  EXPECT_EQ(result->received, in.size());
  EXPECT_EQ(result->transmitted, out.size());
  EXPECT_EQ(result->missed, 0U);
  EXPECT_EQ(read(".rx.pcap").frames, in);
  EXPECT_EQ(read(".tx.pcap").frames, out);
}

TEST_F(CaptureOfAPort, HasSentOnlyWhatThePortTook) {
  for (std::size_t i = 0; i < Lab::wire_room - 10; ++i) lab_.send(host, rc_frame(1).bytes());
  lab_.settle();
  const auto capture = start(fabric);
  Frames sent;
  for (std::uint32_t i = 0; i < 30; ++i) {
    sent.push_back(rc_frame(2, i).bytes());
    lab_.send(host, sent.back());
  }
  lab_.turn(rte_rdtsc());
  const auto result = capture->stop();
  sent.resize(10);
  ASSERT_TRUE(result) << result.error();
  EXPECT_EQ(result->transmitted, 10U);
  EXPECT_EQ(read(".tx.pcap").frames, sent);
}

TEST_F(CaptureOfAPort, StampsPacketsWithTheTimeOfDayEvenOfTheTurnThatItBeganIn) {
  const std::uint64_t turn_began = rte_rdtsc();
  const auto capture = start(host);
  lab_.send(fabric, rc_frame(1).bytes());
  lab_.turn(turn_began);
  capture->stop();
  const auto sent = read(".tx.pcap");
  ASSERT_EQ(sent.times_ns.size(), 1U);
  const auto now_ns = static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                                     std::chrono::system_clock::now().time_since_epoch())
                                                     .count());
  EXPECT_LT(sent.times_ns[0], now_ns + day_ns);
  EXPECT_GT(sent.times_ns[0], now_ns - day_ns);
}

TEST_F(CaptureOfAPort, WhatItsRingHasNoRoomForIsCountedAndStillForwarded) {
  // A tap alone, with a ring that nobody empties: 7 places.
  auto pool = dataplane::create_mempool("tap", 1023, data_room, SOCKET_ID_ANY);
  ASSERT_TRUE(pool) << pool.error();
  rte_ring* ring = rte_ring_create("tap", 8, SOCKET_ID_ANY, RING_F_SC_DEQ);
  ASSERT_NE(ring, nullptr);
  auto& tap = lab_.tap(host);
  tap.pool = pool->get();
  tap.ring = ring;
  for (std::uint32_t i = 0; i < 20; ++i) lab_.send(host, rc_frame(1, i).bytes());
  lab_.settle();
  EXPECT_EQ(tap.missed, 13U);
  EXPECT_EQ(lab_.take(fabric).size(), 20U);
  tap.ring = nullptr;
  void* copy = nullptr;
  for (std::uint32_t i = 0; rte_ring_dequeue(ring, &copy) == 0; ++i) {
    auto* packet = static_cast<rte_mbuf*>(copy);
    const auto* data = rte_pktmbuf_mtod(packet, const std::byte*);
    EXPECT_EQ(Bytes(data, data + packet->data_len), rc_frame(1, i).bytes());
    rte_pktmbuf_free(packet);
  }
  EXPECT_EQ(rte_mempool_avail_count(pool->get()), 1023U);
  rte_ring_free(ring);
}

TEST_F(CaptureOfAPort, AFolderThatIsNotThereIsSaidAndNothingIsLeft) {
  const auto capture = Capture::start(lab_.tap(host), data_room, folder_ / "none" / "c", [] {});
  ASSERT_FALSE(capture);
  EXPECT_NE(capture.error().find("none"), std::string::npos) << capture.error();
  EXPECT_FALSE(lab_.tap(host).active());
  EXPECT_NE(start(host), nullptr);
}

TEST_F(CaptureOfAPort, CanBeTakenAgainOnTheSamePort) {
  for (std::uint32_t round = 0; round < 3; ++round) {
    const auto capture = start(host);
    lab_.send(host, rc_frame(1, round).bytes());
    lab_.settle(rte_rdtsc());
    const auto result = capture->stop();
    ASSERT_TRUE(result) << result.error();
    EXPECT_EQ(result->received, 1U);
    EXPECT_EQ(read(".rx.pcap").frames, Frames{rc_frame(1, round).bytes()});
    std::filesystem::remove(file(".rx.pcap"));
    std::filesystem::remove(file(".tx.pcap"));
  }
}

TEST_F(CaptureOfAPort, IsItsOwnersAlone) {
  start(host)->stop();
  for (const char* suffix : {".rx.pcap", ".tx.pcap"}) {
    EXPECT_EQ(std::filesystem::status(file(suffix)).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  }
}

TEST_F(CaptureOfAPort, LeavesAFileThatExistsAsItIs) {
  std::ofstream(file(".rx.pcap")) << "kept";
  EXPECT_EQ(refusal(), file(".rx.pcap").string() + " exists already; remove it or name another");
  EXPECT_EQ(std::filesystem::file_size(file(".rx.pcap")), 4U);
  EXPECT_FALSE(std::filesystem::exists(file(".tx.pcap")));
}

TEST_F(CaptureOfAPort, FollowsNoLink) {
  std::ofstream(folder_ / "target") << "kept";
  for (const char* target : {"target", "none"}) {
    std::filesystem::create_symlink(folder_ / target, file(".rx.pcap"));
    EXPECT_EQ(refusal(), file(".rx.pcap").string() + " exists already; remove it or name another");
    std::filesystem::remove(file(".rx.pcap"));
  }
  EXPECT_EQ(std::filesystem::file_size(folder_ / "target"), 4U);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "none"));
}

TEST_F(CaptureOfAPort, WaitsForNoReaderOfAFifo) {
  ASSERT_EQ(::mkfifo(file(".rx.pcap").c_str(), S_IRUSR | S_IWUSR), 0);
  EXPECT_NE(refusal().find("exists already"), std::string::npos);
}

TEST_F(CaptureOfAPort, LeavesNoFirstFileWhereTheSecondCannotBeMade) {
  std::ofstream(file(".tx.pcap")) << "kept";
  EXPECT_EQ(refusal(), file(".tx.pcap").string() + " exists already; remove it or name another");
  EXPECT_FALSE(std::filesystem::exists(file(".rx.pcap")));
  EXPECT_EQ(std::filesystem::file_size(file(".tx.pcap")), 4U);
}

}  // namespace
}  // namespace braidway::tests
