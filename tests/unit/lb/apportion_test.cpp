#include "lb/apportion.hpp"

#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace braidway::lb {
namespace {

constexpr std::uint32_t seats = 65'537;

std::uint32_t total(const Seats& result) { return std::accumulate(result.begin(), result.end(), 0U); }

std::vector<std::uint32_t> random_weights(std::mt19937& random) {
  const auto below = [&random](std::uint32_t limit) { return static_cast<std::uint32_t>(random() % limit); };
  const auto shape = below(4);
  std::vector<std::uint32_t> weights(1 + below(max_paths_per_peer));
  for (auto& weight : weights) {
    switch (shape) {
      case 0:
        weight = 1;
        break;
      case 1:
        weight = 1 + below(10);
        break;
      case 2:
        weight = 1 + below(10'000);
        break;
      default:
        weight = below(8) == 0 ? 0xffff'ffffU - below(1000) : below(3);
        break;
    }
  }
  return weights;
}

TEST(Apportion, GivesOutEverySeat) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    const auto weights = random_weights(random);
    const auto sum = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
    EXPECT_EQ(total(apportion(weights, seats)), sum == 0 ? 0 : seats);
  }
}

TEST(Apportion, StaysWithinTheStatedBoundOfEveryQuota) {
  std::mt19937 random(2);
  for (int round = 0; round < 2000; ++round) {
    const auto weights = random_weights(random);
    const auto sum = static_cast<double>(std::accumulate(weights.begin(), weights.end(), std::uint64_t{0}));
    if (sum == 0) continue;
    const auto result = apportion(weights, seats);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double quota = seats * (weights[i] / sum);
      const double bound = 0.5 + 0.5 * static_cast<double>(weights.size()) * weights[i] / sum;
      EXPECT_LE(std::abs(result[i] - quota), bound + 1e-6) << "path " << i << " of " << weights.size();
      if (quota >= 1) {
        EXPECT_GE(result[i], 1U);
      }
      if (weights[i] == 0) {
        EXPECT_EQ(result[i], 0U);
      }
    }
  }
}

TEST(Apportion, NoPartyLosesASeatWhenAnotherLeaves) {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    auto weights = random_weights(random);
    const auto before = apportion(weights, seats);
    const auto leaver = random() % weights.size();
    weights[leaver] = 0;
    const auto after = apportion(weights, seats);
    if (total(after) == 0) continue;
    for (std::size_t i = 0; i < weights.size(); ++i) {
      if (i != leaver) {
        ASSERT_GE(after[i], before[i]) << "path " << i;
      }
    }
  }
}

TEST(Apportion, EqualWeightsDifferByAtMostOneSeatAndTheFirstGetsIt) {
  for (std::size_t count = 1; count <= max_paths_per_peer; ++count) {
    const auto result = apportion(std::vector<std::uint32_t>(count, 7), seats);
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(result[i], seats / count + (i < seats % count ? 1 : 0)) << i << " of " << count;
    }
  }
}

TEST(Apportion, SettlesKnownElections) {
  // Sainte-Lague by hand: divisors 1, 3, 5, ...
  const std::vector<std::uint32_t> votes = {53'000, 24'000, 23'000};
  const auto result = apportion(votes, 7);
  EXPECT_EQ(result[0], 3U);
  EXPECT_EQ(result[1], 2U);
  EXPECT_EQ(result[2], 2U);
}

}  // namespace
}  // namespace braidway::lb
