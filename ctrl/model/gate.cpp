#include "ctrl/model/gate.hpp"

#include <algorithm>

namespace braidway::ctrl::model {

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

/// xorshift32 (Marsaglia, "Xorshift RNGs", 2003).
std::uint32_t Gate::draw(std::uint32_t below) noexcept {
  random_ ^= random_ << 13U;
  random_ ^= random_ >> 17U;
  random_ ^= random_ << 5U;
  return static_cast<std::uint32_t>(std::uint64_t{random_} * below >> 32U);
}

bool Gate::beats(std::size_t naive) noexcept {
  std::array<float, room> excess;
  for (std::size_t b = 0; b < count_; ++b) {
    excess[b] = blocks_[b][naives] - (1 - parameters_.margin) * blocks_[b][naive];
  }
  std::uint32_t exceptions = 0;
  for (std::uint32_t i = 0; i < parameters_.resamples; ++i) {
    float sum = 0;
    for (std::uint32_t b = 0; b < count_; ++b) sum += excess[draw(count_)];
    exceptions += sum >= 0 ? 1 : 0;
    if (exceptions > parameters_.exceptions) return false;
  }
  return true;
}

void Gate::end_block() noexcept {
  // The first was not seen from its onset on.
  if (!begun_ || 2 * measured_ < ticks_) return;
  blocks_[next_] = block_;
  next_ = next_ + 1 < parameters_.bursts ? next_ + 1 : 0;
  count_ = std::min(count_ + 1, parameters_.bursts);
  std::array<float, naives + 1> sums{};
  for (std::size_t b = 0; b < count_; ++b) {
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += blocks_[b][i];
  }
  const auto best =
      static_cast<std::size_t>(std::min_element(sums.begin(), sums.begin() + naives) - sums.begin());
  bad_ = block_[naives] > block_[best] ? bad_ + 1 : 0;
  skill_ = sums[best] > 0 ? std::clamp(1 - sums[naives] / sums[best], 0.0F, 1.0F) : 0;
  if (open_) {
    open_ = bad_ < parameters_.bad;
    // What has been learnt of another time is not brought up again.
    if (!open_) count_ = next_ = good_ = 0;
  } else {
    good_ = count_ == parameters_.bursts && bad_ == 0 && beats(best) ? good_ + 1 : 0;
    open_ = good_ >= parameters_.lasting;
  }
}

}  // namespace braidway::ctrl::model
