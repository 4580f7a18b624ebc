#include "telemetry/session.hpp"

#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace braidway::telemetry {
namespace {

constexpr lb::GatewayId us{7};
constexpr lb::GatewayId them{9};
constexpr BootId ours{0x700};
constexpr BootId first{0x901};
constexpr BootId second{0x902};

constexpr lb::Nanoseconds at_us(std::int64_t microseconds) { return lb::Nanoseconds{microseconds * 1'000}; }
/// Long after anything that came at the beginning.
constexpr lb::Nanoseconds later = at_us(1'000'000);

struct Said {
  BootId boot = first;
  BootId echo = ours;
  std::uint64_t sequence = 1;
  std::uint16_t generation = 0;
  std::uint8_t path = 0;
  bool blocked = false;
};

Message from_peer(const Said& said) {
  Message message;
  message.type = MessageType::probe;
  message.header = {.sender = them,
                    .receiver = us,
                    .sender_boot = said.boot,
                    .receiver_boot = said.echo,
                    .sequence = said.sequence,
                    .generation = said.generation,
                    .path = lb::PathId{said.path},
                    .blocked_strand = said.blocked};
  return message;
}

struct Met : Session {
  Met() : Session(us, them, ours) { receive(from_peer({.sequence = 100}), at_us(0)); }
};

TEST(Session, AMessageThatEchoesOurBootCountsOnce) {
  Session session(us, them, ours);
  EXPECT_EQ(session.peer_boot(), unknown_boot);
  const auto got = session.receive(from_peer({}), at_us(0));
  EXPECT_EQ(got.verdict, Verdict::counts);
  EXPECT_TRUE(got.first_contact);
  EXPECT_FALSE(got.restarted);
  EXPECT_FALSE(got.answer);
  EXPECT_EQ(session.peer_boot(), first);
  const auto again = session.receive(from_peer({}), at_us(1));
  EXPECT_EQ(again.verdict, Verdict::repeated);
  EXPECT_FALSE(again.first_contact);
  EXPECT_EQ(session.receive(from_peer({.sequence = 2}), at_us(1)).verdict, Verdict::counts);
}

TEST(Session, TheWindowIs1024Wide) {
  Met session;
  const auto verdict = [&](std::uint64_t sequence) {
    return session.receive(from_peer({.sequence = sequence}), at_us(1)).verdict;
  };
  EXPECT_EQ(verdict(5'000), Verdict::counts);
  EXPECT_EQ(verdict(5'000 - 1'023), Verdict::counts) << "the oldest there is";
  EXPECT_EQ(verdict(5'000 - 1'023), Verdict::repeated);
  EXPECT_EQ(verdict(5'000 - 1'024), Verdict::too_old);
  EXPECT_EQ(verdict(100), Verdict::too_old);
  EXPECT_EQ(verdict(5'001), Verdict::counts);
  EXPECT_EQ(verdict(5'001 - 1'024), Verdict::too_old);
  EXPECT_EQ(verdict(5'000), Verdict::repeated);
  EXPECT_EQ(verdict(5'001 + 1'023), Verdict::counts) << "as far ahead as leaves one of the old ones in";
  EXPECT_EQ(verdict(5'001), Verdict::repeated);
  EXPECT_EQ(verdict(5'002), Verdict::counts);
  EXPECT_EQ(verdict(5'002 + 1'024), Verdict::counts) << "the number in whose place it comes";
}

TEST(Session, TheWindowIsRightAtBothEndsOfTheNumbers) {
  SequenceWindow window;
  using Place = SequenceWindow::Place;
  EXPECT_NE(window.place(0), Place::fresh) << "sequences are from 1";
  window.take(1);
  EXPECT_EQ(window.place(1), Place::repeated);
  EXPECT_NE(window.place(0), Place::fresh);
  constexpr std::uint64_t last = ~std::uint64_t{0};
  EXPECT_EQ(window.place(last), Place::fresh);
  window.take(last);
  EXPECT_EQ(window.place(last), Place::repeated);
  EXPECT_EQ(window.place(0), Place::too_old) << "nothing comes after the last";
  EXPECT_EQ(window.place(1), Place::too_old);
  EXPECT_EQ(window.place(last - 1'023), Place::fresh);
  EXPECT_EQ(window.place(last - 1'024), Place::too_old);
}

TEST(Session, OfAnotherLifeOfOursItIsAnsweredAndNoMore) {
  Session session(us, them, ours);
  for (const BootId echo : {unknown_boot, BootId{0x699}}) {
    const auto message = from_peer({.echo = echo, .sequence = 8, .generation = 3});
    const auto now = at_us(2'000 * static_cast<std::int64_t>(echo));
    const auto got = session.receive(message, now);
    EXPECT_EQ(got.verdict, Verdict::unknown_echo);
    EXPECT_TRUE(got.answer);
    EXPECT_FALSE(got.first_contact || got.paths_changed || got.block_changed);
    EXPECT_EQ(session.peer_boot(), unknown_boot);
    EXPECT_EQ(session.generation(), 0U);
    const auto answer = session.answer(message, {.now = now, .path = lb::PathId{2}});
    EXPECT_EQ(answer.sender_boot, ours);
    EXPECT_EQ(answer.receiver_boot, first) << "or the answer would not count";
    EXPECT_EQ(answer.receiver, them);
  }
  EXPECT_EQ(session.receive(from_peer({.sequence = 8}), at_us(5'000'000)).verdict, Verdict::counts)
      << "what did not count has not taken its number";
}

TEST(Session, AtMostOneAnswerAMillisecond) {
  Session session(us, them, ours);
  int answers = 0;
  for (int i = 0; i < 10'000; ++i) {
    const auto message = from_peer({.echo = unknown_boot, .sequence = static_cast<std::uint64_t>(i) + 1});
    answers += session.receive(message, at_us(i)).answer ? 1 : 0;
  }
  EXPECT_EQ(answers, 10);
}

TEST(Session, TwoGatewaysMeetInThreeMessages) {
  Session a(us, them, ours);
  Session b(them, us, first);
  const auto carry = [](const MessageHeader& header, Session& to) {
    Message message;
    message.type = MessageType::probe;
    message.header = header;
    return std::pair{message, to.receive(message, at_us(0))};
  };
  const auto [hello, heard] = carry(a.next({}), b);
  ASSERT_TRUE(heard.answer);
  EXPECT_EQ(carry(b.answer(hello, {}), a).second.verdict, Verdict::counts);
  EXPECT_EQ(carry(a.next({}), b).second.verdict, Verdict::counts);
  EXPECT_EQ(a.peer_boot(), first);
  EXPECT_EQ(b.peer_boot(), ours);
}

TEST(Session, ItsOwnMessagesAreNumberedFromOne) {
  Met session;
  const auto header = session.next(
      {.now = at_us(5), .generation = 4, .path = lb::PathId{3}, .lane = lb::Lane{2}, .blocked_strand = true});
  EXPECT_EQ(header.sender, us);
  EXPECT_EQ(header.receiver, them);
  EXPECT_EQ(header.sender_boot, ours);
  EXPECT_EQ(header.receiver_boot, first);
  EXPECT_EQ(header.sequence, 1U);
  EXPECT_EQ(header.sent, at_us(5));
  EXPECT_EQ(header.generation, 4U);
  EXPECT_EQ(header.path, lb::PathId{3});
  EXPECT_EQ(header.lane, lb::Lane{2});
  EXPECT_TRUE(header.blocked_strand);
  EXPECT_EQ(session.next({}).sequence, 2U);
}

TEST(Session, ANewBootAfterSilenceIsARestart) {
  Met session;
  auto feedback = from_peer({.sequence = 101, .generation = 5, .blocked = true});
  feedback.type = MessageType::feedback;
  feedback.capabilities = capability::restores_order;
  session.receive(feedback, at_us(1));
  const auto got = session.receive(from_peer({.boot = second, .generation = 5}), later);
  EXPECT_EQ(got.verdict, Verdict::counts);
  EXPECT_TRUE(got.restarted);
  EXPECT_FALSE(got.first_contact);
  EXPECT_TRUE(got.paths_changed) << "whatever its number, it is another set";
  EXPECT_EQ(session.peer_boot(), second);
  EXPECT_EQ(session.capabilities(), 0U) << "what the boot before could do says nothing";
  EXPECT_FALSE(session.blocked(lb::PathId{0}));
  EXPECT_FALSE(session.receive(from_peer({.boot = second, .sequence = 2, .generation = 5}), later).restarted);
}

TEST(Session, ANewBootThatDoesNotEchoOursRestartsNothing) {
  Met session;
  const auto got = session.receive(from_peer({.boot = second, .echo = BootId{0x699}}), later);
  EXPECT_EQ(got.verdict, Verdict::unknown_echo);
  EXPECT_FALSE(got.restarted);
  EXPECT_EQ(session.peer_boot(), first);
}

TEST(Session, AMessageOfAnEarlierBootIsNeverARestart) {
  Met session;
  std::vector<Message> recorded{from_peer({.sequence = 100}), from_peer({.sequence = 99}),
                                from_peer({.echo = unknown_boot, .sequence = 1})};
  // The peer restarts as often as is remembered, and each time all that was recorded is replayed.
  for (std::uint64_t restart = 1; restart <= Session::most_retired; ++restart) {
    const auto now = at_us(static_cast<std::int64_t>(restart) * 1'000'000);
    const BootId boot{0x901 + restart};
    ASSERT_TRUE(session.receive(from_peer({.boot = boot}), now).restarted);
    recorded.push_back(from_peer({.boot = boot}));
    for (const auto& old : recorded) {
      if (old.header.sender_boot == boot) continue;
      // Even when the peer is silent.
      const auto got = session.receive(old, lb::Nanoseconds{value(now) + 900'000'000});
      EXPECT_EQ(got.verdict, Verdict::retired_boot);
      EXPECT_FALSE(got.restarted || got.answer);
    }
    EXPECT_EQ(session.peer_boot(), boot);
    EXPECT_FALSE(session.wants_new_life(now));
  }
}

TEST(Session, WhenNoFurtherBootCanBeRetiredANewLifeVoidsThemAll) {
  Met session;
  std::int64_t now = 0;
  BootId boot = first;
  for (std::size_t i = 0; i < Session::most_retired; ++i) {
    boot = BootId{static_cast<std::uint64_t>(boot) + 1};
    session.receive(from_peer({.boot = boot}), at_us(now += 1'000'000));
  }
  const auto another = from_peer({.boot = BootId{0xaaa}});
  EXPECT_EQ(session.receive(another, at_us(now += 1'000'000)).verdict, Verdict::no_room);
  EXPECT_EQ(session.peer_boot(), boot) << "one more would make room for an old one";
  ASSERT_TRUE(session.wants_new_life(at_us(now)));
  constexpr BootId reborn{0x701};
  session.begin_life(reborn, at_us(now));
  EXPECT_EQ(session.boot(), reborn);
  EXPECT_FALSE(session.wants_new_life(at_us(now)));
  for (const BootId old : {first, boot, BootId{0xaaa}}) {
    EXPECT_EQ(session.receive(from_peer({.boot = old, .sequence = 999}), at_us(now)).verdict,
              Verdict::unknown_echo);
  }
  const auto got = session.receive(from_peer({.boot = BootId{0xaaa}, .echo = reborn}), at_us(now));
  EXPECT_EQ(got.verdict, Verdict::counts);
  EXPECT_TRUE(got.first_contact);
  EXPECT_EQ(session.next({}).sequence, 1U);
}

TEST(Session, WhileThePeerSpeaksAnotherBootIsASecondGateway) {
  Met session;
  for (std::int64_t ms = 1; ms < 50; ++ms) {
    const auto n = static_cast<std::uint64_t>(ms);
    EXPECT_EQ(session.receive(from_peer({.sequence = 100 + n}), at_us(ms * 1'000)).verdict, Verdict::counts);
    const auto other = session.receive(from_peer({.boot = second, .sequence = n}), at_us(ms * 1'000 + 500));
    EXPECT_EQ(other.verdict, Verdict::second_boot);
    EXPECT_FALSE(other.restarted || other.answer);
  }
  EXPECT_EQ(session.peer_boot(), first) << "the order windows are not flushed by turns";
  EXPECT_FALSE(session.wants_new_life(later));
}

TEST(Session, SilenceBeginsAtThreeHeartbeats) {
  for (const auto& [at, verdict] :
       {std::pair{2'999, Verdict::second_boot}, std::pair{3'000, Verdict::counts}}) {
    Met session;
    EXPECT_EQ(session.receive(from_peer({.boot = second}), at_us(at)).verdict, verdict);
  }
}

TEST(Session, APeerThatWasTakenForRetiredIsRightAgainAfterANewLife) {
  // `second` is the peer's present boot; a boot that was kept from us is passed off as its successor.
  Session session(us, them, ours);
  session.receive(from_peer({.boot = second, .sequence = 50}), at_us(0));
  ASSERT_TRUE(session.receive(from_peer({.boot = first}), later).restarted);
  EXPECT_FALSE(session.wants_new_life(later));
  const auto after = lb::Nanoseconds{value(later) + 10'000'000};
  EXPECT_EQ(session.receive(from_peer({.boot = second, .sequence = 50}), after).verdict,
            Verdict::retired_boot);
  EXPECT_FALSE(session.wants_new_life(after)) << "a mere replay";
  EXPECT_EQ(session.receive(from_peer({.boot = second, .sequence = 51}), after).verdict,
            Verdict::second_boot);
  ASSERT_TRUE(session.wants_new_life(after));
  session.begin_life(BootId{0x701}, after);
  EXPECT_EQ(session.receive(from_peer({.boot = first, .sequence = 9}), after).verdict, Verdict::unknown_echo);
  EXPECT_EQ(
      session.receive(from_peer({.boot = second, .echo = BootId{0x701}, .sequence = 52}), after).verdict,
      Verdict::counts);
  // And not again within the second.
  session.receive(from_peer({.boot = first, .echo = BootId{0x701}, .sequence = 9}),
                  lb::Nanoseconds{value(after) + 10'000'000});
  session.receive(from_peer({.boot = second, .echo = BootId{0x701}, .sequence = 53}),
                  lb::Nanoseconds{value(after) + 20'000'000});
  EXPECT_FALSE(session.wants_new_life(lb::Nanoseconds{value(after) + 999'999'999}));
  EXPECT_TRUE(session.wants_new_life(lb::Nanoseconds{value(after) + 1'000'000'000}));
}

TEST(Session, AnotherSetOfPathsIsSaidOnce) {
  Met session;
  EXPECT_TRUE(session.receive(from_peer({.sequence = 110, .generation = 1}), at_us(1)).paths_changed);
  EXPECT_EQ(session.generation(), 1U);
  EXPECT_FALSE(session.receive(from_peer({.sequence = 111, .generation = 1}), at_us(2)).paths_changed);
  EXPECT_FALSE(session.receive(from_peer({.sequence = 109, .generation = 0}), at_us(3)).paths_changed)
      << "overtaken: the old set";
  EXPECT_EQ(session.generation(), 1U);
}

TEST(Session, AStrandIsBlockedForItsPathAlone) {
  Met session;
  EXPECT_TRUE(
      session.receive(from_peer({.sequence = 110, .path = 2, .blocked = true}), at_us(1)).block_changed);
  EXPECT_TRUE(session.blocked(lb::PathId{2}));
  EXPECT_FALSE(session.blocked(lb::PathId{1}));
  EXPECT_FALSE(session.receive(from_peer({.sequence = 108, .path = 2}), at_us(2)).block_changed)
      << "overtaken on its path";
  EXPECT_TRUE(session.blocked(lb::PathId{2}));
  EXPECT_FALSE(session.receive(from_peer({.sequence = 130, .path = 1}), at_us(3)).block_changed);
  EXPECT_TRUE(session.receive(from_peer({.sequence = 120, .path = 2}), at_us(4)).block_changed)
      << "a slow path's news is news";
  EXPECT_FALSE(session.blocked(lb::PathId{2}));
}

TEST(Session, CapabilitiesAreAFeedbacks) {
  Met session;
  auto feedback = from_peer({.sequence = 110});
  feedback.type = MessageType::feedback;
  feedback.capabilities = capability::restores_order;
  session.receive(feedback, at_us(1));
  EXPECT_EQ(session.capabilities(), capability::restores_order);
  session.receive(from_peer({.sequence = 111}), at_us(2));
  EXPECT_EQ(session.capabilities(), capability::restores_order) << "a probe says nothing of them";
}

TEST(Session, OnesOwnMessageShowsALoop) {
  Met session;
  Message own;
  own.type = MessageType::probe;
  own.header = session.next({});
  EXPECT_EQ(session.receive(own, at_us(1)).verdict, Verdict::own_message);
  for (int i = 0; i < 1'023; ++i) session.next({});
  EXPECT_EQ(session.receive(own, at_us(2)).verdict, Verdict::own_message);
  session.next({});
  EXPECT_EQ(session.receive(own, at_us(3)).verdict, Verdict::too_old) << "a recording shows none";
  own.header.sequence = 2'000;
  EXPECT_EQ(session.receive(own, at_us(3)).verdict, Verdict::too_old) << "not sent yet";
  own.header.sender_boot = BootId{0x799};
  EXPECT_EQ(session.receive(own, at_us(4)).verdict, Verdict::own_id);
  session.begin_life(BootId{0x701}, at_us(5));
  own.header.sender_boot = ours;
  EXPECT_EQ(session.receive(own, at_us(6)).verdict, Verdict::too_old) << "of the life before";
}

TEST(Session, AMessageOfAnotherPairIsNotTaken) {
  Met session;
  auto message = from_peer({.sequence = 200});
  message.header.receiver = lb::GatewayId{8};
  EXPECT_EQ(session.receive(message, at_us(1)).verdict, Verdict::other_pair);
  message = from_peer({.sequence = 200});
  message.header.sender = lb::GatewayId{8};
  EXPECT_EQ(session.receive(message, at_us(1)).verdict, Verdict::other_pair);
}

}  // namespace
}  // namespace braidway::telemetry
