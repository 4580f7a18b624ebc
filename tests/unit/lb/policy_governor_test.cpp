#include "lb/policy_governor.hpp"

#include <cstdint>
#include <optional>
#include <vector>

#include <gtest/gtest.h>

namespace braidway::lb {
namespace {

constexpr std::int64_t ms = 1'000'000;
constexpr std::int64_t second = 1'000 * ms;

/// A governor of a peer with eight paths, called each millisecond.
class Governed {
 public:
  explicit Governed(Policy configured) : governor(configured) {}

  /// Until `duration` has passed, with so many paths out, packets a millisecond, and NAKs a million packets
  /// by whether the policy in force is `pinned`.
  void run(std::int64_t duration) {
    for (const std::int64_t end = now + duration; now < end;) {
      now += ms;
      const std::uint64_t millionths = governor.policy() == Policy::pinned ? naks_pinned : naks_otherwise;
      due_ += packets * millionths;
      governor.count(packets, due_ / 1'000'000, Nanoseconds{now});
      due_ %= 1'000'000;
      const auto event = governor.advance(out, 8, Nanoseconds{now});
      if (event) events.push_back(*event);
    }
  }
  std::vector<PolicyEvent> run_and_tell(std::int64_t duration) {
    events.clear();
    run(duration);
    return events;
  }

  PolicyGovernor governor;
  std::size_t out = 0;
  std::uint64_t packets = 5'000;
  std::uint64_t naks_pinned = 0;
  std::uint64_t naks_otherwise = 0;
  std::vector<PolicyEvent> events;
  std::int64_t now = 5 * second;

 private:
  std::uint64_t due_ = 0;
};

TEST(PolicyGovernor, AHealthyPeerKeepsWhatWasConfigured) {
  for (const Policy policy :
       {Policy::pinned, Policy::idle_move, Policy::reroute, Policy::spray, Policy::automatic}) {
    Governed peer(policy);
    peer.out = 3;
    EXPECT_TRUE(peer.run_and_tell(20 * second).empty());
    EXPECT_EQ(peer.governor.policy(), policy);
  }
}

TEST(PolicyGovernor, HalfOfThePathsOutForTenMillisecondsIsAStepDown) {
  Governed peer(Policy::automatic);
  for (int i = 0; i < 100; ++i) {
    peer.out = 4;
    peer.run(9 * ms);
    peer.out = 3;
    peer.run(1 * ms);
  }
  EXPECT_TRUE(peer.events.empty()) << "not for long enough";
  peer.out = 4;
  const std::int64_t since = peer.now;
  const auto events = peer.run_and_tell(100 * ms);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0], (PolicyEvent{Nanoseconds{since + 11 * ms}, Policy::automatic, Policy::reroute,
                                    PolicyCause::paths_out}));
  EXPECT_EQ(events[1].to, Policy::idle_move);
  EXPECT_EQ(events[2].to, Policy::pinned);
  EXPECT_EQ(value(events[2].at) - value(events[0].at), 20 * ms);
  EXPECT_EQ(peer.governor.policy(), Policy::pinned);
}

TEST(PolicyGovernor, BackUpItGoesAStepASecond) {
  Governed peer(Policy::spray);
  peer.out = 8;
  peer.run(50 * ms);
  peer.out = 0;
  const std::int64_t since = peer.now;
  const auto events = peer.run_and_tell(10 * second);
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].to, Policy::idle_move);
  EXPECT_EQ(events[1].to, Policy::reroute);
  EXPECT_EQ(events[2].to, Policy::spray);
  for (std::int64_t i = 0; i < 3; ++i) {
    EXPECT_EQ(value(events[static_cast<std::size_t>(i)].at), since + ms + (i + 1) * second);
    EXPECT_EQ(events[static_cast<std::size_t>(i)].cause, PolicyCause::paths_back);
  }
}

TEST(PolicyGovernor, APeerThatFallsAgainWaitsTwiceAsLong) {
  Governed peer(Policy::reroute);
  for (const std::int64_t seconds : {1, 2, 4, 8, 16, 32, 60, 60}) {
    peer.out = 4;
    peer.run(15 * ms);
    ASSERT_EQ(peer.governor.policy(), Policy::idle_move);
    peer.out = 0;
    peer.run(seconds * second - ms);
    EXPECT_EQ(peer.governor.policy(), Policy::idle_move) << seconds;
    peer.run(3 * ms);
    EXPECT_EQ(peer.governor.policy(), Policy::reroute) << seconds;
  }
  peer.run(61 * second);
  peer.out = 4;
  peer.run(15 * ms);
  peer.out = 0;
  peer.run(second + 3 * ms);
  EXPECT_EQ(peer.governor.policy(), Policy::reroute) << "it was well for long";
}

TEST(PolicyGovernor, MoreNaksThanUnderPinnedPinThePeer) {
  Governed peer(Policy::spray);
  peer.run(2 * second);
  peer.naks_otherwise = 1'000;
  const auto events = peer.run_and_tell(20 * ms);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].from, Policy::spray);
  EXPECT_EQ(events[0].to, Policy::pinned);
  EXPECT_EQ(events[0].cause, PolicyCause::harm);
}

TEST(PolicyGovernor, HarmIsTriedAgainWithGrowingDelays) {
  Governed peer(Policy::automatic);
  peer.naks_otherwise = 1'000;
  peer.run(20 * ms);
  std::int64_t delay = 1;
  for (int i = 0; i < 8; ++i, delay *= 2) {
    ASSERT_EQ(peer.governor.policy(), Policy::pinned);
    const auto events = peer.run_and_tell(delay * second + 25 * ms);
    ASSERT_EQ(events.size(), 2U) << delay;
    EXPECT_EQ(events[0].cause, PolicyCause::retry);
    EXPECT_EQ(events[0].to, Policy::automatic);
    EXPECT_EQ(events[1].cause, PolicyCause::harm);
    EXPECT_LT(value(events[1].at) - value(events[0].at), 20 * ms);
  }
  peer.naks_otherwise = 0;
  peer.run(delay * second);
  EXPECT_EQ(peer.governor.policy(), Policy::automatic);
  EXPECT_TRUE(peer.run_and_tell(60 * second).empty()) << "the harm is over";
}

TEST(PolicyGovernor, NaksThatAreNotOurDoingPinAPeerOnce) {
  Governed peer(Policy::automatic);
  peer.naks_otherwise = peer.naks_pinned = 2'000;
  const auto events = peer.run_and_tell(60 * second);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].cause, PolicyCause::harm);
  EXPECT_EQ(events[1].cause, PolicyCause::retry);
  EXPECT_NEAR(peer.governor.naks_pinned(), 2e-3, 1e-4);
  peer.naks_otherwise = 10'000;
  peer.run(20 * ms);
  EXPECT_EQ(peer.governor.policy(), Policy::pinned) << "but more than those do";
}

TEST(PolicyGovernor, WithLittleTrafficATenthOfACountIsLearntFrom) {
  Governed peer(Policy::automatic);
  peer.packets = 50;
  peer.naks_otherwise = peer.naks_pinned = 10'000;
  const auto events = peer.run_and_tell(60 * second);
  EXPECT_EQ(events.size(), 2U);
  EXPECT_NEAR(peer.governor.naks_pinned(), 1e-2, 1e-3);
}

TEST(PolicyGovernor, FewerNaksUnderABolderPolicyLowerWhatIsComparedWithSlowly) {
  Governed peer(Policy::automatic);
  peer.naks_otherwise = peer.naks_pinned = 2'000;
  peer.run(10 * second);
  peer.naks_otherwise = 0;
  peer.run(10 * second);
  EXPECT_GT(peer.governor.naks_pinned(), 1e-3);
  peer.run(1'000 * second);
  EXPECT_LT(peer.governor.naks_pinned(), 2e-5);
}

TEST(PolicyGovernor, NaksOfThePolicyBeforeAreNotCounted) {
  Governed peer(Policy::automatic);
  peer.naks_otherwise = 1'000;
  peer.run(20 * ms);
  ASSERT_EQ(peer.governor.policy(), Policy::pinned);
  for (std::int64_t i = 0; i < 1'900; ++i) {
    const Nanoseconds now{value(peer.events[0].at) + i * 1'000};
    peer.governor.count(100, 100, now);
    peer.governor.advance(0, 8, now);
  }
  EXPECT_EQ(peer.governor.naks_pinned(), PolicyGovernor::Parameters{}.naks_expected);
}

TEST(PolicyGovernor, NaksForWhatALeavingPathLostAreNotHeldAgainstThePolicy) {
  Governed peer(Policy::automatic);
  for (const std::size_t leaves : {1, 2, 3}) {
    peer.naks_otherwise = 5'000;
    peer.run(5 * ms);
    peer.out = leaves;
    peer.run(1 * ms);
    peer.naks_otherwise = 0;
    peer.run(500 * ms);
  }
  EXPECT_TRUE(peer.events.empty());
}

TEST(PolicyGovernor, StepsGoOnWhileHarmHasAPeerPinned) {
  Governed peer(Policy::automatic);
  peer.naks_otherwise = 1'000;
  peer.run(20 * ms);
  peer.naks_otherwise = 0;
  peer.out = 4;
  peer.run(15 * ms);
  ASSERT_EQ(peer.governor.policy(), Policy::pinned);
  peer.out = 0;
  const auto events = peer.run_and_tell(5 * second);
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].to, Policy::reroute);
  EXPECT_EQ(events[0].cause, PolicyCause::retry);
  EXPECT_EQ(events[1].to, Policy::automatic);
  EXPECT_EQ(events[1].cause, PolicyCause::paths_back);
}

TEST(PolicyGovernor, APeerWithoutPathsIsLeftAlone) {
  PolicyGovernor governor(Policy::spray);
  for (std::int64_t i = 0; i < 100; ++i) EXPECT_EQ(governor.advance(0, 0, Nanoseconds{i * ms}), std::nullopt);
}

}  // namespace
}  // namespace braidway::lb
