#include "ctrl/model/weights.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "lb/require.hpp"
#include "lb/types.hpp"

namespace braidway::ctrl::model {
namespace {

BiasedWeights::Parameters checked(std::span<const float> configured, const BiasedWeights::Parameters& p) {
  const lb::Requirements require{"BiasedWeights"};
  require.within("paths", configured.size(), 1, lb::max_paths_per_peer);
  for (std::size_t i = 0; i < configured.size(); ++i) {
    require.within("configured[" + std::to_string(i) + "]", configured[i], 0, 1e6F);
  }
  require.within("certain", p.certain, 0, 1);
  require.within("least_unsure", p.least_unsure, 0, 1);
  require.within("most", p.most, 1, 100);
  require.within("probing_share", p.probing_share, 1e-6F, 1);
  require.within("matters", p.matters, 0, 1);
  return p;
}

}  // namespace

BiasedWeights::BiasedWeights(std::span<const float> configured, const Parameters& parameters)
    : parameters_(checked(configured, parameters)),
      configured_(configured.begin(), configured.end()),
      biases_(configured.size(), 1.0F),
      wanted_(configured.size(), 1.0F) {}

float BiasedWeights::bias_of(std::size_t path, float reactive, const Outlook& expected) const noexcept {
  const bool foreseen = std::isfinite(expected.adjustment) && expected.confidence > 0;
  if (!foreseen || !(reactive > 0)) return 1;
  const Parameters& p = parameters_;
  const float confidence = std::min(expected.confidence, 1.0F);
  const float least = confidence > p.certain ? 0 : p.least_unsure;
  const float bias = std::clamp(1 + confidence * expected.adjustment, least, p.most);
  return std::max(bias, std::min(p.probing_share * configured_[path] / reactive, 1.0F));
}

bool BiasedWeights::update(std::span<const float> reactive, std::span<const Outlook> expected) noexcept {
  float before = 0;
  float after = 0;
  bool withdrawn = false;
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    wanted_[i] = bias_of(i, reactive[i], expected[i]);
    if (!(reactive[i] > 0)) continue;
    before += reactive[i] * biases_[i];
    after += reactive[i] * wanted_[i];
    withdrawn = withdrawn || biases_[i] != 1;
  }
  bool matters = false;
  for (std::size_t i = 0; i < wanted_.size(); ++i) {
    withdrawn = withdrawn && wanted_[i] == 1;
    if (!(reactive[i] > 0)) continue;
    const float had = reactive[i] * biases_[i] / before;
    const float has = reactive[i] * wanted_[i] / after;
    matters = matters || std::abs(has - had) > parameters_.matters * std::max(has, had);
  }
  if (matters || withdrawn) std::ranges::copy(wanted_, biases_.begin());
  return matters || withdrawn;
}

}  // namespace braidway::ctrl::model
