#include "ctrl/model/gate.hpp"

#include <algorithm>

namespace braidway::ctrl::model {
namespace {

/// How often each burst is drawn.
using Resample = std::array<float, Gate::bursts>;
constexpr std::size_t resample_count = 1'000;

/// The same for all gates. By xorshift32 (Marsaglia, "Xorshift RNGs", 2003).
consteval std::array<Resample, resample_count> draw_resamples() {
  std::array<Resample, resample_count> all{};
  std::uint32_t random = 2'463'534'242U;
  for (Resample& resample : all) {
    for (std::size_t i = 0; i < resample.size(); ++i) {
      random ^= random << 13U;
      random ^= random >> 17U;
      random ^= random << 5U;
      resample[std::uint64_t{random} * resample.size() >> 32U] += 1;
    }
  }
  return all;
}
constexpr std::array<Resample, resample_count> resamples = draw_resamples();

}  // namespace

void Gate::forget() noexcept {
  block_ = {};
  ticks_ = measured_ = next_ = count_ = bad_ = good_ = 0;
  skill_ = 0;
  begun_ = open_ = false;
}

void Gate::observe(const Losses& losses, bool onset) noexcept {
  if (onset && ticks_ >= std::max(horizon_, parameters_.least_block)) {
    end_block();
    block_ = {};
    ticks_ = measured_ = 0;
    begun_ = true;
  }
  if (++ticks_ > std::max(parameters_.longest_block, 4 * horizon_)) {
    forget();
    return;
  }
  if (!losses.measured) return;
  ++measured_;
  for (std::size_t i = 0; i < naives; ++i) block_[i] += losses.naive[i];
  block_[naives] += losses.forecast;
}

bool Gate::beats(std::size_t naive) const noexcept {
  std::array<float, bursts> excess;
  for (std::size_t b = 0; b < bursts; ++b) {
    excess[b] = blocks_[b][naives] - (1 - parameters_.margin) * blocks_[b][naive];
  }
  return std::ranges::all_of(resamples, [&](const Resample& resample) {
    float sum = 0;
    for (std::size_t b = 0; b < bursts; ++b) sum += resample[b] * excess[b];
    return sum < 0;
  });
}

void Gate::end_block() noexcept {
  // The first was not seen from its onset on.
  if (!begun_ || 2 * measured_ < ticks_) return;
  blocks_[next_] = block_;
  next_ = next_ + 1 < bursts ? next_ + 1 : 0;
  count_ = std::min(count_ + 1, bursts);
  std::array<float, naives + 1> sums{};
  for (std::size_t b = 0; b < count_; ++b) {
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += blocks_[b][i];
  }
  const auto best =
      static_cast<std::size_t>(std::min_element(sums.begin(), sums.begin() + naives) - sums.begin());
  bad_ = block_[naives] > block_[best] ? bad_ + 1 : 0;
  skill_ = sums[best] > 0 ? std::max(1 - sums[naives] / sums[best], -1.0F) : 0;
  if (open_) {
    open_ = bad_ < parameters_.bad;
    // What has been learnt of another time is not brought up again.
    if (!open_) {
      count_ = next_ = good_ = 0;
      skill_ = 0;
    }
  } else {
    good_ = count_ == bursts && bad_ == 0 && beats(best) ? good_ + 1 : 0;
    open_ = good_ >= parameters_.lasting;
  }
}

}  // namespace braidway::ctrl::model
