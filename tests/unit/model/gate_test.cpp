#include "ctrl/model/gate.hpp"

#include <gtest/gtest.h>

#include "tests/unit/model/trace.hpp"

namespace braidway::ctrl::model {
namespace {

constexpr Gate::Parameters parameters{};
constexpr int burst = 10;  // ticks

Gate gate_of(std::uint32_t horizon = 1) { return {horizon, parameters}; }

/// One burst in which forecasts were off by `forecast` a tick, and the naive ones by these.
void show_burst(Gate& gate, float forecast, std::array<float, 3> naive, int ticks = burst,
                bool measured = true) {
  for (int i = 0; i < ticks; ++i) {
    gate.observe({.forecast = forecast, .naive = naive, .measured = measured}, i == 0);
  }
}

TEST(GateOf, AForecastThatSavesAFifthOpensItAfterTwentyFourBursts) {
  Gate gate = gate_of();
  for (std::uint32_t i = 0; i < Gate::bursts + parameters.lasting; ++i) {
    EXPECT_FALSE(gate.open()) << i;
    show_burst(gate, 0.08F, {0.1F, 0.2F, 0.3F});
  }
  // The first one was not seen from its onset on, and one is over when the next begins.
  show_burst(gate, 0.08F, {0.1F, 0.2F, 0.3F});
  EXPECT_TRUE(gate.open());
  EXPECT_NEAR(gate.skill(), 0.2F, 1e-3);
}

TEST(GateOf, ItIsTheBestOfTheNaiveThatCounts) {
  Gate gate = gate_of();
  for (int i = 0; i < 100; ++i) show_burst(gate, 0.08F, {0.3F, 0.07F, 0.3F});
  EXPECT_FALSE(gate.open());
  EXPECT_NEAR(gate.skill(), 1 - 0.08F / 0.07F, 1e-3) << "told all the same";
}

TEST(GateOf, AsGoodAsDoingWithoutIsNotEnough) {
  for (const float part : {1.0F, 0.97F}) {
    Gate gate = gate_of();
    Chance chance(4);
    for (int i = 0; i < 2'000; ++i) {
      const float hardness = 0.2F * chance();
      show_burst(gate, part * hardness, {hardness, 0.3F, 0.3F});
      EXPECT_FALSE(gate.open());
    }
  }
}

TEST(GateOf, ItShutsWithTheSecondBadBurstAndBeginsAnew) {
  Gate gate = gate_of();
  const auto good = [&] { show_burst(gate, 0.05F, {0.1F, 0.1F, 0.1F}); };
  const auto bad = [&] { show_burst(gate, 0.2F, {0.1F, 0.1F, 0.1F}); };
  for (int i = 0; i < 30; ++i) good();
  ASSERT_TRUE(gate.open());
  bad();
  good();
  bad();
  good();
  EXPECT_TRUE(gate.open()) << "not two in a row";
  bad();
  bad();
  good();
  EXPECT_FALSE(gate.open());
  for (int i = 0; i < 22; ++i) good();
  EXPECT_FALSE(gate.open()) << "what was before is not brought up again";
  for (int i = 0; i < 3; ++i) good();
  EXPECT_TRUE(gate.open());
}

TEST(GateOf, WithoutBurstsItNeverOpensAndSoonShuts) {
  Gate gate = gate_of();
  show_burst(gate, 0, {0.3F, 0.3F, 0.3F}, 100'000);
  EXPECT_FALSE(gate.open());
  for (int i = 0; i < 30; ++i) show_burst(gate, 0.05F, {0.1F, 0.1F, 0.1F});
  ASSERT_TRUE(gate.open());
  show_burst(gate, 0.05F, {0.1F, 0.1F, 0.1F}, 2'010);
  EXPECT_FALSE(gate.open());
  EXPECT_EQ(gate.judged(), 0U);
}

TEST(GateOf, WhatWasNotMeasuredIsNoEvidence) {
  Gate gate = gate_of();
  for (int i = 0; i < 100; ++i) show_burst(gate, 0, {0.3F, 0.3F, 0.3F}, burst, false);
  EXPECT_FALSE(gate.open());
  EXPECT_EQ(gate.judged(), 0U);
}

TEST(GateOf, ABlockIsNoShorterThanTheHorizon) {
  Gate gate = gate_of(100);
  for (int i = 0; i < 150; ++i) show_burst(gate, 0.05F, {0.1F, 0.1F, 0.1F});
  EXPECT_EQ(gate.judged(), 13U) << "the first was not seen whole";
}

/// Forecasts that are better in some bursts and worse in others, by chance: as many gates as a large gateway
/// has, each asked for 30 s.
TEST(GateOf, OfThousandsThatChanceAsksFewOpenAndThoseNotForLong) {
  constexpr std::uint32_t gates = 2'048;
  constexpr int shown = 600;
  std::uint64_t open = 0;
  std::uint32_t opened = 0;
  for (std::uint32_t g = 0; g < gates; ++g) {
    Gate gate = gate_of();
    Chance chance(g);
    bool ever = false;
    for (int i = 0; i < shown; ++i) {
      const float naive = 0.2F * chance();
      const float forecast = 0.2F * chance();
      show_burst(gate, forecast, {naive, 0.2F, 0.2F}, 5);
      open += gate.open() ? 1 : 0;
      ever = ever || gate.open();
    }
    opened += ever ? 1 : 0;
  }
  const double share = static_cast<double>(open) / (gates * static_cast<double>(shown));
  RecordProperty("opened", static_cast<int>(opened));
  RecordProperty("share", std::to_string(share));
  EXPECT_LT(share, 0.001);
  EXPECT_LT(opened, gates / 40) << "of " << gates << " in " << shown << " bursts each";
}

}  // namespace
}  // namespace braidway::ctrl::model
