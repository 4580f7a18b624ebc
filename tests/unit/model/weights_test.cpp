#include "ctrl/model/weights.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "lb/flow_key.hpp"
#include "tests/unit/counting_new.hpp"

namespace braidway::ctrl::model {
namespace {

constexpr BiasedWeights::Parameters parameters{};
const std::vector<float> four(4, 1.0F);

TEST(BiasedWeights, ASureForecastIsTakenAtItsWord) {
  BiasedWeights weights(four);
  EXPECT_TRUE(weights.update(four, std::vector<Outlook>{{-0.8F, 1}, {}, {}, {}}));
  EXPECT_NEAR(weights.biases()[0], 0.2F, 1e-6);
  EXPECT_EQ(weights.biases()[1], 1.0F);
}

TEST(BiasedWeights, BelowHalfOnlyWhenAllButCertain) {
  for (const float confidence : {0.6F, 0.8F, parameters.certain}) {
    BiasedWeights weights(four);
    weights.update(four, std::vector<Outlook>{{-1, confidence}, {}, {}, {}});
    EXPECT_EQ(weights.biases()[0], 0.5F) << confidence;
  }
  BiasedWeights weights(four);
  weights.update(four, std::vector<Outlook>{{-0.3F, 0.5F}, {}, {}, {-1, 0.95F}});
  EXPECT_EQ(weights.biases()[0], 0.85F);
  EXPECT_NEAR(weights.biases()[3], 0.05F, 1e-6);
}

TEST(BiasedWeights, WhatWaversOrIsSharedByAllIsNotPublished) {
  BiasedWeights weights(four);
  EXPECT_FALSE(weights.update(four, std::vector<Outlook>(4, {-0.5F, 1}))) << "the split is the same";
  EXPECT_TRUE(weights.update(four, std::vector<Outlook>{{-0.8F, 1}, {}, {}, {}}));
  for (const float wavers : {-0.79F, -0.81F, -0.77F}) {
    EXPECT_FALSE(weights.update(four, std::vector<Outlook>{{wavers, 1}, {}, {}, {}}));
    EXPECT_NEAR(weights.biases()[0], 0.2F, 1e-6);
  }
  EXPECT_TRUE(weights.update(four, std::vector<Outlook>{{-0.4F, 1}, {}, {}, {}}));
}

TEST(BiasedWeights, AForecastThatIsWithdrawnLeavesNothingBehind) {
  BiasedWeights weights(four);
  const std::vector<Outlook> nothing(4);
  EXPECT_FALSE(weights.update(four, nothing));
  EXPECT_TRUE(weights.update(four, std::vector<Outlook>{{-0.3F, 1}, {}, {}, {}}));
  EXPECT_TRUE(weights.update(std::vector<float>{1, 0.1F, 0.1F, 0.1F}, nothing)) << "little as it changes";
  for (const float bias : weights.biases()) EXPECT_EQ(bias, 1.0F);
  EXPECT_FALSE(weights.update(four, nothing));
}

TEST(BiasedWeights, WhatIsNoNumberIsNoForecast) {
  constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  constexpr float infinity = std::numeric_limits<float>::infinity();
  BiasedWeights weights(four);
  EXPECT_FALSE(weights.update(four, std::vector<Outlook>{{nan, 1}, {-1, nan}, {-infinity, 1}, {-1, -1}}));
  EXPECT_TRUE(weights.update(four, std::vector<Outlook>{{-0.7F, 5}, {}, {}, {}}));
  EXPECT_NEAR(weights.biases()[0], 0.3F, 1e-6) << "no more than certain";
}

TEST(BiasedWeights, RefuseWhatTheyCannotWorkWith) {
  EXPECT_THROW(BiasedWeights(std::vector<float>{}), std::invalid_argument);
  EXPECT_THROW(BiasedWeights(std::vector<float>{-1}), std::invalid_argument);
  EXPECT_THROW(BiasedWeights(four, {.certain = 2}), std::invalid_argument);
  EXPECT_THROW(BiasedWeights(four, {.most = 0.5F}), std::invalid_argument);
  EXPECT_THROW(BiasedWeights(four, {.probing_share = 0}), std::invalid_argument);
}

TEST(BiasedWeights, ATickTakesNoMemory) {
  BiasedWeights weights(four);
  std::array<Outlook, 4> expected{};
  const auto before = taken;
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    for (std::size_t k = 0; k < 4; ++k) {
      const auto random = lb::detail::scramble(i * 4 + k);
      expected[k] = {-static_cast<float>(random % 100) / 100, static_cast<float>(random >> 32 & 1)};
    }
    weights.update(four, expected);
  }
  EXPECT_EQ(taken, before);
}

RC_GTEST_PROP(BiasedWeightsProperty, BiasAndDoNotCommandWhateverIsExpected, ()) {
  constexpr std::size_t paths = 5;
  const auto positive =
      rc::gen::map(rc::gen::inRange(1, 1'000), [](int n) { return static_cast<float>(n) / 100; });
  const auto configured = *rc::gen::container<std::vector<float>>(paths, positive);
  const auto shares =
      rc::gen::map(rc::gen::inRange(0, 200), [](int n) { return static_cast<float>(n) / 100; });
  const auto outlooks = rc::gen::container<std::vector<Outlook>>(
      paths,
      rc::gen::build<Outlook>(
          rc::gen::set(&Outlook::adjustment, rc::gen::map(rc::gen::inRange(-300, 300),
                                                          [](int n) { return static_cast<float>(n) / 100; })),
          rc::gen::set(&Outlook::confidence, rc::gen::map(rc::gen::inRange(-10, 120), [](int n) {
            return static_cast<float>(n) / 100;
          }))));
  BiasedWeights weights(configured);
  for (int tick = 0; tick < 5; ++tick) {
    auto reactive = *rc::gen::container<std::vector<float>>(paths, shares);
    const auto expected = *outlooks;
    for (std::size_t i = 0; i < paths; ++i) reactive[i] *= configured[i];
    const std::vector<float> before(weights.biases().begin(), weights.biases().end());
    if (!weights.update(reactive, expected)) {
      RC_ASSERT(std::ranges::equal(weights.biases(), before));
      continue;
    }
    for (std::size_t i = 0; i < paths; ++i) {
      const float bias = weights.biases()[i];
      const float weight = reactive[i] * bias;
      RC_ASSERT(bias >= 0 && bias <= parameters.most);
      RC_ASSERT(weight >= 0.999F * std::min(reactive[i], parameters.probing_share * configured[i]));
      if (!(expected[i].confidence > parameters.certain)) RC_ASSERT(bias >= parameters.least_unsure);
      if (expected[i].confidence <= 0) RC_ASSERT(bias == 1);
      if (reactive[i] == 0) RC_ASSERT(bias == 1);
    }
  }
}

}  // namespace
}  // namespace braidway::ctrl::model
