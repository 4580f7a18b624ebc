#include "ctrl/model/naive.hpp"

#include <algorithm>

namespace braidway::ctrl::model {

void LastValue::observe(std::span<const Sample> paths) noexcept {
  for (std::size_t i = 0; i < last_.size(); ++i) last_[i] = completed(paths[i].load, last_[i]);
}

void Ewma::observe(std::span<const Sample> paths) noexcept {
  for (std::size_t i = 0; i < smoothed_.size(); ++i) {
    smoothed_[i] += (completed(paths[i].load, smoothed_[i]) - smoothed_[i]) * learning_;
  }
}

RunningMedian::RunningMedian(const Shape& shape, std::size_t ticks) : paths_(shape.paths) {
  for (Path& path : paths_) {
    path.ring.resize(ticks);
    path.counts.resize(steps);
    path.sums.resize(steps);
  }
}

unsigned RunningMedian::step_of(float load) noexcept {
  return std::min(static_cast<unsigned>(load * steps), steps - 1);
}

void RunningMedian::add(Path& path, float load) noexcept {
  float& place = path.ring[path.next];
  if (path.count == path.ring.size()) {
    const unsigned left = step_of(place);
    --path.counts[left];
    path.sums[left] -= place;
  } else {
    ++path.count;
  }
  place = load;
  const unsigned step = step_of(load);
  ++path.counts[step];
  path.sums[step] += load;
  path.next = path.next + 1 < path.ring.size() ? path.next + 1 : 0;
}

/// The mean of the loads of the step in which half of all are reached.
float RunningMedian::median_of(const Path& path) noexcept {
  std::size_t below = 0;
  for (unsigned step = 0; step < steps; ++step) {
    below += path.counts[step];
    if (2 * below < path.count) continue;
    return std::clamp(static_cast<float>(path.sums[step] / path.counts[step]), 0.0F, 1.0F);
  }
  return 0;
}

void RunningMedian::observe(std::span<const Sample> paths) noexcept {
  for (std::size_t i = 0; i < paths_.size(); ++i) {
    Path& path = paths_[i];
    add(path, completed(paths[i].load, path.median));
    path.median = median_of(path);
  }
}

void RunningMedian::forget(std::size_t path) noexcept {
  Path& of = paths_[path];
  std::ranges::fill(of.counts, std::uint16_t{0});
  std::ranges::fill(of.sums, 0.0);
  of.next = of.count = 0;
  of.median = 0;
}

}  // namespace braidway::ctrl::model
