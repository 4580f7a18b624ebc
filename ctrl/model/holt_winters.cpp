#include "ctrl/model/holt_winters.hpp"

#include <algorithm>
#include <cmath>

#include "lb/require.hpp"

namespace braidway::ctrl::model {
namespace {

HoltWinters::Parameters checked(const HoltWinters::Parameters& p) {
  const lb::Requirements require{"HoltWinters"};
  require.within("level", p.level, 0, 1);
  require.within("trend", p.trend, 0, 1);
  require.within("damping", p.damping, 0, 0.999F);
  return p;
}

}  // namespace

HoltWinters::HoltWinters(const Shape& shape, const Parameters& parameters)
    : parameters_(checked(parameters)), paths_(shape.paths) {
  const double phi = parameters_.damping;
  for (const unsigned ticks : shape.horizons) {
    damped_.push_back(static_cast<float>(phi * (1 - std::pow(phi, ticks)) / (1 - phi)));
  }
}

float HoltWinters::ahead(const Path& path, float damped) noexcept {
  return std::clamp(path.level + damped * path.trend, 0.0F, 1.0F);
}

void HoltWinters::observe(std::span<const Sample> paths) noexcept {
  const Parameters& p = parameters_;
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    Path& path = paths_[i];
    const CrossLoad& sample = paths[i].load;
    const float load = completed(sample, ahead(path, p.damping));
    if (!path.begun) {
      path = {.level = load, .trend = 0, .begun = !sample.censored && std::isfinite(sample.load)};
      continue;
    }
    const float trend = p.damping * path.trend;
    const float level = p.level * load + (1 - p.level) * (path.level + trend);
    path.trend = p.trend * (level - path.level) + (1 - p.trend) * trend;
    path.level = level;
  }
}

}  // namespace braidway::ctrl::model
