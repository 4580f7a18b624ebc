#include "bench/traffic/pattern.hpp"

#include <algorithm>
#include <vector>

#include <gtest/gtest.h>

namespace braidway::bench::traffic {
namespace {

TEST(Pattern, IsTheSameWhereverAMessageIsCut) {
  const PatternKey key = pattern_key(3, 17);
  std::vector<std::byte> whole(3000);
  fill_pattern(whole, key, 0);
  for (const std::size_t at : {256U, 1024U, 2048U}) {
    for (const std::size_t size : {0U, 1U, 2U, 3U, 4U, 255U, 900U}) {
      EXPECT_TRUE(matches_pattern(std::span{whole}.subspan(at, size), key, at)) << at << "+" << size;
    }
  }
}

TEST(Pattern, FindsEverySingleChangedByte) {
  const PatternKey key = pattern_key(3, 17);
  std::vector<std::byte> payload(259);
  fill_pattern(payload, key, 512);
  for (auto& byte : payload) {
    byte ^= std::byte{0x80};
    EXPECT_FALSE(matches_pattern(payload, key, 512));
    byte ^= std::byte{0x80};
  }
  EXPECT_TRUE(matches_pattern(payload, key, 512));
}

TEST(Pattern, DiffersBetweenQpsMessagesAndOffsets) {
  std::vector<std::byte> payload(64);
  fill_pattern(payload, pattern_key(1, 1), 0);
  EXPECT_FALSE(matches_pattern(payload, pattern_key(1, 2), 0));
  EXPECT_FALSE(matches_pattern(payload, pattern_key(2, 1), 0));
  EXPECT_FALSE(matches_pattern(payload, pattern_key(1, 1), 256));
}

}  // namespace
}  // namespace braidway::bench::traffic
