#include "bench/traffic/pattern.hpp"

#include <cstring>

namespace braidway::bench::traffic {
namespace {

/// The four bytes at word index `index` of a message. Plain 32-bit arithmetic, so that compilers run eight at
/// a time.
constexpr std::uint32_t word(std::uint32_t key, std::uint32_t index) noexcept {
  std::uint32_t mixed = (key ^ index) * 0x9e3779b1U;
  mixed ^= mixed >> 15;
  mixed *= 0x85ebca77U;
  return mixed ^ (mixed >> 13);
}

constexpr std::uint32_t word_index(std::uint64_t offset) noexcept {
  return static_cast<std::uint32_t>(offset / sizeof(std::uint32_t));
}

}  // namespace

PatternKey pattern_key(std::uint32_t qp, std::uint64_t message) noexcept {
  // The finalizer of splitmix64 (Steele, Lea, Flood 2014): neighbouring messages get unrelated keys.
  std::uint64_t mixed = (static_cast<std::uint64_t>(qp) << 40) ^ message;
  mixed += 0x9e3779b97f4a7c15ULL;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9ULL;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebULL;
  return PatternKey{static_cast<std::uint32_t>(mixed >> 32)};
}

void fill_pattern(std::span<std::byte> payload, PatternKey key, std::uint64_t offset) noexcept {
  const std::size_t words = payload.size() / sizeof(std::uint32_t);
  const std::uint32_t first = word_index(offset);
  for (std::size_t at = 0; at < words; ++at) {
    const std::uint32_t value = word(static_cast<std::uint32_t>(key), first + static_cast<std::uint32_t>(at));
    std::memcpy(payload.data() + at * sizeof(value), &value, sizeof(value));
  }
  const std::uint32_t last = word(static_cast<std::uint32_t>(key), first + static_cast<std::uint32_t>(words));
  const auto tail = payload.subspan(words * sizeof(last));
  if (!tail.empty()) std::memcpy(tail.data(), &last, tail.size());
}

bool matches_pattern(std::span<const std::byte> payload, PatternKey key, std::uint64_t offset) noexcept {
  const std::size_t words = payload.size() / sizeof(std::uint32_t);
  const std::uint32_t first = word_index(offset);
  std::uint32_t difference = 0;
  for (std::size_t at = 0; at < words; ++at) {
    std::uint32_t value = 0;
    std::memcpy(&value, payload.data() + at * sizeof(value), sizeof(value));
    difference |= value ^ word(static_cast<std::uint32_t>(key), first + static_cast<std::uint32_t>(at));
  }
  const std::uint32_t last = word(static_cast<std::uint32_t>(key), first + static_cast<std::uint32_t>(words));
  const auto tail = payload.subspan(words * sizeof(last));
  return difference == 0 && (tail.empty() || std::memcmp(tail.data(), &last, tail.size()) == 0);
}

}  // namespace braidway::bench::traffic
