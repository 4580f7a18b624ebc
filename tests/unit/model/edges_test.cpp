#include "ctrl/model/edges.hpp"

#include <vector>

#include <gtest/gtest.h>

#include "tests/unit/model/trace.hpp"

namespace braidway::ctrl::model {
namespace {

std::vector<Edge> edges_of(Edges& edges, const std::vector<float>& loads) {
  std::vector<Edge> found;
  for (const float load : loads) {
    if (const auto edge = edges.observe(load)) found.push_back(*edge);
  }
  return found;
}

TEST(EdgesOf, AStepIsFoundToAFractionOfItsBin) {
  Edges edges;
  // Up at 3.25, down at 6.5.
  const auto found = edges_of(edges, {0.1F, 0.1F, 0.1F, 0.7F, 0.9F, 0.9F, 0.5F, 0.1F, 0.1F});
  ASSERT_EQ(found.size(), 2U);
  EXPECT_NEAR(found[0].at, 3.25, 1e-5);
  EXPECT_NEAR(found[0].height, 0.8F, 1e-6);
  EXPECT_NEAR(found[1].at, 6.5, 1e-5);
  EXPECT_NEAR(found[1].height, -0.8F, 1e-6);
  EXPECT_NEAR(edges.level(), 0.1F, 1e-6);
}

TEST(EdgesOf, AStepThatBeginsWithItsBin) {
  Edges edges;
  const auto found = edges_of(edges, {0.1F, 0.1F, 0.9F, 0.9F});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_NEAR(found[0].at, 2, 1e-5);
}

TEST(EdgesOf, ABlipIsNoStepNorIsNoise) {
  Edges edges;
  EXPECT_TRUE(edges_of(edges, {0.2F, 0.2F, 0.9F, 0.2F, 0.2F, 0.0F, 0.2F}).empty());
  Chance chance(1);
  Edges noisy;
  std::vector<float> loads(10'000);
  for (float& load : loads) load = chance();
  edges_of(noisy, loads);
  for (float& load : loads) load = chance();
  EXPECT_TRUE(edges_of(noisy, loads).empty()) << "when it is known how noisy it is";
}

TEST(EdgesOf, WhatIsNotKnownIsNoStep) {
  Edges edges;
  edges_of(edges, {0.2F, 0.2F});
  EXPECT_FALSE(edges.observe(0.9F));
  edges.skip();
  EXPECT_FALSE(edges.observe(0.9F)) << "two in a row are asked for";
  const auto edge = edges.observe(0.9F);
  ASSERT_TRUE(edge);
  EXPECT_EQ(edges.bins(), 6);
  // Somewhere from the bin that was not made sure of to the one after it.
  EXPECT_NEAR(edge->at, 3, 1e-5);
  EXPECT_NEAR(edge->unsure, 1, 1e-5);
}

TEST(EdgesOf, AStepBehindWhatIsNotKnownMayHaveBeenAnywhereInIt) {
  Edges edges;
  edges_of(edges, {0.2F, 0.2F});
  for (int i = 0; i < 6; ++i) edges.skip();
  EXPECT_FALSE(edges.observe(0.9F));
  const auto edge = edges.observe(0.9F);
  ASSERT_TRUE(edge);
  EXPECT_NEAR(edge->at, 5, 1e-5);
  EXPECT_NEAR(edge->unsure, 3, 1e-5);
  edges.stay();
  EXPECT_FALSE(edges.observe(0.2F));
  EXPECT_EQ(edges.observe(0.2F)->unsure, 0);
}

}  // namespace
}  // namespace braidway::ctrl::model
