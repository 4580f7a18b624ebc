#include "tests/lab/mixed_plan.hpp"

#include <algorithm>
#include <cstring>

namespace braidway::lab {
namespace {

/// Where READs and WRITEs begin: behind the counter's cache line.
constexpr std::size_t first_place = 64;
/// Most bytes between two WRITEs' places.
constexpr std::uint64_t largest_gap = 16;

/// splitmix64's finaliser (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014).
std::uint64_t mix(std::uint64_t word) {
  word = (word ^ (word >> 30U)) * 0xbf58476d1ce4e5b9U;
  word = (word ^ (word >> 27U)) * 0x94d049bb133111ebU;
  return word ^ (word >> 31U);
}

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_{mix(seed + 1)} {}
  std::uint64_t word() { return mix(state_ += 0x9e3779b97f4a7c15U); }
  std::uint64_t below(std::uint64_t limit) { return word() % limit; }

 private:
  std::uint64_t state_;
};

/// Small ones are as frequent as large ones: below the largest, a half, a quarter ... 1/32 of it.
std::uint32_t some_size(Dice& dice, std::uint32_t largest) {
  const std::uint32_t limit = std::max(largest >> dice.below(6), std::uint32_t{1});
  return static_cast<std::uint32_t>(1 + dice.below(limit));
}

std::uint64_t payload_key(const Plan& plan, std::size_t number) { return mix(mix(plan.seed + 1) + number); }

}  // namespace

Plan::Plan(std::uint64_t chosen_seed, std::size_t count, std::uint32_t largest)
    : seed{chosen_seed}, exposed_bytes{first_place + 4 * std::size_t{largest}} {
  Dice dice{seed};
  std::uint64_t counter = 0;
  for (std::size_t number = 0; number < count; ++number) {
    Operation next{.kind = number + 1 == count ? Kind::send : static_cast<Kind>(dice.below(4)),
                   .bytes = some_size(dice, largest)};
    switch (next.kind) {
      case Kind::write:
        next.place = exposed_bytes + 1 + dice.below(largest_gap);
        exposed_bytes = next.place + next.bytes;
        break;
      case Kind::send:
        next.place = received_bytes;
        received_bytes += next.bytes;
        break;
      case Kind::read:  // of anything that no later WRITE changes
        next.place = first_place + dice.below(exposed_bytes - next.bytes - first_place + 1);
        break;
      case Kind::fetch_add:
        next.bytes = sizeof(counter);
        next.place = counter_place;
        next.addend = dice.word();
        next.before = counter;
        counter += next.addend;
        break;
    }
    operations.push_back(next);
  }
  exposed_bytes += largest_gap;
}

void fill(std::span<std::uint8_t> bytes, std::uint64_t key) {
  for (std::size_t at = 0; at < bytes.size(); at += sizeof(key)) {
    const std::uint64_t word = mix(key + at);
    std::memcpy(&bytes[at], &word, std::min(sizeof(word), bytes.size() - at));
  }
}

std::vector<std::uint8_t> payload(const Plan& plan, std::size_t number) {
  std::vector<std::uint8_t> bytes(plan.operations[number].bytes);
  fill(bytes, payload_key(plan, number));
  return bytes;
}

std::vector<std::uint8_t> untouched(const Plan& plan) {
  std::vector<std::uint8_t> exposed(plan.exposed_bytes);
  fill(exposed, payload_key(plan, plan.operations.size()));
  constexpr std::uint64_t counter = 0;
  std::memcpy(&exposed[counter_place], &counter, sizeof(counter));
  return exposed;
}

void apply(const Plan& plan, std::size_t number, std::span<std::uint8_t> exposed) {
  const Operation& done = plan.operations[number];
  if (done.kind == Kind::write) fill(exposed.subspan(done.place, done.bytes), payload_key(plan, number));
  if (done.kind == Kind::fetch_add) {
    const std::uint64_t counter = done.before + done.addend;
    std::memcpy(&exposed[counter_place], &counter, sizeof(counter));
  }
}

}  // namespace braidway::lab
