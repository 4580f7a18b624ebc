#include "lb/flow_key.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <unordered_set>
#include <vector>

#include <gtest/gtest.h>

#include "lb/slot_table.hpp"

namespace braidway::lb {
namespace {

constexpr std::array<std::uint64_t, 5> seeds = {0, 1, ~0ULL, 0x627261696477617aULL, 0x9e3779b97f4a7c15ULL};

template <std::size_t N>
std::array<std::byte, N> bytes(const std::array<int, N>& numbers) {
  std::array<std::byte, N> result{};
  std::ranges::transform(numbers, result.begin(), [](int n) { return static_cast<std::byte>(n); });
  return result;
}

TEST(FlowKey, WireBytesAndHostOrderNumbersMakeTheSameAddress) {
  const auto v4 = bytes<4>({192, 0, 2, 33});
  EXPECT_EQ(load_ipv4(v4.data()), ipv4(0xc0000221));
  const auto v6 = bytes<16>({0x20, 0x01, 0x0d, 0xb8, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  EXPECT_EQ(load_ipv6(v6.data()), ipv6(0x20010db800010203ULL, 0x0405060708090a0bULL));
}

TEST(FlowKey, AnIpv4AddressIsItsIpv4MappedIpv6Address) {
  const auto mapped = bytes<16>({0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 33});
  EXPECT_EQ(load_ipv6(mapped.data()), ipv4(0xc0000221));
}

TEST(FlowKey, AddressesAreLoadedAtAnyAlignment) {
  std::array<std::byte, 24> buffer{};
  for (std::size_t offset = 0; offset < 8; ++offset) {
    std::ranges::fill(buffer, std::byte{});
    buffer[offset + 15] = std::byte{7};
    EXPECT_EQ(load_ipv6(&buffer[offset]), ipv6(0, 7)) << offset;
    buffer[offset + 3] = std::byte{9};
    EXPECT_EQ(load_ipv4(&buffer[offset]), ipv4(9)) << offset;
  }
}

TEST(FlowKey, HoldsItsWordsWhereTheHeaderSays) {
  const auto source = ipv6(1, 2);
  const auto destination = ipv4(3);
  EXPECT_EQ(rocev2_key(source, destination, Qpn{0xabcdef}).words,
            (std::array<std::uint64_t, 5>{1, 2, 0, 0x0000ffff00000003ULL, 0x0100000000abcdefULL}));
  EXPECT_EQ(ports_key(source, destination, 17, 0x1234, 0x5678).words[4], 0x0200001112345678ULL);
  EXPECT_EQ(addresses_key(source, destination, 58).words[4], 0x030000000000003aULL);
}

TEST(FlowKey, KeysOfDifferentKindsAreDifferentFlows) {
  const auto a = ipv4(1);
  const auto b = ipv4(2);
  EXPECT_NE(rocev2_key(a, b, Qpn{17}), addresses_key(a, b, 17));
  EXPECT_NE(ports_key(a, b, 0, 0, 17), addresses_key(a, b, 17));
  EXPECT_EQ(kind(rocev2_key(a, b, Qpn{0xffffff})), FlowKind::rocev2);
  EXPECT_EQ(kind(ports_key(a, b, 255, 65535, 65535)), FlowKind::ports);
  EXPECT_EQ(kind(addresses_key(a, b, 255)), FlowKind::addresses);
}

TEST(FlowHash, BurstAndSingleAgree) {
  std::vector<FlowKey> keys(67);
  for (std::uint32_t i = 0; i < keys.size(); ++i) keys[i] = rocev2_key(ipv4(i), ipv4(i * 7), Qpn{i * 13});
  std::vector<std::uint64_t> hashes(keys.size());
  for (const auto seed : seeds) {
    FlowHasher{seed}.hash_burst(keys, hashes);
    for (std::size_t i = 0; i < keys.size(); ++i) EXPECT_EQ(hashes[i], hash(keys[i], seed));
  }
}

TEST(FlowHash, IsTheSameInEveryRelease) {
  // Flows keep their paths over an upgrade only if this does not change.
  constexpr auto key = rocev2_key(ipv4(0x0a000001), ipv4(0x0a000002), Qpn{0x11});
  static_assert(hash(key, 0) != hash(key, 1));
  EXPECT_EQ(hash(key, 0x627261696477617aULL), 14392089894770633498ULL);
  constexpr auto key_v6 = rocev2_key(ipv6(0xfd00ULL << 48U, 1), ipv6(0xfd00ULL << 48U, 2), Qpn{0x11});
  EXPECT_EQ(hash(key_v6, 0x627261696477617aULL), 11549756045601615318ULL);
}

FlowKey flipped(FlowKey key, unsigned bit) {
  key.words[bit / 64] ^= std::uint64_t{1} << (bit % 64);
  return key;
}

// Avalanche: an input bit that flips turns every output bit with probability 1/2. Over n samples the share of
// turned bits has standard deviation 1/(2 sqrt n); the largest of 320 x 64 such shares stays within 5.5 of
// them (p < 0.001).
void expect_avalanche(const std::function<FlowKey(std::mt19937_64&)>& make, std::uint64_t seed) {
  constexpr int samples = 4096;
  std::mt19937_64 random(42);
  std::vector<std::array<int, 64>> turned(320);
  for (int sample = 0; sample < samples; ++sample) {
    const auto key = make(random);
    const auto before = hash(key, seed);
    for (unsigned in = 0; in < 320; ++in) {
      const auto change = before ^ hash(flipped(key, in), seed);
      for (unsigned out = 0; out < 64; ++out) turned[in][out] += static_cast<int>(change >> out & 1);
    }
  }
  const double limit = 5.5 * std::sqrt(samples) / 2;
  for (unsigned in = 0; in < 320; ++in) {
    for (unsigned out = 0; out < 64; ++out) {
      ASSERT_NEAR(turned[in][out], samples / 2.0, limit) << "input bit " << in << ", output bit " << out;
    }
  }
}

TEST(FlowHash, EveryInputBitTurnsEveryOutputBitHalfTheTimeOverRandomKeys) {
  for (const auto seed : seeds) {
    expect_avalanche([](auto& random) { return FlowKey{{random(), random(), random(), random(), random()}}; },
                     seed);
  }
}

TEST(FlowHash, EveryInputBitTurnsEveryOutputBitHalfTheTimeOverOneClustersKeys) {
  for (const auto seed : seeds) {
    expect_avalanche(
        [](auto& random) {
          return rocev2_key(ipv4(0x0a000000U | (random() & 0xffffU)),
                            ipv4(0x0a000000U | (random() & 0xffffU)),
                            Qpn{static_cast<std::uint32_t>(random() & 0xffffU)});
        },
        seed);
  }
}

TEST(FlowHash, TheSeedTurnsHalfOfTheBits) {
  const auto key = rocev2_key(ipv4(0x0a000001), ipv4(0x0a000002), Qpn{0x11});
  std::mt19937_64 random(7);
  for (unsigned bit = 0; bit < 64; ++bit) {
    int turned = 0;
    for (int sample = 0; sample < 256; ++sample) {
      const auto seed = random();
      turned += std::popcount(hash(key, seed) ^ hash(key, seed ^ std::uint64_t{1} << bit));
    }
    EXPECT_NEAR(turned, 256 * 32, 5.5 * std::sqrt(256.0 * 64) / 2) << "seed bit " << bit;
  }
}

TEST(FlowHash, NoValueOfAWordMakesItsPartnerDisappear) {
  // Word by word the value that makes its factor 0, as one who knew the seed could choose it; the other
  // factor varies.
  for (const auto seed : seeds) {
    const detail::HashSecret secret{seed};
    for (unsigned word = 0; word < 4; ++word) {
      std::unordered_set<std::uint64_t> seen;
      for (std::uint64_t other = 0; other < 1000; ++other) {
        FlowKey key = rocev2_key(ipv4(1), ipv4(2), Qpn{3});
        key.words[word] = secret.words[word];
        key.words[word ^ 1U] = other;
        seen.insert(hash(key, seed));
      }
      EXPECT_EQ(seen.size(), 1000U) << "word " << word;
    }
    std::unordered_set<std::uint64_t> seen;
    for (std::uint32_t other = 0; other < 1000; ++other) {
      FlowKey key = rocev2_key(ipv4(1), ipv4(other), Qpn{3});
      key.words[4] = detail::fold(key.words[0] ^ secret.words[0], key.words[1] ^ secret.words[1]);
      seen.insert(hash(key, seed));
    }
    EXPECT_EQ(seen.size(), 1000U) << "word 4";
  }
}

TEST(FlowHash, SecretsAreNeverZero) {
  for (std::uint64_t seed = 0; seed < 100'000; ++seed) {
    for (const auto word : detail::HashSecret{seed * 0x61c8864680b583ebULL}.words) ASSERT_NE(word, 0U);
  }
}

struct Population {
  const char* name;
  std::vector<FlowKey> keys;
};

std::vector<Population> populations() {
  std::vector<Population> all = {{"one pair of hosts, sequential QPNs", {}},
                                 {"eight hosts, sequential QPNs", {}},
                                 {"IPv6, hosts counted in the last byte, QPNs in steps of 256", {}},
                                 {"one pair of hosts, TCP, sequential source ports", {}},
                                 {"a /16 of sources, one destination, no ports", {}}};
  for (std::uint32_t i = 0; i < 65'536; ++i) {
    all[0].keys.push_back(rocev2_key(ipv4(0x0a000001), ipv4(0x0a000002), Qpn{i}));
    all[1].keys.push_back(
        rocev2_key(ipv4(0x0a000001 + (i & 7)), ipv4(0x0a000101 + (i >> 3 & 7)), Qpn{0x100 + (i >> 6)}));
    all[2].keys.push_back(rocev2_key(ipv6(0xfd00000000000000ULL, i & 0xff), ipv6(0xfd00000000000001ULL, 1),
                                     Qpn{(i >> 8) << 8}));
    all[3].keys.push_back(
        ports_key(ipv4(0x0a000001), ipv4(0x0a000002), 6, static_cast<std::uint16_t>(i), 443));
    all[4].keys.push_back(addresses_key(ipv4(0xc0a80000 + i), ipv4(0x0a000002), 1));
  }
  return all;
}

// Pearson's chi-square with so many degrees of freedom is nearly normal: mean d, variance 2d. Within 5 sigma.
double chi_square_sigmas(const std::vector<int>& buckets, double total) {
  const double expected = total / static_cast<double>(buckets.size());
  double sum = 0;
  for (const int n : buckets) sum += (n - expected) * (n - expected) / expected;
  const auto freedom = static_cast<double>(buckets.size() - 1);
  return (sum - freedom) / std::sqrt(2 * freedom);
}

TEST(FlowHash, SpreadsRealisticFlowsEvenlyOverBucketsOfAnyBits) {
  for (const auto& population : populations()) {
    const auto total = static_cast<double>(population.keys.size());
    for (const auto seed : seeds) {
      for (unsigned shift = 0; shift <= 56; shift += 8) {
        std::vector<int> buckets(256);
        for (const auto& key : population.keys) ++buckets[hash(key, seed) >> shift & 0xff];
        EXPECT_LT(std::abs(chi_square_sigmas(buckets, total)), 5) << population.name << ", shift " << shift;
      }
      std::vector<int> slots(SlotTable::slots / 16 + 1);  // 16 slots and keys a bucket, one slot in the last
      slots.pop_back();
      double counted = 0;
      for (const auto& key : population.keys) {
        const auto bucket = SlotTable::slot_of(hash(key, seed)) / 16;
        if (bucket >= slots.size()) continue;
        ++slots[bucket];
        ++counted;
      }
      EXPECT_LT(std::abs(chi_square_sigmas(slots, counted)), 5) << population.name << ", slots";
    }
  }
}

TEST(FlowHash, DoesNotCollideOnRealisticFlows) {
  // 2^16 keys: a collision in 64 bits has probability 2^-33.
  for (const auto& population : populations()) {
    std::unordered_set<std::uint64_t> seen;
    for (const auto& key : population.keys) seen.insert(hash(key, seeds[3]));
    EXPECT_EQ(seen.size(), population.keys.size()) << population.name;
  }
}

TEST(FlowHash, ForwardAndReturnFlowsAreHashedApart) {
  int equal = 0;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    equal += hash(rocev2_key(ipv4(i), ipv4(i + 1), Qpn{5}), 0) ==
             hash(rocev2_key(ipv4(i + 1), ipv4(i), Qpn{5}), 0);
  }
  EXPECT_EQ(equal, 0);
}

}  // namespace
}  // namespace braidway::lb
