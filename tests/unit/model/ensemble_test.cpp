#include "ctrl/model/ensemble.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/unit/model/trace.hpp"

namespace braidway::ctrl::model {
namespace {

/// Says the same until told otherwise: a load, or all of a forecast.
class Says : public Forecaster {
 public:
  explicit Says(float load) : said_(Forecast::level(load)) {}
  [[nodiscard]] std::string_view name() const noexcept override { return "says"; }
  void observe(std::span<const Sample> /*paths*/) noexcept override {}
  [[nodiscard]] Forecast forecast(std::size_t /*path*/, std::size_t /*horizon*/) const noexcept override {
    return said_;
  }
  void forget(std::size_t /*path*/) noexcept override { ++forgot; }
  void refit(std::size_t /*path*/) noexcept override { ++refitted; }

  void say(float load) { said_ = Forecast::level(load); }
  void say(const Forecast& forecast) { said_ = forecast; }
  int forgot = 0;
  int refitted = 0;

 private:
  Forecast said_;
};

struct Three {
  explicit Three(std::vector<float> loads,
                 Shape shape = {.paths = 1, .bins = bins_per_tick, .horizons = {1, 5}})
      : ensemble(shape, make(loads)), paths(shape.paths) {}
  Ensemble::Members make(const std::vector<float>& loads) {
    Ensemble::Members members;
    for (const float load : loads) {
      members.push_back(std::make_unique<Says>(load));
      models.push_back(static_cast<Says*>(members.back().get()));
    }
    return members;
  }
  void run(int ticks, CrossLoad load) {
    for (int i = 0; i < ticks; ++i) show(ensemble, paths, [&](std::size_t, std::size_t) { return load; });
  }

  std::vector<Says*> models;
  Ensemble ensemble;
  std::size_t paths;
};

TEST(EnsembleOf, WhoIsRightAboutBurstsIsAsSureInItAsAlone) {
  Ensemble::Members members;
  for (const float load : {0.1F, 0.5F}) members.push_back(std::make_unique<Says>(load));
  auto foresees = std::make_unique<Says>(0.9F);
  foresees->say({.load = 0.9F, .burst = 0.95F, .lower = 0.1F, .upper = 0.9F});
  members.push_back(std::move(foresees));
  Ensemble ensemble({.paths = 1, .bins = bins_per_tick, .horizons = {1}}, std::move(members));
  const auto run = [&](float load) {
    show(ensemble, 1, [&](std::size_t, std::size_t) { return measured(load); });
  };
  for (int i = 0; i < 500; ++i) run(0.5F);
  for (int i = 0; i < 2'000 && ensemble.weights(0, 0)[2] <= 0.55F; ++i) run(0.9F);
  ASSERT_GT(ensemble.weights(0, 0)[2], 0.5F);
  ASSERT_LT(ensemble.weights(0, 0)[2], 0.9F) << "the others have a say yet";
  EXPECT_EQ(ensemble.forecast(0, 0).burst, 0.95F);
  EXPECT_FLOAT_EQ(ensemble.forecast(0, 0).lower, 0.1F);
  EXPECT_FLOAT_EQ(ensemble.forecast(0, 0).upper, 0.9F);
}

TEST(EnsembleOf, TheBestIsHeardAndAnotherOneSoonWhenItIsBetter) {
  Three three({0.1F, 0.5F, 0.9F});
  three.run(500, measured(0.9F));
  for (const std::size_t horizon : {0U, 1U}) {
    EXPECT_EQ(three.ensemble.forecast(0, horizon).load, 0.9F);
    EXPECT_GT(three.ensemble.weights(0, horizon)[2], 0.9F);
  }
  three.run(20'000, measured(0.9F));
  three.run(400, measured(0.1F));
  EXPECT_EQ(three.ensemble.forecast(0, 0).load, 0.1F) << "whatever it was before";
  const auto weights = three.ensemble.weights(0, 0);
  EXPECT_NEAR(std::accumulate(weights.begin(), weights.end(), 0.0F), 1, 1e-5);
}

TEST(EnsembleOf, WhoKnowsNoLevelsVotesForTheUpperOneByALoadThatNearlyIsIt) {
  Three three({0.1F, 0.8F, 0.6F, 0.8F});
  three.models[0]->say({.load = 0.1F, .burst = 0.4F, .lower = 0.1F, .upper = 0.9F});
  three.run(1, bound(0.9F));
  const Forecast& said = three.ensemble.forecast(0, 0);
  EXPECT_FLOAT_EQ(said.lower, 0.1F) << "by the one that knows";
  EXPECT_FLOAT_EQ(said.upper, 0.9F);
  EXPECT_FLOAT_EQ(said.burst, 0.4F) << "half of the weight says at most that: 0, 0.4, 1 and 1";
  three.models[2]->say(0.8F);
  three.run(1, bound(0.9F));
  EXPECT_EQ(said.burst, 1);
  three.models[0]->say(0.1F);
  three.run(1, bound(0.9F));
  EXPECT_EQ(said.burst, 0) << "nobody knows of bursts";
  EXPECT_EQ(said.lower, said.load);
  EXPECT_EQ(said.upper, said.load);
}

TEST(EnsembleOf, AForecastIsJudgedByTheTickThatItWasFor) {
  Three three({0.2F, 0.7F});
  three.run(10, measured(0.2F));
  three.models[0]->say(0.7F);
  three.models[1]->say(0.2F);
  three.run(1, measured(0.2F));
  EXPECT_NEAR(three.ensemble.errors(0, 0)[0], 0, 1e-6) << "what it said the tick before";
  three.run(1, measured(0.2F));
  EXPECT_FLOAT_EQ(three.ensemble.errors(0, 0)[0], 0.5F);
  EXPECT_NEAR(three.ensemble.errors(0, 1)[0], 0, 1e-6) << "five ticks before";
  three.run(4, measured(0.2F));
  EXPECT_FLOAT_EQ(three.ensemble.errors(0, 1)[0], 0.5F);
  EXPECT_NEAR(three.ensemble.errors(0, 1)[1], 0, 1e-6);
}

TEST(EnsembleOf, NothingIsDueBeforeItsTime) {
  Three three({0.2F, 0.7F});
  EXPECT_FALSE(three.ensemble.due(0));
  three.run(1, measured(0.2F));
  EXPECT_FALSE(three.ensemble.due(0));
  three.run(1, measured(0.2F));
  EXPECT_TRUE(three.ensemble.due(0));
  EXPECT_FALSE(three.ensemble.due(1));
  three.run(4, measured(0.2F));
  EXPECT_TRUE(three.ensemble.due(1));
}

TEST(EnsembleOf, WhatIsNotKnownChangesNoWeight) {
  Three three({0.1F, 0.5F, 0.9F});
  three.run(300, measured(0.5F));
  const std::vector<float> before(three.ensemble.weights(0, 0).begin(), three.ensemble.weights(0, 0).end());
  three.run(1'000, bound(1));
  EXPECT_TRUE(std::ranges::equal(before, three.ensemble.weights(0, 0)));
  three.run(300, bound(0.3F));
  EXPECT_EQ(three.ensemble.forecast(0, 0).load, 0.1F) << "the others are excluded";
}

TEST(EnsembleOf, AMemberThatSaysNoNumberHarmsNobody) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  Three three({nan, 0.5F, std::numeric_limits<float>::infinity()});
  three.run(500, measured(0.5F));
  EXPECT_EQ(three.ensemble.forecast(0, 0).load, 0.5F);
  EXPECT_GT(three.ensemble.weights(0, 0)[1], 0.9F);
}

TEST(EnsembleOf, PathsAreJudgedByThemselves) {
  Three three({0.2F, 0.8F}, {.paths = 2, .bins = bins_per_tick, .horizons = {1}});
  for (int i = 0; i < 500; ++i) {
    show(three.ensemble, 2, [](std::size_t path, std::size_t) { return measured(path == 0 ? 0.2F : 0.8F); });
  }
  EXPECT_EQ(three.ensemble.forecast(0, 0).load, 0.2F);
  EXPECT_EQ(three.ensemble.forecast(1, 0).load, 0.8F);
  three.ensemble.forget(1);
  EXPECT_EQ(three.models[0]->forgot, 1);
  EXPECT_EQ(three.ensemble.weights(1, 0)[0], 0.5F);
  EXPECT_GT(three.ensemble.weights(0, 0)[0], 0.9F);
  three.ensemble.refit(0);
  EXPECT_EQ(three.models[1]->refitted, 1);
}

TEST(EnsembleOf, WhatCannotBeIsRefused) {
  EXPECT_THROW(Three({}), std::invalid_argument);
  EXPECT_THROW(Three({0.1F}, {.paths = 0, .bins = 10, .horizons = {1}}), std::invalid_argument);
  EXPECT_THROW(Three({0.1F}, {.paths = 1, .bins = 10, .horizons = {}}), std::invalid_argument);
  EXPECT_THROW(Three({0.1F}, {.paths = 1, .bins = 10, .horizons = {0}}), std::invalid_argument);
}

}  // namespace
}  // namespace braidway::ctrl::model
