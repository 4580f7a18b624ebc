#include "ctrl/forecast/peer_forecast.hpp"

#include <random>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/forecast_loop/peer.hpp"

namespace braidway::ctrl::forecast {
namespace {

constexpr std::size_t paths = 4;

/// A forecast that hears a peer.
class Desk {
 public:
  explicit Desk(Peer heard, std::vector<double> rates = std::vector<double>(paths, rate),
                PeerForecast::Parameters parameters = {})
      : peer(std::move(heard)), forecast(rates, parameters), readings(rates.size()) {}

  void run(std::int64_t ms) {
    for (std::int64_t i = 0; i < 10 * ms; ++i) {
      forecast.hear(peer.say());
      if (i % 10 == 9) turn();
    }
  }
  void turn() {
    forecast.advance(lb::Nanoseconds{peer.now}, readings, peer.now);
    for (const auto refits = forecast.take_refits(); done < refits.count; ++done) {
      forecast.refit(refits.first + done);
    }
    done = 0;
    for (std::size_t i = 0; i < readings.size(); ++i) readings[i].share = forecast.biases()[i];
  }
  [[nodiscard]] bool any_open() const {
    for (std::size_t path = 0; path < forecast.paths(); ++path) {
      for (std::size_t h = 0; h < forecast.horizons().size(); ++h) {
        if (forecast.predictor().gate(path, h).open()) return true;
      }
    }
    return false;
  }

  Peer peer;
  PeerForecast forecast;
  std::vector<dataplane::PathReading> readings;
  std::size_t done = 0;
};

/// On the first path a job of others: 80 % of it for 6 of 30 ms. We want 40 % of each, so that a queue
/// stands.
Peer training() {
  return {paths, 0.4, [](std::size_t path, std::int64_t now) {
            return path == 0 ? burst(now, 30'000, 6'000, 0.8) : 0.0;
          }};
}

TEST(PeerForecastOf, BurstsOfAJobAreSeenInWhatMessagesSayAndTakeWeightAwayBeforeTheyCome) {
  Desk desk(training());
  desk.run(3'000);
  ASSERT_TRUE(desk.forecast.predictor().gate(0, 0).open());
  EXPECT_TRUE(desk.forecast.predictor().gate(0, 1).open());
  EXPECT_GT(desk.forecast.predictor().gate(0, 1).skill(), 0.5F);
  // For two periods: what the bias is in the millisecond before a burst, and well before one.
  int before = 0;
  int between = 0;
  for (int ms = 0; ms < 60; ++ms) {
    desk.run(1);
    const std::int64_t phase = desk.peer.now / us % 30'000;
    if (phase >= 28'000) before += desk.forecast.biases()[0] < 0.6F ? 1 : 0;
    if (phase >= 12'000 && phase < 22'000) between += desk.forecast.biases()[0] == 1 ? 1 : 0;
  }
  EXPECT_EQ(before, 4);
  EXPECT_EQ(between, 20);
  for (std::size_t path = 1; path < paths; ++path) EXPECT_EQ(desk.forecast.biases()[path], 1) << path;
}

TEST(PeerForecastOf, EachChangeIsExplainedAndCompletedByWhatCame) {
  Desk desk(training());
  desk.run(5'000);
  const Events& events = desk.forecast.events();
  ASSERT_GT(events.count(Outcome::came), 20U);
  EXPECT_GT(events.count(Outcome::came), 10 * events.count(Outcome::did_not_come));
  std::uint64_t completed = 0;
  for (const Event& event : events.last(Events::kept)) {
    EXPECT_EQ(event.path, 0U);
    if (event.foreseen) {
      EXPECT_LT(event.to, 1);
      EXPECT_GT(event.forecast.upper, 0.5F);
    } else {
      EXPECT_EQ(event.to, 1);
      EXPECT_EQ(event.outcome, Outcome::none);
    }
    completed += event.outcome == Outcome::came && event.load.load > 0.6F && !event.load.censored ? 1 : 0;
  }
  EXPECT_GT(completed, 20U);
}

TEST(PeerForecastOf, NoiseOpensNoGateAndMovesNothing) {
  std::mt19937 random(7);
  std::uniform_real_distribution<double> load(0, 0.9);
  Desk desk({paths, 0.4, [&](std::size_t, std::int64_t) { return load(random); }});
  for (int i = 0; i < 400; ++i) {
    desk.run(10);
    ASSERT_FALSE(desk.any_open()) << i;
  }
  EXPECT_EQ(desk.forecast.publications(), 0U);
  EXPECT_EQ(desk.forecast.events().count(), 0U);
}

TEST(PeerForecastOf, OfAPathWhoseRateNobodyKnowsNothingIs) {
  Desk desk(training(), {0, rate, rate, rate});
  desk.run(3'000);
  EXPECT_TRUE(desk.forecast.loads()[0].unknown());
  EXPECT_FALSE(desk.any_open());
}

TEST(PeerForecastOf, WhenMessagesStopLoadsAreUnknownAndGatesShut) {
  Desk desk(training());
  desk.run(3'000);
  ASSERT_TRUE(desk.any_open());
  for (int ms = 0; ms < 3'000; ++ms) {
    desk.peer.now += 1'000 * us;
    desk.turn();
  }
  EXPECT_TRUE(desk.forecast.loads()[0].unknown());
  EXPECT_FALSE(desk.any_open());
  EXPECT_EQ(desk.forecast.biases()[0], 1);
}

TEST(PeerForecastOf, APeerThatRestartsLosesNothingButAMessage) {
  Desk desk(training());
  desk.run(3'000);
  ASSERT_TRUE(desk.any_open());
  desk.peer.restart();
  desk.run(90);
  EXPECT_TRUE(desk.any_open());
  const auto bins = desk.forecast.history().bins(0, 900);
  const auto over =
      std::ranges::count_if(bins, [](const auto& bin) { return !bin.censored && bin.load > 0.9F; });
  EXPECT_EQ(over, 0) << "what was counted in another life is no load";
}

TEST(PeerForecastOf, AClockThatJumpsBeginsAnew) {
  for (const std::int64_t jump : {-500'000'000L, 700'000'000'000L}) {
    Desk desk(training());
    desk.run(3'000);
    desk.peer.now += jump;
    desk.run(100);
    EXPECT_GT(desk.forecast.known(), 0U);
    const auto ticks = desk.forecast.ticks();
    desk.run(100);
    EXPECT_GE(desk.forecast.ticks(), ticks + 98) << "it goes on";
  }
}

TEST(PeerForecastOf, ManyPathsAreToldOfInTurn) {
  // 64 paths: three messages tell of all.
  constexpr std::size_t many = 64;
  Desk desk(
      {many, 0.4,
       [](std::size_t path, std::int64_t now) { return path == 0 ? burst(now, 30'000, 6'000, 0.8) : 0.0; }},
      std::vector<double>(many, rate));
  std::size_t first = 0;
  for (int i = 0; i < 50'000; ++i) {
    desk.forecast.hear(desk.peer.say(first));
    first = (first + telemetry::most_records) % many;
    if (i % 10 == 9) desk.turn();
  }
  EXPECT_GT(static_cast<double>(desk.forecast.known()),
            0.9 * static_cast<double>(desk.forecast.ticks() * many));
  EXPECT_TRUE(desk.forecast.predictor().gate(0, 1).open());
}

TEST(PeerForecastOf, TicksOfOtherLengthsHaveTheHorizonsThatTheyCan) {
  const auto horizons = [](std::uint32_t tick_us) {
    return PeerForecast(std::vector<double>(paths, rate), {.tick_us = tick_us}).horizons();
  };
  EXPECT_EQ(horizons(500), (std::vector<unsigned>{2, 10, 40, 200}));
  EXPECT_EQ(horizons(1'000), (std::vector<unsigned>{1, 5, 20, 100}));
  EXPECT_EQ(horizons(10'000), (std::vector<unsigned>{1, 2, 10}));
  EXPECT_EQ(horizons(100'000), (std::vector<unsigned>{1}));
  Desk slow(training(), std::vector<double>(paths, rate), {.tick_us = 100'000});
  slow.run(2'000);
  EXPECT_GE(slow.forecast.ticks(), 18U);
}

TEST(PeerForecastOf, EveryPathIsRefittedFourTimesASecond) {
  Desk desk(training());
  std::vector<int> refits(paths);
  for (int ms = 0; ms < 2'000; ++ms) {
    for (int i = 0; i < 10; ++i) desk.forecast.hear(desk.peer.say());
    desk.forecast.advance(lb::Nanoseconds{desk.peer.now}, desk.readings, 0);
    const auto due = desk.forecast.take_refits();
    for (std::size_t i = 0; i < due.count; ++i) ++refits[(due.first + i) % paths];
  }
  for (const int count : refits) EXPECT_NEAR(count, 8, 1);
}

}  // namespace
}  // namespace braidway::ctrl::forecast
