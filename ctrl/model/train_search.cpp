#include "ctrl/model/train_search.hpp"

#include <algorithm>
#include <cmath>

namespace braidway::ctrl::model {
namespace {

/// Bursts of a job are of one height, but for a quarter or what it is measured to.
bool alike(float one, float other, float tolerance) noexcept {
  return std::abs(one - other) <= std::max(0.25F * other, tolerance);
}

}  // namespace

/// The onset nearest to `wanted` that is older than `before` and of that height, or count_.
std::size_t TrainSearch::nearest(double wanted, double within, std::size_t before, float height,
                                 float tolerance) const noexcept {
  std::size_t found = count_;
  for (std::size_t i = before; i-- > 0;) {
    if (onsets_[i].at <= wanted - within) break;
    const double off = std::abs(onsets_[i].at - wanted);
    if (off > within || !alike(onsets_[i].height, height, tolerance)) continue;
    within = off;
    found = i;
  }
  return found;
}

/// Goes back from the latest onset by the gap to the one at `second`. One onset may be missing: it came with
/// another's end.
TrainSearch::Chain TrainSearch::chain_from(std::size_t second, float tolerance) const noexcept {
  const Onset& latest = onsets_[count_ - 1];
  const double gap = latest.at - onsets_[second].at;
  Chain chain{.places = {count_ - 1, second}, .length = 2, .period = gap};
  double errors = 0;
  double periods = 1;
  std::size_t place = second;
  bool whole = true;
  while (chain.length < longest) {
    const double within = parameters_.tolerance * chain.period;
    double step = 1;
    std::size_t found = nearest(onsets_[place].at - chain.period, within, place, latest.height, tolerance);
    if (found == count_ && whole) {
      whole = false;
      step = 2;
      found = nearest(onsets_[place].at - 2 * chain.period, within, place, latest.height, tolerance);
    }
    if (found == count_) break;
    errors += std::abs(onsets_[place].at - onsets_[found].at - step * gap) / step;
    place = found;
    periods += step;
    chain.places[chain.length++] = place;
    chain.period = (latest.at - onsets_[place].at) / periods;
  }
  chain.error = errors / static_cast<double>(std::max<std::size_t>(chain.length - 2, 1));
  return chain;
}

void TrainSearch::remove(const Chain& chain) noexcept {
  std::size_t kept = 0;
  for (std::size_t i = 0; i < count_; ++i) {
    const auto* const end = chain.places.begin() + chain.length;
    if (std::find(chain.places.begin(), end, i) == end) onsets_[kept++] = onsets_[i];
  }
  count_ = kept;
}

std::optional<BurstTrain> TrainSearch::add(double at, float height, float tolerance) noexcept {
  if (count_ == room) {
    std::copy(onsets_.begin() + 1, onsets_.end(), onsets_.begin());
    --count_;
  }
  onsets_[count_++] = {.at = at, .height = height};
  for (std::size_t second = count_ - 1; second-- > 0;) {
    const double gap = at - onsets_[second].at;
    if (gap < parameters_.shortest_period) continue;
    if (gap > parameters_.longest_period) break;
    if (!alike(onsets_[second].height, height, tolerance)) continue;
    const Chain chain = chain_from(second, tolerance);
    if (chain.length < parameters_.onsets || chain.error > parameters_.most_uneven * chain.period) continue;
    remove(chain);
    return BurstTrain(at, chain.period, chain.error, height);
  }
  return std::nullopt;
}

}  // namespace braidway::ctrl::model
