// What an order window tells of packets that are not in order.
#include "lb/order_news.hpp"

#include <cstdint>
#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/lb/recorded_news.hpp"
#include "tests/unit/lb/sink.hpp"

namespace braidway::lb {
namespace {

constexpr std::int64_t us = 1'000;

class News : public testing::Test {
 protected:
  News() { sink.window.tell(&news); }

  Sink sink;
  RecordedNews news;
};

TEST_F(News, ThereIsNoneOfWhatIsInOrder) {
  for (std::uint32_t i = 0; i < 10; ++i) sink.push({.sequence = i, .path = i % 2});
  EXPECT_TRUE(news.all.empty());
}

TEST_F(News, APacketThatWasHeldTellsForHowLong) {
  sink.push({.sequence = 1, .path = 1});
  sink.poll_after(7 * us);
  sink.push({.sequence = 0, .path = 0});
  EXPECT_EQ(news.all,
            (std::vector<RecordedNews::Item>{{RecordedNews::What::held, gateway, PathId{1}, 7 * us}}));
}

TEST_F(News, WhatTheTimerGaveUpIsLateWhenItComes) {
  sink.push({.sequence = 1, .path = 1, .set = nullptr});
  sink.poll_after(150 * us);
  sink.push({.sequence = 0, .path = 0, .set = nullptr});
  EXPECT_EQ(news.all,
            (std::vector<RecordedNews::Item>{{RecordedNews::What::held, gateway, PathId{1}, 150 * us},
                                             {RecordedNews::What::late, gateway, PathId{0}, 0}}));
}

TEST_F(News, ARepeatOfAHeldPacketIsTold) {
  sink.push({.sequence = 1, .path = 1});
  sink.push({.sequence = 1, .path = 1});
  sink.push({.sequence = 0, .path = 0});
  EXPECT_EQ(news.count(RecordedNews::What::repeated), 1U);
  EXPECT_EQ(news.count(RecordedNews::What::held), 2U);
  for (const auto& item : news.all) EXPECT_EQ(item.path, PathId{1});
}

TEST_F(News, AnOvertakingIsToldOfThePathThatItHappenedOn) {
  sink.push({.sequence = 3, .path = 1});
  sink.push({.sequence = 2, .path = 1});
  EXPECT_EQ(news.all,
            (std::vector<RecordedNews::Item>{{RecordedNews::What::overtaken, gateway, PathId{1}, 0}}));
}

TEST_F(News, WhatIsFlushedWasHeld) {
  sink.push({.sequence = 1, .path = 1});
  sink.push({.sequence = 0, .path = 0, .epoch = 1});
  EXPECT_EQ(news.all, (std::vector<RecordedNews::Item>{{RecordedNews::What::held, gateway, PathId{1}, 0}}));
}

}  // namespace
}  // namespace braidway::lb
