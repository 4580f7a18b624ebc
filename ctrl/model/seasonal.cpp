#include "ctrl/model/seasonal.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <stdexcept>

#include "lb/require.hpp"

namespace braidway::ctrl::model {
namespace {

/// Of a load, below which it is constant.
constexpr float least_variance = 1e-6F;
constexpr std::size_t shortest_period = 2;

Seasonal::Parameters checked(const Seasonal::Parameters& p) {
  const lb::Requirements require{"Seasonal"};
  require.within("ticks", p.ticks, 64, Seasonal::most_ticks);
  require.within("strength", p.strength, 0.01F, 1);
  require.within("nearly", p.nearly, 0.01F, 1);
  if (!std::has_single_bit(p.ticks)) throw std::invalid_argument("Seasonal: ticks: must be a power of 2");
  return p;
}

float median(float a, float b, float c) noexcept {
  return std::max(std::min(a, b), std::min(std::max(a, b), c));
}

}  // namespace

Seasonal::Seasonal(const Shape& shape, const Parameters& parameters)
    : parameters_(checked(parameters)),
      horizons_(shape.horizons),
      paths_(shape.paths),
      ring_(shape.paths * parameters_.ticks) {
  std::vector<Complex> zeros(2 * parameters_.ticks);
  std::vector<Complex> spectrum(zeros.size());
  fft_.fwd(spectrum.data(), zeros.data(), static_cast<Eigen::Index>(zeros.size()));
}

float Seasonal::ahead(std::size_t path, std::size_t ticks) const noexcept {
  const Path& of = paths_[path];
  if (of.count == 0) return 0;
  if (of.period == 0) return kept(path, 0);
  const std::size_t period = of.period;
  const std::size_t age = (ticks + period - 1) / period * period - ticks;
  return median(kept(path, age), kept(path, age + period), kept(path, age + 2 * period));
}

void Seasonal::observe(std::span<const Sample> paths) noexcept {
  const std::size_t place = (last_ + 1) & (parameters_.ticks - 1);
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    ring_[i * parameters_.ticks + place] = completed(paths[i].load, ahead(i, 1));
    if (paths_[i].count < parameters_.ticks) ++paths_[i].count;
  }
  last_ = place;
}

void Seasonal::refit(std::size_t path) noexcept { paths_[path].period = find_period(path); }

std::uint32_t Seasonal::find_period(std::size_t path) noexcept {
  const std::size_t count = paths_[path].count;
  const std::size_t longest = count / 4;
  if (longest < shortest_period) return 0;

  std::array<Complex, 2 * most_ticks> loads;
  std::array<Complex, 2 * most_ticks> spectrum;
  const std::size_t length = 2 * parameters_.ticks;
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += static_cast<double>(kept(path, i));
  const auto mean = static_cast<float>(sum / static_cast<double>(count));
  for (std::size_t i = 0; i < count; ++i) loads[i] = kept(path, i) - mean;
  std::fill(loads.begin() + static_cast<std::ptrdiff_t>(count),
            loads.begin() + static_cast<std::ptrdiff_t>(length), Complex{});

  // The power is even, so that the transform back is the transform itself, but for its scale.
  fft_.fwd(spectrum.data(), loads.data(), static_cast<Eigen::Index>(length));
  for (std::size_t i = 0; i < length; ++i) loads[i] = std::norm(spectrum[i]);
  fft_.fwd(spectrum.data(), loads.data(), static_cast<Eigen::Index>(length));

  const float scale = 1 / static_cast<float>(length);
  const float variance = spectrum[0].real() * scale / static_cast<float>(count);
  if (!(variance > least_variance)) return 0;
  std::array<float, most_ticks / 4 + 2> correlations;
  for (std::size_t lag = 0; lag <= longest + 1; ++lag) {
    correlations[lag] = spectrum[lag].real() * scale / static_cast<float>(count - lag) / variance;
  }
  return first_peak({correlations.data(), longest + 2});
}

/// `correlations`: by lag, up to one beyond the longest period.
std::uint32_t Seasonal::first_peak(std::span<const float> correlations) const noexcept {
  const auto for_each_peak = [&](auto&& done) {
    float lowest = correlations[1];
    for (std::size_t lag = shortest_period; lag + 1 < correlations.size(); ++lag) {
      const float here = correlations[lag];
      const bool peak = here >= correlations[lag - 1] && here >= correlations[lag + 1];
      if (peak && here >= parameters_.strength && here - lowest >= parameters_.strength && done(lag, here))
        return;
      lowest = std::min(lowest, here);
    }
  };
  float highest = 0;
  for_each_peak([&](std::size_t, float here) {
    highest = std::max(highest, here);
    return false;
  });
  std::size_t first = 0;
  for_each_peak([&](std::size_t lag, float here) {
    if (here < parameters_.nearly * highest) return false;
    first = lag;
    return true;
  });
  return static_cast<std::uint32_t>(first);
}

}  // namespace braidway::ctrl::model
