#include "lb/flow_entropy.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace braidway::lb {
namespace {

constexpr std::int64_t us = 1'000;
constexpr std::int64_t ms = 1'000'000;

FlowKey flow(std::uint32_t qpn) { return rocev2_key(ipv4(1), ipv4(2), Qpn{qpn}); }

/// A packet of a flow; its entropy.
std::uint32_t decide(FlowEntropy& entropy, std::uint32_t qpn, std::int64_t now, bool troubled) {
  const FlowKey key = flow(qpn);
  const std::uint64_t hashed = hash(key, 3);
  std::uint32_t out = 0;
  entropy.decide({&hashed, 1}, {&key, 1}, Nanoseconds{now}, {&out, 1}, [&](std::size_t) { return troubled; });
  return out;
}

TEST(FlowEntropy, AFlowThatFaresBadlyGetsAnotherWhenItHasBeenSilent) {
  FlowEntropy entropy({});
  std::int64_t now = 1'000 * ms;
  EXPECT_EQ(decide(entropy, 1, now, true), 0U) << "it begins with its host's";
  now += 20 * ms;
  const std::uint32_t first = decide(entropy, 1, now, true);
  EXPECT_NE(first, 0U);
  EXPECT_EQ(decide(entropy, 1, now += 100 * us, true), first) << "it is under way";
  EXPECT_EQ(decide(entropy, 1, now += 5 * ms, true), first) << "too soon after the last change";
  EXPECT_EQ(decide(entropy, 1, now += 20 * ms, false), first) << "all is well";
  const std::uint32_t second = decide(entropy, 1, now += 300 * us, true);
  EXPECT_NE(second, first);
  EXPECT_NE(second, 0U);
  EXPECT_EQ(entropy.changes(), 2U);
}

TEST(FlowEntropy, TroubleIsAskedOfFlowsThatMayChangeAlone) {
  FlowEntropy entropy({});
  const FlowKey key = flow(1);
  const std::uint64_t hashed = hash(key, 3);
  std::uint32_t out = 0;
  unsigned asked = 0;
  for (const std::int64_t now : {1'000 * ms, 1'000 * ms + us, 1'020 * ms}) {
    entropy.decide({&hashed, 1}, {&key, 1}, Nanoseconds{now}, {&out, 1}, [&](std::size_t) {
      ++asked;
      return false;
    });
  }
  EXPECT_EQ(asked, 1U);
}

TEST(FlowEntropy, ForgottenFlowsBeginAnewAndAFullTableChangesNothing) {
  FlowEntropy entropy({.flows = 1});
  std::int64_t now = 1'000 * ms;
  decide(entropy, 1, now, false);
  EXPECT_NE(decide(entropy, 1, now += 20 * ms, true), 0U);
  EXPECT_EQ(decide(entropy, 2, now, true), 0U);
  EXPECT_EQ(decide(entropy, 2, now += 20 * ms, true), 0U);
  EXPECT_EQ(entropy.refused(), 2U);
  for (int i = 0; i < 400; ++i) entropy.sweep(Nanoseconds{now += 10 * ms});
  EXPECT_EQ(decide(entropy, 2, now, true), 0U);
  EXPECT_NE(decide(entropy, 2, now += 20 * ms, true), 0U);
}

TEST(FlowEntropy, ManyFlowsSpreadOverAllWays) {
  FlowEntropy entropy({});
  std::map<std::uint32_t, int> ways;
  for (std::uint32_t qpn = 0; qpn < 1'600; ++qpn) {
    decide(entropy, qpn, 1'000 * ms, false);
    ++ways[decide(entropy, qpn, 1'020 * ms, true) % 16];
  }
  EXPECT_EQ(ways.size(), 16U);
  for (const auto& [way, flows] : ways) EXPECT_NEAR(flows, 100, 50) << way;
}

TEST(FlowEntropy, WhatCannotBeIsRefused) {
  EXPECT_THROW(FlowEntropy({.flows = 0}), std::invalid_argument);
  EXPECT_THROW(FlowEntropy({.idle = Nanoseconds{0}}), std::invalid_argument);
  EXPECT_THROW(FlowEntropy({.forget = Nanoseconds{100'000}}), std::invalid_argument);
}

RC_GTEST_PROP(FlowEntropyProperty, NothingChangesWhileAnythingIsUnderWayNorTooOften, ()) {
  const FlowEntropy::Parameters parameters{.flows = 8};
  FlowEntropy entropy(parameters);
  struct Last {
    std::int64_t at;
    std::int64_t changed;
    std::uint32_t entropy;
  };
  std::map<std::uint32_t, Last> flows;
  std::int64_t now = 1'000 * ms;
  for (const auto& [qpn, gap, troubled] :
       *rc::gen::container<std::vector<std::tuple<std::uint8_t, std::uint32_t, bool>>>(
           rc::gen::tuple(rc::gen::inRange<std::uint8_t>(0, 6), rc::gen::inRange(0U, 9'000'000U),
                          rc::gen::arbitrary<bool>()))) {
    now += gap;
    const std::uint32_t got = decide(entropy, qpn, now, troubled);
    const auto known = flows.find(qpn);
    if (known == flows.end()) {
      RC_ASSERT(got == 0U);
      flows[qpn] = {.at = now, .changed = now, .entropy = got};
      continue;
    }
    Last& last = known->second;
    if (got != last.entropy) {
      // Ticks are 1,024 ns.
      RC_ASSERT(troubled);
      RC_ASSERT(now - last.at > value(parameters.idle) - 2 * us);
      RC_ASSERT(now - last.changed > value(parameters.hold) - 2 * us);
      last.changed = now;
    }
    last.at = now;
    last.entropy = got;
  }
}

}  // namespace
}  // namespace braidway::lb
