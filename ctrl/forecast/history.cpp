#include "ctrl/forecast/history.hpp"

#include <algorithm>
#include <cmath>

namespace braidway::ctrl::forecast {
namespace {

constexpr std::uint32_t coarse_us = 20'000'000;
constexpr std::uint32_t fine_bins = 10'000;
constexpr float whole = 32'767;
constexpr std::uint16_t censored_bit = 0x8000;
constexpr float delay_unit_us = 0.064F;
constexpr float most_share = 2;

std::uint16_t packed(float part, float of = 1) noexcept {
  if (!std::isfinite(part)) return 0;
  return static_cast<std::uint16_t>(std::lround(std::clamp(part / of, 0.0F, 1.0F) * whole));
}
float unpacked(std::uint16_t part, float of = 1) noexcept { return static_cast<float>(part) / whole * of; }

std::uint16_t counted(std::uint32_t packets) noexcept {
  return static_cast<std::uint16_t>(std::min<std::uint32_t>(packets, UINT16_MAX));
}

std::uint16_t packed(const model::CrossLoad& load) noexcept {
  const std::uint16_t bits = std::isfinite(load.load) ? packed(load.load) : packed(1.0F);
  return load.censored ? bits | censored_bit : bits;
}
model::CrossLoad load_of(std::uint16_t bits) noexcept {
  const bool censored = (bits & censored_bit) != 0;
  return {.load = unpacked(bits & static_cast<std::uint16_t>(~censored_bit)), .censored = censored};
}

}  // namespace

History::History(std::size_t paths, std::size_t bins, std::uint32_t tick_us)
    : bins_(bins),
      kept_ticks_(coarse_us / tick_us),
      kept_bins_(fine_bins / bins * bins),
      ticks_(paths * kept_ticks_),
      fine_(paths * kept_bins_) {}

void History::add(std::size_t path, const HistoryTick& tick,
                  std::span<const model::CrossLoad> bins) noexcept {
  ticks_[path * kept_ticks_ + written_ % kept_ticks_] = {
      .load = packed(tick.load),
      .own = packed(tick.own),
      .delay = packed(tick.delay_us / delay_unit_us, whole),
      .forecast = packed(tick.forecast),
      .share = packed(tick.share, most_share),
      .sent = counted(tick.sent),
      .held = counted(tick.held)};
  const std::size_t first = path * kept_bins_ + written_ * bins_ % kept_bins_;
  for (std::size_t i = 0; i < bins_ && i < bins.size(); ++i) fine_[first + i] = packed(bins[i]);
}

void History::advance() noexcept { ++written_; }

std::vector<HistoryTick> History::ticks(std::size_t path, std::size_t most) const {
  const std::size_t count = std::min<std::uint64_t>({most, kept_ticks_, written_});
  std::vector<HistoryTick> out;
  out.reserve(count);
  for (std::uint64_t number = written_ - count; number < written_; ++number) {
    const PackedTick& of = ticks_[path * kept_ticks_ + number % kept_ticks_];
    out.push_back({.load = load_of(of.load),
                   .own = unpacked(of.own),
                   .delay_us = unpacked(of.delay, whole) * delay_unit_us,
                   .forecast = unpacked(of.forecast),
                   .share = unpacked(of.share, most_share),
                   .sent = of.sent,
                   .held = of.held});
  }
  return out;
}

std::vector<model::CrossLoad> History::bins(std::size_t path, std::size_t most) const {
  const std::size_t count = std::min<std::uint64_t>({most, kept_bins_, written_ * bins_});
  std::vector<model::CrossLoad> out;
  out.reserve(count);
  for (std::uint64_t number = written_ * bins_ - count; number < written_ * bins_; ++number) {
    out.push_back(load_of(fine_[path * kept_bins_ + number % kept_bins_]));
  }
  return out;
}

}  // namespace braidway::ctrl::forecast
