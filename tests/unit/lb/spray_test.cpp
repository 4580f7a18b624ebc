#include "lb/spray.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <ostream>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace braidway::lb {
namespace {

PathWindow first_of(std::size_t count) {
  return {.first = PathId{0}, .count = static_cast<std::uint8_t>(count)};
}

Spray spray_by(const std::vector<float>& weights, const Spray::Parameters& parameters = {}) {
  Spray spray(weights.size(), parameters);
  for (std::size_t i = 0; i < weights.size(); ++i) spray.set_weight(static_cast<PathId>(i), weights[i]);
  return spray;
}

/// Bytes by path of `packets` of 1,000 bytes, one each `gap_ns`.
std::vector<double> split(Spray& spray, const std::vector<float>& waits, std::int64_t gap_ns,
                          std::int64_t packets) {
  std::vector<double> bytes(waits.size());
  for (std::size_t i = 0; i < waits.size(); ++i) spray.set_wait(static_cast<PathId>(i), waits[i]);
  for (std::int64_t i = 0; i < packets; ++i) {
    spray.advance(Nanoseconds{i * gap_ns});
    bytes[value(spray.choose(first_of(waits.size()), 1'000))] += 1'000;
  }
  return bytes;
}

TEST(Spray, BytesFollowTheWeightsWhereEveryPathIsNeeded) {
  const std::vector<float> weights{1, 0.5F, 0.25F, 0.25F};
  auto spray = spray_by(weights);
  // 25 bytes a nanosecond: as much as all four carry.
  const auto bytes = split(spray, {0, 0, 0, 0}, 40, 100'000);
  for (std::size_t i = 0; i < weights.size(); ++i)
    EXPECT_NEAR(bytes[i] / 50e6, weights[i], 0.02 * weights[i]) << i;
}

TEST(Spray, ASlowPathIsSparedWhileFastOnesAreFree) {
  auto spray = spray_by({1, 1, 1, 0.05F});
  const auto bytes = split(spray, {0, 0, 0, 0}, 80, 10'000);
  EXPECT_LT(bytes[3], 0.05 * bytes[0]);
}

/// Six flows that keep their paths, each as fast as a path, 5 us apart; answers the flows on each path.
std::vector<int> placed(Spray& spray, std::size_t paths, std::int64_t now) {
  std::vector<PathId> flows;
  std::vector<int> count(paths);
  for (std::int64_t packet = 0; packet < 1'000; ++packet) {
    spray.advance(Nanoseconds{now + packet * 100});
    if (packet % 50 == 0 && flows.size() < 6) {
      flows.push_back(spray.place(first_of(paths), 1'000));
      ++count[value(flows.back())];
    }
    for (const PathId path : flows) spray.take(path, 1'000);
  }
  return count;
}

TEST(Spray, FlowsThatKeepTheirPathsDoNotMeetWhileOthersAreFree) {
  auto spray = spray_by({1, 0.9F, 0.7F, 1, 0.6F, 0.9F, 0.02F, 0.02F});
  EXPECT_EQ(placed(spray, 8, 0), (std::vector<int>{1, 1, 1, 1, 1, 1, 0, 0}));
  EXPECT_EQ(placed(spray, 8, 1'000'000), (std::vector<int>{1, 1, 1, 1, 1, 1, 0, 0}))
      << "those before are over";
}

TEST(Spray, FlowsThatKeepTheirPathsShareThemByTheirWeights) {
  auto spray = spray_by({1, 1, 0.3F, 0.3F});
  EXPECT_EQ(placed(spray, 4, 0), (std::vector<int>{3, 3, 0, 0}));
  auto local = spray_by({1, 1, 1});
  local.set_wait(PathId{1}, 300'000);
  EXPECT_EQ(placed(local, 3, 0), (std::vector<int>{3, 1, 2}))
      << "what waits here counts as what it takes of the time that is remembered";
}

TEST(Spray, EqualPathsTakeTurns) {
  auto spray = spray_by({1, 1, 1, 1, 1});
  std::array<int, 5> last{-5, -4, -3, -2, -1};
  for (int i = 0; i < 1'000; ++i) {
    spray.advance(Nanoseconds{std::int64_t{i} * 10'000});
    auto& before = last[value(spray.choose(first_of(5), 1'000))];
    EXPECT_EQ(i - before, 5) << i;
    before = i;
  }
}

TEST(Spray, WhatWaitsAtAnEgressSendsPacketsElsewhere) {
  auto spray = spray_by({1, 1, 1, 1});
  const auto bytes = split(spray, {0, 5'000, 0, 0}, 40, 10'000);
  EXPECT_EQ(bytes[1], 0);
}

TEST(Spray, WhatWasSentLongAgoIsForgotten) {
  auto spray = spray_by({1, 1});
  for (int i = 0; i < 1'000'000; ++i) spray.take(PathId{0}, 1'500);
  const auto taken_by_first = [&](std::int64_t at) {
    spray.advance(Nanoseconds{at});
    int taken = 0;
    for (int i = 0; i < 20; ++i) taken += spray.choose(first_of(2), 1'500) == PathId{0} ? 1 : 0;
    return taken;
  };
  EXPECT_EQ(taken_by_first(900'000), 0) << "its queue is a millisecond long";
  EXPECT_GE(taken_by_first(1'100'000), 8);
}

TEST(Spray, NoVirtualQueueIsLongerThanTheLongest) {
  auto spray = spray_by({1, 1, 0});
  for (int i = 0; i < 1'000'000; ++i) spray.choose(first_of(3), 1'500);
  spray.set_weight(PathId{2}, 1);
  spray.set_wait(PathId{2}, 500'000);
  spray.advance(Nanoseconds{1'100'000});
  EXPECT_NE(spray.choose(first_of(3), 1'500), PathId{2});
}

TEST(Spray, APathThatReturnsTakesPacketsAgainAndNoMoreThanItsTurn) {
  auto spray = spray_by({1, 0});
  for (int i = 0; i < 10'000; ++i) {
    spray.advance(Nanoseconds{std::int64_t{i} * 80});
    ASSERT_EQ(spray.choose(first_of(2), 1'000), PathId{0});
  }
  spray.set_weight(PathId{1}, 1);
  std::array<int, 2> taken{};
  // A turn of 2 us is 25 packets of 80 ns; the other 25 of 50 are shared.
  for (int i = 0; i < 50; ++i) {
    spray.advance(Nanoseconds{900'000 + std::int64_t{i} * 1'000});
    ++taken[value(spray.choose(first_of(2), 1'000))];
  }
  EXPECT_NEAR(taken[1], 37, 1);
}

struct Packet {
  std::uint32_t bytes = 0;
  std::int64_t pause = 0;
  std::uint32_t wait = 0;  ///< of the path that it names
  std::size_t path = 0;

  friend std::ostream& operator<<(std::ostream& out, const Packet& p) {
    return out << "{" << p.bytes << " B after " << p.pause << " ns, " << p.wait << " ns wait on " << p.path
               << "}";
  }
};

constexpr std::size_t paths = 8;

rc::Gen<std::vector<Packet>> packets() {
  return rc::gen::scale(
      10.0, rc::gen::container<std::vector<Packet>>(rc::gen::build<Packet>(
                // Multiples of eight: then all sums are exact.
                rc::gen::set(&Packet::bytes,
                             rc::gen::map(rc::gen::inRange(8U, 512U), [](auto n) { return 8 * n; })),
                rc::gen::set(&Packet::pause, rc::gen::weightedOneOf<std::int64_t>(
                                                 {{50, rc::gen::inRange<std::int64_t>(0, 400)},
                                                  {1, rc::gen::inRange<std::int64_t>(0, 9'000'000)}})),
                rc::gen::set(&Packet::wait, rc::gen::inRange(0U, 20'000U)),
                rc::gen::set(&Packet::path, rc::gen::inRange<std::size_t>(0, paths)))));
}

/// Of 8 bytes a nanosecond: powers of two, so that all sums are exact.
rc::Gen<std::vector<float>> weights() {
  return rc::gen::suchThat(
      rc::gen::container<std::vector<float>>(paths, rc::gen::element(0.0F, 0.125F, 0.25F, 0.5F, 1.0F)),
      [](const auto& drawn) { return std::ranges::any_of(drawn, [](float weight) { return weight > 0; }); });
}

RC_GTEST_PROP(SprayProperty, APacketIsThroughAsSoonAsOnAnyPathButForATurn, ()) {
  const auto by = *weights();
  const Spray::Parameters parameters{.rate = 8};
  auto spray = spray_by(by, parameters);
  std::vector<double> free_at(paths);
  std::vector<float> waits(paths);
  std::int64_t now = 0;
  for (const auto& packet : *packets()) {
    now += packet.pause;
    waits[packet.path] = static_cast<float>(packet.wait);
    spray.set_wait(static_cast<PathId>(packet.path), waits[packet.path]);
    spray.advance(Nanoseconds{now});
    const auto chosen = value(spray.choose(first_of(paths), packet.bytes));
    RC_ASSERT(by[chosen] > 0);
    const auto through = [&](std::size_t path) {
      return std::max(free_at[path], static_cast<double>(now)) + packet.bytes / (8.0 * by[path]);
    };
    for (std::size_t path = 0; path < paths; ++path) {
      if (by[path] == 0) continue;
      RC_ASSERT(through(chosen) + waits[chosen] <= through(path) + waits[path] + parameters.turn_ns);
    }
    free_at[chosen] = std::min(through(chosen), static_cast<double>(now) + parameters.longest_queue_ns);
  }
}

RC_GTEST_PROP(SprayProperty, ChoicesDoNotDependOnWhenTheClockBegan, ()) {
  const auto by = *weights();
  const auto shift = *rc::gen::inRange<std::int64_t>(0, 4'000'000);
  auto spray = spray_by(by, {.rate = 8});
  auto shifted = spray_by(by, {.rate = 8});
  std::int64_t now = 0;
  for (const auto& packet : *packets()) {
    now += packet.pause;
    spray.set_wait(static_cast<PathId>(packet.path), static_cast<float>(packet.wait));
    shifted.set_wait(static_cast<PathId>(packet.path), static_cast<float>(packet.wait));
    spray.advance(Nanoseconds{now});
    shifted.advance(Nanoseconds{now + shift});
    RC_ASSERT(spray.choose(first_of(paths), packet.bytes) == shifted.choose(first_of(paths), packet.bytes));
  }
}

/// The rule in as few words as it has, path by path.
class PlainSpray {
 public:
  PlainSpray(std::vector<float> weights, const Spray::Parameters& parameters)
      : waits(weights.size()),
        weights_(std::move(weights)),
        parameters_(parameters),
        free_at_(weights_.size()),
        used_(weights_.size()) {}

  std::size_t choose(const PathWindow& window, std::uint32_t bytes, float now) {
    std::size_t best = value(window.first);
    float least = std::numeric_limits<float>::infinity();
    for (std::size_t i = 0; i < window.count; ++i) {
      const std::size_t path = (value(window.first) + i) % weights_.size();
      if (weights_[path] == 0) continue;
      const float cost = std::max(free_at_[path], now) + takes(path, bytes) + waits[path] + used(path);
      best = cost < least ? path : best;
      least = std::min(cost, least);
    }
    take(best, bytes, now);
    return best;
  }
  void take(std::size_t path, std::uint32_t bytes, float now) {
    free_at_[path] =
        std::min(std::max(free_at_[path], now) + takes(path, bytes), now + parameters_.longest_queue_ns);
    used_[path] = used(path) + takes(path, bytes);
    most_used_ = std::max(most_used_, used_[path]);
  }

  std::vector<float> waits;

 private:
  [[nodiscard]] float used(std::size_t path) const {
    return std::max(used_[path], most_used_ - parameters_.turn_ns * std::min(weights_[path], 1.0F));
  }
  [[nodiscard]] float takes(std::size_t path, std::uint32_t bytes) const {
    return static_cast<float>(bytes) / (weights_[path] * parameters_.rate);
  }

  std::vector<float> weights_;
  Spray::Parameters parameters_;
  std::vector<float> free_at_;
  std::vector<float> used_;
  float most_used_ = 0;
};

RC_GTEST_PROP(SprayProperty, EightPathsAtATimeChooseAsOneByOne, ()) {
  const auto count = *rc::gen::element<std::size_t>(1, 2, 7, 8, 9, 13, 16, 17, 40, 256);
  const auto by =
      *rc::gen::container<std::vector<float>>(count, rc::gen::element(0.0F, 0.125F, 0.25F, 1.0F, 1.0F));
  auto spray = spray_by(by, {.rate = 8});
  PlainSpray plain(by, {.rate = 8});
  std::int64_t now = 0;
  for (const auto& packet : *packets()) {
    now = std::min<std::int64_t>(now + packet.pause, 3'900'000);
    const std::size_t path = packet.wait % count;
    plain.waits[path] = static_cast<float>(packet.wait);
    spray.set_wait(static_cast<PathId>(path), plain.waits[path]);
    spray.advance(Nanoseconds{now});
    const PathWindow window{
        .first = static_cast<PathId>(count > SpraySet::most ? *rc::gen::inRange<std::size_t>(0, count) : 0),
        .count = static_cast<std::uint8_t>(packet.bytes % 7 == 0 ? 1 : std::min(count, SpraySet::most))};
    if (packet.path == 0) {
      if (by[path] == 0) continue;
      spray.take(static_cast<PathId>(path), packet.bytes);
      plain.take(path, packet.bytes, static_cast<float>(now));
      continue;
    }
    bool usable = false;
    for (std::size_t i = 0; i < window.count; ++i)
      usable = usable || by[(value(window.first) + i) % count] > 0;
    if (!usable) continue;
    RC_ASSERT(value(spray.choose(window, packet.bytes)) ==
              plain.choose(window, packet.bytes, static_cast<float>(now)));
  }
}

template <std::size_t groups>
void run_chooses_as_choose(std::size_t count) {
  auto spray = spray_by(std::vector<float>(count, 0.5F), {.rate = 8});
  auto by_run = spray;
  const PathWindow window = first_of(count);
  ASSERT_TRUE(spray.runs_over(window));
  for (std::uint32_t burst = 0; burst < 100; ++burst) {
    spray.advance(Nanoseconds{burst * 1'000});
    by_run.advance(Nanoseconds{burst * 1'000});
    Spray::Run<groups> taken_back(by_run);
    for (std::uint32_t i = 0; i < 5; ++i) taken_back.choose(4'000);
    Spray::Run<groups> run(by_run);
    for (std::uint32_t i = 0; i < 20; ++i) {
      const std::uint32_t bytes = 8 * (8 + (burst * 31 + i * 17) % 128);
      ASSERT_EQ(run.choose(bytes), spray.choose(window, bytes)) << "burst " << burst << " packet " << i;
    }
    run.keep(by_run);
  }
}

TEST(Spray, ARunChoosesAsOneByOneAndLeavesNothingUnlessKept) {
  run_chooses_as_choose<1>(8);
  run_chooses_as_choose<1>(3);
  run_chooses_as_choose<2>(13);
  EXPECT_FALSE(spray_by({1}).runs_over(first_of(1)));
  EXPECT_FALSE(spray_by(std::vector<float>(40, 1.0F)).runs_over(first_of(SpraySet::most)));
}

}  // namespace
}  // namespace braidway::lb
