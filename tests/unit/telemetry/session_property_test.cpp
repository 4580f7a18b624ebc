// What a session takes, whatever an attacker who records and replays brings in whatever order.
#include <algorithm>
#include <cstdint>
#include <map>
#include <ostream>
#include <set>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "telemetry/session.hpp"

namespace braidway::telemetry {
namespace {

constexpr lb::GatewayId us{7};
constexpr lb::GatewayId them{9};

/// A step of peer and attacker.
struct Step {
  enum Kind : std::uint8_t { send, send_unheard, replay, restart, new_life } kind = send;
  std::uint64_t number = 0;  ///< sequences skipped, or which recording is replayed
  std::int64_t pause = 0;    ///< us

  friend std::ostream& operator<<(std::ostream& out, const Step& s) {
    return out << "{" << int{s.kind} << " " << s.number << " +" << s.pause << "}";
  }
};

rc::Gen<std::vector<Step>> steps() {
  const auto step = rc::gen::build<Step>(
      rc::gen::set(&Step::kind, rc::gen::weightedElement<Step::Kind>({{12, Step::send},
                                                                      {2, Step::send_unheard},
                                                                      {20, Step::replay},
                                                                      {1, Step::restart},
                                                                      {1, Step::new_life}})),
      rc::gen::set(&Step::number, rc::gen::weightedOneOf<std::uint64_t>(
                                      {{5, rc::gen::inRange<std::uint64_t>(0, 4)},
                                       {5, rc::gen::inRange<std::uint64_t>(0, 1'000)},
                                       {1, rc::gen::inRange<std::uint64_t>(1'000, 3'000)}})),
      rc::gen::set(&Step::pause, rc::gen::inRange<std::int64_t>(0, 2'000)));
  return rc::gen::scale(4.0, rc::gen::container<std::vector<Step>>(step));
}

/// The peer, and whoever sits between.
struct World {
  Session session{us, them, BootId{1}};
  std::uint64_t lives = 1;
  std::uint64_t boots = 1'000;
  std::uint64_t sequence = *rc::gen::element<std::uint64_t>(0, ~std::uint64_t{0} - 5'000);
  std::int64_t now = 0;
  std::vector<Message> recorded;

  [[nodiscard]] bool out_of_numbers() const { return sequence == ~std::uint64_t{0}; }
  Message say(std::uint64_t skipped) {
    sequence += 1 + skipped % (~std::uint64_t{0} - sequence);
    Message message;
    message.type = MessageType::probe;
    message.header = {.sender = them,
                      .receiver = us,
                      .sender_boot = BootId{boots},
                      .receiver_boot = session.boot(),
                      .sequence = sequence};
    recorded.push_back(message);
    return message;
  }
  Reception hear(const Message& message) { return session.receive(message, lb::Nanoseconds{now * 1'000}); }
};

RC_GTEST_PROP(SessionProperty, ReplaysRestartNothingAndEachMessageCountsAtMostOnce, ()) {
  World world;
  std::set<std::pair<std::uint64_t, std::uint64_t>> counted;  // boot, sequence
  std::uint64_t newest_boot = 0;
  std::uint64_t met = 0;  // the boot that counted last in this life of ours
  for (const auto& step : *steps()) {
    world.now += step.pause;
    Message message;
    switch (step.kind) {
      case Step::send:
        if (world.out_of_numbers()) continue;
        message = world.say(step.number);
        break;
      case Step::send_unheard:
        // Kept back from us. Not a boot's first in this life of ours: see session.hpp on one kept back
        // altogether.
        if (met == world.boots && !world.out_of_numbers()) world.say(step.number);
        continue;
      case Step::replay:
        if (world.recorded.empty()) continue;
        message = world.recorded[step.number % world.recorded.size()];
        break;
      case Step::restart:
        // Only one that is met, for the same reason; and it takes its time.
        if (met == world.boots) {
          ++world.boots;
          world.sequence = 0;
          world.now += 10'000;
        }
        continue;
      case Step::new_life:
        world.session.begin_life(BootId{++world.lives}, lb::Nanoseconds{world.now * 1'000});
        met = 0;
        continue;
    }
    const auto boot = static_cast<std::uint64_t>(message.header.sender_boot);
    const auto got = world.hear(message);
    RC_ASSERT(!got.restarted || boot > newest_boot);
    if (got.verdict != Verdict::counts) {
      RC_ASSERT(!got.restarted && !got.first_contact && !got.paths_changed && !got.block_changed);
      continue;
    }
    RC_ASSERT(message.header.receiver_boot == world.session.boot());
    RC_ASSERT(boot >= newest_boot);
    RC_ASSERT(counted.emplace(boot, message.header.sequence).second);
    newest_boot = met = boot;
  }
}

RC_GTEST_PROP(SessionProperty, WhateverOrderTheyComeInEachWithinTheWindowCountsOnce, ()) {
  const auto base = *rc::gen::element<std::uint64_t>(0, 70'000, ~std::uint64_t{0} - 1'024);
  const auto offsets = *rc::gen::scale(
      10.0, rc::gen::container<std::vector<std::uint64_t>>(rc::gen::inRange<std::uint64_t>(1, 1'025)));
  World world;
  world.sequence = base;
  std::set<std::uint64_t> counted;
  for (const auto offset : offsets) {
    world.sequence = base + offset - 1;
    const auto got = world.hear(world.say(0));
    RC_ASSERT(got.verdict == (counted.insert(offset).second ? Verdict::counts : Verdict::repeated));
  }
}

RC_GTEST_PROP(SessionProperty, TheWindowIsTheSetOfTheLast1024, ()) {
  SequenceWindow window;
  std::set<std::uint64_t> taken;
  std::uint64_t newest = 0;
  const auto jumps = *rc::gen::scale(
      10.0, rc::gen::container<std::vector<std::int64_t>>(
                rc::gen::weightedOneOf<std::int64_t>({{3, rc::gen::inRange<std::int64_t>(-1'100, 1'100)},
                                                      {3, rc::gen::inRange<std::int64_t>(-5, 5)},
                                                      {1, rc::gen::inRange<std::int64_t>(1'000, 5'000)}})));
  for (const auto jump : jumps) {
    const auto sequence =
        static_cast<std::uint64_t>(std::max<std::int64_t>(1, static_cast<std::int64_t>(newest) + jump));
    using Place = SequenceWindow::Place;
    const bool too_old = sequence + 1'024 <= newest;
    RC_ASSERT(window.place(sequence) == (too_old                    ? Place::too_old
                                         : taken.contains(sequence) ? Place::repeated
                                                                    : Place::fresh));
    if (window.place(sequence) != Place::fresh) continue;
    window.take(sequence);
    taken.insert(sequence);
    newest = std::max(newest, sequence);
    RC_ASSERT(window.newest() == newest);
  }
}

}  // namespace
}  // namespace braidway::telemetry
