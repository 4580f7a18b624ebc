// FeedbackReader, History, Events.
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "ctrl/forecast/events.hpp"
#include "ctrl/forecast/feedback_reader.hpp"
#include "ctrl/forecast/history.hpp"

namespace braidway::ctrl::forecast {
namespace {

telemetry::Message told(std::uint64_t bytes, std::uint32_t packets, std::uint64_t boot = 1) {
  telemetry::Message message;
  message.header.sender_boot = telemetry::BootId{boot};
  message.announced = 2;
  message.count = 1;
  message.records[0] = {
      .counted = true, .packets = packets, .bytes = bytes, .least_delay = 7, .mean_delay = 9};
  return message;
}

TEST(FeedbackReaderOf, WhatCameIsWhatWasCountedSinceTheLastFeedbackWithItsFraming) {
  FeedbackReader reader(2);
  EXPECT_EQ(reader.read(told(5'000'000, 100))[0].bytes, 0U) << "since when is not known";
  const auto news = reader.read(told(5'000'000 + 1'000'000, 100 + 1'000));
  EXPECT_NEAR(static_cast<double>(news[0].bytes), 1'038'000, 1);
  EXPECT_EQ(news[0].least_delay_ns, 7);
  EXPECT_EQ(news[0].mean_delay_ns, 9);
  EXPECT_LT(news[0].utilisation, 0) << "no hop told";
  EXPECT_TRUE(news[0].told);
  EXPECT_FALSE(news[1].told) << "the message is not about it";
}

TEST(FeedbackReaderOf, WhatHopsToldIsAShare) {
  FeedbackReader reader(1);
  telemetry::Message message = told(1, 1);
  message.records[0].utilisation = telemetry::full_utilisation / 2;
  EXPECT_FLOAT_EQ(reader.read(message)[0].utilisation, 0.5F);
}

TEST(FeedbackReaderOf, PacketsThatWrapDoNotMatter) {
  FeedbackReader reader(1);
  reader.read(told(0, UINT32_MAX - 500));
  EXPECT_NEAR(static_cast<double>(reader.read(told(1'000'000, 499))[0].bytes), 1'038'000, 1);
}

TEST(FeedbackReaderOf, CountsThatRanBackwardsOrAreOfAnotherLifeTellNothing) {
  FeedbackReader reader(1);
  reader.read(told(5'000, 5));
  EXPECT_EQ(reader.read(told(4'000, 4))[0].bytes, 0U);
  EXPECT_GT(reader.read(told(6'000, 6))[0].bytes, 2'000U) << "from there on they go on";
  EXPECT_EQ(reader.read(told(9'000, 9, 2))[0].bytes, 0U);
}

TEST(FeedbackReaderOf, PathsThatWeDoNotHaveAreLeftOut) {
  FeedbackReader reader(1);
  telemetry::Message message = told(1, 1);
  message.first = 1;
  message.announced = 200;
  EXPECT_FALSE(reader.read(message)[0].told);
}

TEST(HistoryOf, KeepsTwentySecondsOfTicksAndOneOfBins) {
  History history(2, 10, 1'000);
  std::vector<model::CrossLoad> bins(10);
  for (int tick = 0; tick < 25'000; ++tick) {
    for (std::size_t path = 0; path < 2; ++path) {
      const float load = static_cast<float>(tick) / 25'000;
      std::ranges::fill(bins, model::CrossLoad{.load = load, .censored = path == 1});
      history.add(path,
                  {.load = bins.front(),
                   .own = 0.25F,
                   .delay_us = 100,
                   .forecast = load,
                   .share = 1.5F,
                   .sent = 8,
                   .held = 3},
                  bins);
    }
    history.advance();
  }
  const auto ticks = history.ticks(0, SIZE_MAX);
  ASSERT_EQ(ticks.size(), 20'000U);
  EXPECT_NEAR(ticks.front().load.load, 0.2F, 1e-4);
  EXPECT_NEAR(ticks.back().load.load, 1.0F, 1e-4);
  EXPECT_FALSE(ticks.back().load.censored);
  EXPECT_NEAR(ticks.back().own, 0.25F, 1e-4);
  EXPECT_NEAR(ticks.back().delay_us, 100, 0.1);
  EXPECT_NEAR(ticks.back().share, 1.5F, 1e-4);
  EXPECT_EQ(ticks.back().sent, 8U);
  EXPECT_EQ(ticks.back().held, 3U);
  const auto fine = history.bins(1, SIZE_MAX);
  ASSERT_EQ(fine.size(), 10'000U);
  EXPECT_TRUE(fine.front().censored);
  EXPECT_NEAR(fine.front().load, 24'000.0F / 25'000, 1e-4);
  EXPECT_EQ(history.ticks(0, 7).size(), 7U);
  EXPECT_LT(history.bytes() / 2, 301'000U) << "as its header says of a path";
}

TEST(HistoryOf, WhatIsNoNumberOrTooMuchIsCut) {
  History history(1, 10, 1'000);
  const std::vector<model::CrossLoad> bins(
      10, {.load = std::numeric_limits<float>::quiet_NaN(), .censored = true});
  history.add(0,
              {.load = bins[0],
               .own = 7,
               .delay_us = 1e9F,
               .forecast = NAN,
               .share = -1,
               .sent = 1U << 20U,
               .held = 1U << 30U},
              bins);
  history.advance();
  const auto tick = history.ticks(0, 1).front();
  EXPECT_TRUE(tick.load.unknown());
  EXPECT_EQ(tick.own, 1);
  EXPECT_NEAR(tick.delay_us, 2'097, 1);
  EXPECT_EQ(tick.forecast, 0);
  EXPECT_EQ(tick.share, 0);
  EXPECT_EQ(tick.sent, 65'535U);
  EXPECT_EQ(tick.held, 65'535U);
}

Event expecting(unsigned horizon) {
  return {.path = 1,
          .from = 1,
          .to = 0.5F,
          .foreseen = true,
          .horizon = horizon,
          .forecast = {.load = 0.8F, .burst = 0.95F, .lower = 0.1F, .upper = 0.9F},
          .load = {}};
}

TEST(EventsOf, WhatCameIsToldAsFarAsItWasSeen) {
  const auto outcome = [](model::CrossLoad load) {
    Events events;
    events.add(expecting(3), 10);
    const std::vector<model::Sample> samples{{}, {.load = load, .bins = {}}};
    const std::vector<model::Sample> others{{}, {.load = {.load = 0.9F, .censored = false}, .bins = {}}};
    events.observe(11, others);
    EXPECT_EQ(events.last(1).front().outcome, Outcome::waiting);
    events.observe(13, samples);
    EXPECT_EQ(events.count(Outcome::waiting), 0U);
    return events.last(1).front().outcome;
  };
  EXPECT_EQ(outcome({.load = 0.7F, .censored = false}), Outcome::came);
  EXPECT_EQ(outcome({.load = 0.3F, .censored = false}), Outcome::did_not_come);
  EXPECT_EQ(outcome({.load = 0.3F, .censored = true}), Outcome::did_not_come);
  EXPECT_EQ(outcome({.load = 0.7F, .censored = true}), Outcome::not_seen);
  EXPECT_EQ(outcome({}), Outcome::not_seen);
}

TEST(EventsOf, ATickThatWasMissedIsNotSeen) {
  Events events;
  events.add(expecting(3), 10);
  events.observe(15, std::vector<model::Sample>{{}, {.load = {.load = 0.9F, .censored = false}, .bins = {}}});
  EXPECT_EQ(events.last(1).front().outcome, Outcome::not_seen);
}

TEST(EventsOf, TheOldestGoAndTheCountsStay) {
  Events events;
  for (std::size_t i = 0; i < 2 * Events::kept; ++i) events.add(expecting(1'000'000), i);
  EXPECT_EQ(events.count(), 2 * Events::kept);
  const auto last = events.last(SIZE_MAX);
  ASSERT_EQ(last.size(), Events::kept);
  EXPECT_EQ(last.front().number, Events::kept + 1);
  EXPECT_EQ(last.back().number, 2 * Events::kept);
  events.observe(3'000'000, {});
  EXPECT_EQ(events.count(Outcome::not_seen), Events::kept);
}

}  // namespace
}  // namespace braidway::ctrl::forecast
