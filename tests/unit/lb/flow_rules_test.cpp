#include "lb/flow_rules.hpp"

#include <stdexcept>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace braidway::lb {
namespace {

constexpr unsigned rdma = 0;
constexpr unsigned other = 3;

FlowKey to(const IpAddress& destination) { return rocev2_key(ipv4(0x0a000001), destination, Qpn{1}); }
Prefix v4(std::uint32_t address, std::uint8_t length) {
  return {ipv4(address), static_cast<std::uint8_t>(96 + length)};
}

TEST(FlowRules, TheFirstRuleThatFitsCounts) {
  const std::vector<FlowRules::Rule> list{
      {.kinds = 1U << rdma, .destination = v4(0x0a070000, 16)},
      {.kinds = 1U << rdma | 1U << other, .destination = v4(0x0a000000, 8)},
      {.kinds = 1U << other}};
  const FlowRules rules(list);
  EXPECT_FALSE(rules.empty());
  EXPECT_EQ(rules.find(rdma, to(ipv4(0x0a07ffff))), 0);
  EXPECT_EQ(rules.find(rdma, to(ipv4(0x0a080000))), 1);
  EXPECT_EQ(rules.find(other, to(ipv4(0x0a070000))), 1);
  EXPECT_EQ(rules.find(other, to(ipv4(0x0b000000))), 2);
  EXPECT_EQ(rules.find(rdma, to(ipv4(0x0b000000))), FlowRules::none);
  EXPECT_EQ(rules.find(other, to(ipv6(0x0a07'0000'0000'0000, 0))), 2) << "an IPv6 address that begins alike";
  EXPECT_EQ(rules.find(11, to(ipv4(0x0a070000))), FlowRules::none) << "a kind that no rule can name";
  EXPECT_TRUE(FlowRules({}).empty());
}

TEST(FlowRules, WhatCannotBeIsRefused) {
  EXPECT_THROW(FlowRules(std::vector<FlowRules::Rule>(33)), std::invalid_argument);
  EXPECT_NO_THROW(FlowRules(std::vector<FlowRules::Rule>(32)));
  const std::vector<FlowRules::Rule> long_prefix{{.kinds = 1, .destination = {.length = 129}}};
  EXPECT_THROW(FlowRules{long_prefix}, std::invalid_argument);
}

TEST(FlowRules, ARuleIsUnreachableBehindOneThatTakesAllItFits) {
  const auto found = [](std::vector<FlowRules::Rule> rules) { return unreachable(rules); };
  EXPECT_FALSE(found({{1, v4(0x0a070000, 16)}, {1, v4(0x0a000000, 8)}}));
  EXPECT_FALSE(found({{1, v4(0x0a000000, 8)}, {3, v4(0x0a070000, 16)}})) << "of more kinds";
  EXPECT_FALSE(found({{1, v4(0, 0)}, {1, Prefix{}}})) << "any, behind any IPv4";
  const auto behind = found({{1, v4(0x0b000000, 8)}, {3, v4(0x0a000000, 8)}, {1, v4(0x0a070000, 16)}});
  ASSERT_TRUE(behind);
  EXPECT_EQ(behind->rule, 2U);
  EXPECT_EQ(behind->because_of, 1U);
}

/// Bit `i` of an address, the first being 0.
bool bit(const IpAddress& address, unsigned i) {
  return ((i < 64 ? address.high >> (63 - i) : address.low >> (127 - i)) & 1U) != 0;
}

RC_GTEST_PROP(FlowRulesProperty, APrefixIsComparedBitByBit,
              (std::uint64_t high, std::uint64_t low, std::uint64_t other_high, std::uint64_t other_low)) {
  const auto length = *rc::gen::inRange<unsigned>(0, 129);
  const auto shared = *rc::gen::inRange<unsigned>(0, 129);
  const IpAddress address{high, low};
  // Alike up to somewhere near the length.
  const IpAddress mask = mask_of(static_cast<std::uint8_t>(shared));
  const IpAddress destination{(high & mask.high) | (other_high & ~mask.high),
                              (low & mask.low) | (other_low & ~mask.low)};
  bool same = true;
  for (unsigned i = 0; i < length; ++i) same = same && bit(address, i) == bit(destination, i);
  const std::vector<FlowRules::Rule> rules{
      {.kinds = 1, .destination = {address, static_cast<std::uint8_t>(length)}}};
  RC_ASSERT((FlowRules(rules).find(0, to(destination)) == 0) == same);
}

}  // namespace
}  // namespace braidway::lb
