// What lanes and the one that handles the messages tell each other while both go on.
#include "dataplane/peer_link.hpp"

#include <atomic>
#include <cstdint>
#include <optional>
#include <thread>

#include <gtest/gtest.h>

#include "lb/alternate_marking.hpp"

namespace braidway::dataplane {
namespace {

constexpr lb::PathId path{1};

/// A time in a marking period.
lb::Nanoseconds within(std::uint32_t period) {
  const lb::Nanoseconds time{std::int64_t{period} << 17U};
  EXPECT_EQ(lb::marking_period(time), period);
  return time;
}

TEST(SentCounts, WhatIsSaidOfAPeriodThatIsOverIsAllThatWasSentThroughIt) {
  SentCounts sent(2);
  constexpr std::uint32_t a_period = 3;  // packets
  constexpr std::uint32_t last = 40'000;
  std::atomic<std::uint32_t> begun{0};
  std::thread lane([&] {
    for (std::uint32_t period = 1; period <= last; ++period) {
      sent.begin(within(period));
      begun.store(period, std::memory_order_release);
      for (std::uint32_t i = 0; i < a_period; ++i) sent.count(path);
    }
  });
  std::uint64_t wrong = 0;
  std::uint64_t answered = 0;
  std::uint32_t total = 0;
  std::uint32_t over = 0;
  while (over < last - 1) {
    over = begun.load(std::memory_order_acquire);
    if (over == 0) continue;
    --over;  // of the periods that have begun all but the last are over
    if (const std::optional<std::uint32_t> through = sent.through(path, over)) {
      ++answered;
      wrong += *through != over * a_period ? 1 : 0;
    }
    const std::uint32_t now = sent.total(path);
    wrong += now < total ? 1 : 0;
    total = now;
  }
  lane.join();
  EXPECT_EQ(wrong, 0U);
  EXPECT_GT(answered, 0U);
  EXPECT_EQ(sent.total(path), last * a_period);
  EXPECT_EQ(sent.through(path, last - 1), (last - 1) * a_period);
  EXPECT_EQ(sent.through(path, last), last * a_period) << "not over: what has been sent so far";
  EXPECT_EQ(sent.through(path, last - 40), std::nullopt) << "too long ago to be remembered";
}

TEST(PeerLink, WhoSeesAVersionSeesAllThatItIsOf) {
  PeerSettings peer;
  peer.paths.resize(4);
  PeerLink link(peer, 1);
  constexpr std::uint32_t last = 200'000;
  std::thread messages([&] {
    for (std::uint32_t version = 2; version <= last; ++version) {
      for (PathSignal& signal : link.paths) {
        signal.share.store(static_cast<float>(version), std::memory_order_relaxed);
      }
      link.version.fetch_add(1, std::memory_order_release);
    }
  });
  std::uint64_t older = 0;
  std::uint32_t seen = 0;
  while (seen < last) {
    seen = link.version.load(std::memory_order_acquire);
    for (const PathSignal& signal : link.paths) {
      // It may be of a later one already: then that version comes next.
      older += seen > 1 && signal.share.load(std::memory_order_relaxed) < static_cast<float>(seen) ? 1 : 0;
    }
  }
  messages.join();
  EXPECT_EQ(older, 0U);
}

}  // namespace
}  // namespace braidway::dataplane
