#include "lb/path_health.hpp"

#include <cstdint>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

namespace braidway::lb {
namespace {

constexpr std::int64_t us = 1'000;
constexpr std::int64_t ms = 1'000'000;

/// A peer with its paths, both ends: what is sent arrives at once unless its path is cut or loses it. A
/// message comes each 100 us, and time passes in turns of 20 us.
class TwoEnds {
 public:
  explicit TwoEnds(std::size_t paths) : TwoEnds(paths, PathHealth::Parameters{}) {}
  TwoEnds(std::size_t paths, const PathHealth::Parameters& parameters)
      : health(paths, parameters),
        cut(paths),
        loses_each(paths),
        late_each(paths),
        heard_(paths),
        received_(paths),
        late_(paths),
        sent_(paths),
        counted_(paths) {}

  void send(std::size_t path) {
    if (counted_elsewhere) {
      counted_[path].count(Nanoseconds{now_});
      health.probed(static_cast<PathId>(path), Nanoseconds{now_});
    } else {
      health.sent(static_cast<PathId>(path), Nanoseconds{now_}, Nanoseconds{now_});
    }
    ++sent_[path];
    const bool lost = loses_each[path] > 0 && sent_[path] % loses_each[path] == 0;
    if (cut[path] || lost) return;
    heard_[path] = true;
    received_[path].count(Nanoseconds{now_});
    if (late_each[path] > 0 && sent_[path] % late_each[path] == 0) ++late_[path];
  }
  void probe(std::size_t path) { heard_[path] = heard_[path] || !cut[path]; }
  /// Until `duration` has passed, each turn sending `packets` on every path that may be used.
  void run(std::int64_t duration, int packets) {
    for (const std::int64_t end = now_ + duration; now_ < end;) {
      for (std::size_t path = 0; path < cut.size(); ++path) {
        for (int i = 0; i < packets && health.usable(static_cast<PathId>(path)); ++i) send(path);
      }
      pass(20 * us);
    }
  }
  void pass(std::int64_t time) {
    now_ += time;
    if (now_ >= next_message_ && messages) tell();
    health.advance(Nanoseconds{now_});
  }
  void tell() {
    next_message_ = now_ + 100 * us;
    std::vector<PathReceipt> receipts;
    for (std::size_t i = 0; i < received_.size(); ++i) {
      receipts.push_back({.path = static_cast<PathId>(i),
                          .heard = heard_[i],
                          .period = received_[i].complete(),
                          .received = received_[i].through(),
                          .late = late_[i],
                          .sent = sent_through(i)});
      heard_[i] = false;
    }
    health.received(receipts, Nanoseconds{now_});
  }
  void restart_peer(std::size_t path) { received_[path] = {}; }
  [[nodiscard]] PathState state(std::size_t path) const { return health.state(static_cast<PathId>(path)); }
  [[nodiscard]] std::size_t count(PathState state) const {
    std::size_t found = 0;
    for (std::size_t i = 0; i < cut.size(); ++i)
      found += health.state(static_cast<PathId>(i)) == state ? 1 : 0;
    return found;
  }
  [[nodiscard]] std::int64_t now() const { return now_; }

  PathHealth health;
  std::vector<bool> cut;
  std::vector<std::uint32_t> loses_each;  ///< by path: every so many packets, 0 never
  std::vector<std::uint32_t> late_each;   ///< the same, for packets whose gap has been given up
  bool messages = true;
  bool counted_elsewhere = false;  ///< packets; to be set before the first

 private:
  [[nodiscard]] std::optional<PathSent> sent_through(std::size_t path) const {
    if (!counted_elsewhere) return std::nullopt;
    return PathSent{.through = counted_[path].through(received_[path].complete()),
                    .total = counted_[path].total()};
  }

  std::int64_t now_ = 1'000 * ms;
  std::int64_t next_message_ = 0;
  std::vector<bool> heard_;
  std::vector<ReceivedByPeriod> received_;
  std::vector<std::uint32_t> late_;
  std::vector<std::uint32_t> sent_;
  std::vector<SentByPeriod> counted_;
};

TEST(PathHealth, APathIsSuspectAfter200MicrosecondsOfSilenceWhileAnotherIsHeard) {
  TwoEnds ends(3);
  ends.run(1 * ms, 1);
  ends.cut[1] = true;
  ends.run(180 * us, 1);
  EXPECT_EQ(ends.count(PathState::live), 3U);
  ends.run(220 * us, 1);
  EXPECT_EQ(ends.state(1), PathState::suspect);
  EXPECT_EQ(ends.count(PathState::live), 2U);
}

TEST(PathHealth, APathIsDeadAfterThreeMillisecondsAndComesBackWithAProbe) {
  TwoEnds ends(3);
  ends.cut[1] = true;
  ends.run(2'900 * us, 1);
  EXPECT_EQ(ends.state(1), PathState::suspect);
  ends.run(300 * us, 1);
  EXPECT_EQ(ends.state(1), PathState::dead);
  ends.probe(1);
  ends.run(200 * us, 1);
  EXPECT_EQ(ends.state(1), PathState::dead);
  ends.cut[1] = false;
  ends.probe(1);
  ends.run(200 * us, 1);
  EXPECT_EQ(ends.state(1), PathState::live);
  ends.run(20 * ms, 10);
  EXPECT_EQ(ends.state(1), PathState::live) << "what it lost in dying is not held against it";
  EXPECT_GT(ends.health.lost(PathId{1}), 0U);
}

TEST(PathHealth, ASuspectComesBackAtItsFirstSign) {
  TwoEnds ends(2);
  ends.cut[0] = true;
  ends.run(1 * ms, 1);
  ASSERT_EQ(ends.state(0), PathState::suspect);
  ends.cut[0] = false;
  ends.probe(0);
  ends.tell();
  EXPECT_EQ(ends.state(0), PathState::live);
}

TEST(PathHealth, AProbeWithoutAnAnswerIsSilenceToo) {
  PathHealth health(2);
  for (std::int64_t now = 0; now < 4 * ms; now += 20 * us) {
    if (now % ms == 0) {
      for (const PathId path : {PathId{0}, PathId{1}}) health.probed(path, Nanoseconds{now});
    }
    const PathReceipt heard{.path = PathId{0}, .heard = true};
    if (now % (100 * us) == 0) health.received({&heard, 1}, Nanoseconds{now});
    health.advance(Nanoseconds{now});
    EXPECT_EQ(health.state(PathId{0}), PathState::live);
    if (now == 300 * us) {
      EXPECT_EQ(health.state(PathId{1}), PathState::suspect);
    }
  }
  EXPECT_EQ(health.state(PathId{1}), PathState::dead);
}

TEST(PathHealth, SilenceOfAllPathsSuspectsNone) {
  TwoEnds ends(4);
  ends.run(1 * ms, 1);
  ends.cut.assign(4, true);
  ends.run(100 * ms, 1);
  EXPECT_EQ(ends.count(PathState::live), 4U);
}

TEST(PathHealth, MessagesThatStopComingSuspectNoPath) {
  TwoEnds ends(4);
  ends.run(1 * ms, 1);
  ends.messages = false;
  ends.run(100 * ms, 1);
  EXPECT_EQ(ends.count(PathState::live), 4U);
}

TEST(PathHealth, NewsOfPacketsThatLeftBeforeSuspectsNoPath) {
  PathHealth health(2);
  const PathReceipt other{.path = PathId{1}, .heard = true};
  for (std::int64_t now = 0; now < 5 * ms; now += 20 * us) {
    for (const PathId path : {PathId{0}, PathId{1}}) health.sent(path, Nanoseconds{now}, Nanoseconds{now});
    // The last message for long: about what came in before the first packet of path 0 could.
    if (now == 40 * us) health.received({&other, 1}, Nanoseconds{now});
    health.advance(Nanoseconds{now});
  }
  EXPECT_EQ(health.state(PathId{0}), PathState::live);
}

TEST(PathHealth, APathWithNothingOutstandingMayBeSilent) {
  TwoEnds ends(2);
  ends.run(1 * ms, 1);
  ends.pass(100 * us);
  ends.pass(100 * us);
  for (int i = 0; i < 1'000; ++i) {
    ends.send(0);
    ends.pass(20 * us);
  }
  EXPECT_EQ(ends.state(1), PathState::live);
}

TEST(PathHealth, TimeInWhichTheWorkerDidNotRunKillsNoPath) {
  TwoEnds ends(3);
  ends.run(1 * ms, 1);
  for (int i = 0; i < 10; ++i) {
    ends.send(0);
    ends.send(1);
    ends.tell();
    ends.send(2);
    ends.pass(500 * ms);
    ASSERT_EQ(ends.count(PathState::dead), 0U);
    ends.run(200 * us, 1);
    ASSERT_EQ(ends.count(PathState::live), 3U);
  }
}

TEST(PathHealth, APathThatWasSilentBeforeTheWorkerWasGoneIsNotDeadWhenItIsBack) {
  PathHealth health(2);
  const PathReceipt other{.path = PathId{1}, .heard = true};
  health.sent(PathId{0}, Nanoseconds{}, Nanoseconds{});
  health.received({&other, 1}, Nanoseconds{120 * us});
  for (std::int64_t turn = 1; turn < 10; ++turn) {
    health.advance(Nanoseconds{turn * 500 * ms});
    EXPECT_NE(health.state(PathId{0}), PathState::dead) << turn;
  }
}

TEST(PathHealth, NothingIsLostWhereNothingIsLost) {
  TwoEnds ends(4);
  ends.run(200 * ms, 20);
  EXPECT_EQ(ends.count(PathState::live), 4U);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(ends.health.lost(static_cast<PathId>(i)), 0U);
}

TEST(PathHealth, APathThatLosesAThousandthIsOutWithinFiveMilliseconds) {
  TwoEnds ends(4);
  ends.run(20 * ms, 20);
  ends.loses_each[2] = 1'000;
  ends.run(5 * ms, 20);
  EXPECT_EQ(ends.state(2), PathState::lossy);
  EXPECT_EQ(ends.count(PathState::live), 3U);
}

TEST(PathHealth, LossIsCountedToThePacket) {
  TwoEnds ends(2, {.loss_share = 1});
  ends.loses_each[1] = 100;
  ends.run(20 * us * 5'000, 1);
  ends.loses_each[1] = 0;
  ends.run(1 * ms, 1);
  EXPECT_EQ(ends.health.lost(PathId{1}), 50U);
}

TEST(PathHealth, LossIsKnownWherePacketsAreCountedElsewhere) {
  TwoEnds ends(4, {.loss_share = 1});
  ends.counted_elsewhere = true;
  ends.loses_each[1] = 100;
  ends.run(20 * us * 5'000, 1);
  ends.loses_each[1] = 0;
  ends.run(1 * ms, 1);
  EXPECT_EQ(ends.health.lost(PathId{1}), 50U);
  EXPECT_EQ(ends.health.lost(PathId{0}), 0U);
}

TEST(PathHealth, PacketsThatComeTooLateAreAsGoodAsLost) {
  TwoEnds ends(4);
  ends.run(20 * ms, 20);
  ends.late_each[2] = 1'000;
  ends.run(5 * ms, 20);
  EXPECT_EQ(ends.state(2), PathState::lossy);
  EXPECT_EQ(ends.health.lost(PathId{2}), 0U) << "they have come, after all";
}

TEST(PathHealth, ALossyPathComesBackAndIsLeftAloneTwiceAsLongEachTime) {
  TwoEnds ends(3, {.lossy_for = Nanoseconds{10 * ms}, .lossy_longest = Nanoseconds{40 * ms}});
  ends.loses_each[0] = 100;
  for (const std::int64_t expected : {10, 20, 40, 40}) {
    while (ends.state(0) == PathState::live) ends.run(20 * us, 5);
    const std::int64_t since = ends.now();
    while (ends.state(0) == PathState::lossy) ends.run(20 * us, 5);
    EXPECT_NEAR(static_cast<double>(ends.now() - since) / ms, static_cast<double>(expected), 0.2);
    EXPECT_EQ(ends.state(0), PathState::live);
  }
  ends.loses_each[0] = 0;
  ends.run(100 * ms, 5);
  ends.loses_each[0] = 100;
  while (ends.state(0) == PathState::live) ends.run(20 * us, 5);
  const std::int64_t since = ends.now();
  while (ends.state(0) == PathState::lossy) ends.run(20 * us, 5);
  EXPECT_NEAR(static_cast<double>(ends.now() - since) / ms, 10, 0.2) << "it was well for long";
}

TEST(PathHealth, LossThatAllPathsShareTakesNoneOut) {
  TwoEnds ends(4);
  ends.loses_each.assign(4, 500);
  ends.run(200 * ms, 10);
  EXPECT_EQ(ends.count(PathState::live), 4U);
}

TEST(PathHealth, NeverAreMoreThanHalfOfThePathsLossy) {
  TwoEnds ends(5);
  ends.loses_each = {10, 40, 200, 1'000, 0};
  for (int i = 0; i < 10'000; ++i) {
    ends.run(20 * us, 10);
    ASSERT_LE(ends.count(PathState::lossy), 2U);
  }
  EXPECT_EQ(ends.count(PathState::lossy), 2U);
}

TEST(PathHealth, ALossyPathIsTakenBackWhenNoneOtherIsLeft) {
  TwoEnds ends(2);
  ends.loses_each[0] = 100;
  ends.run(10 * ms, 10);
  ASSERT_EQ(ends.state(0), PathState::lossy);
  // The other one dies; a probe over the lossy one shows that the peer is there.
  ends.cut[1] = true;
  for (int i = 0; i < 50; ++i) {
    ends.probe(0);
    ends.run(20 * us, 1);
  }
  EXPECT_EQ(ends.state(1), PathState::suspect);
  EXPECT_EQ(ends.state(0), PathState::live);
}

TEST(PathHealth, APeerThatCountsAnewLosesNothing) {
  TwoEnds ends(2);
  ends.run(50 * ms, 10);
  ends.restart_peer(0);
  ends.run(50 * ms, 10);
  EXPECT_EQ(ends.state(0), PathState::live);
  ends.loses_each[0] = 100;
  ends.run(10 * ms, 10);
  EXPECT_EQ(ends.state(0), PathState::lossy) << "and is judged again";
}

}  // namespace
}  // namespace braidway::lb
