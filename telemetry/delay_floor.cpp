#include "telemetry/delay_floor.hpp"

#include <algorithm>
#include <cassert>
#include <span>

namespace braidway::telemetry {
namespace {

/// A bucket's lowest sample: time before now, and height above the line, ns.
struct Corner {
  std::int64_t at = 0;
  std::int64_t over = 0;
};

/// b lies on or above the line from a to c.
bool is_hollow(const Corner& a, const Corner& b, const Corner& c) noexcept {
  return (b.over - a.over) * (c.at - a.at) >= (c.over - a.over) * (b.at - a.at);
}

struct Edge {
  Corner from;
  Corner to;
};

/// Of the lower convex hull of two or more corners, ascending in time, the edge over the middle of the time.
/// Works in place.
Edge middle_edge(std::span<Corner> corners) noexcept {
  const std::int64_t middle = (corners.front().at + corners.back().at) / 2;
  std::size_t kept = 0;
  for (const Corner& corner : corners) {
    while (kept >= 2 && is_hollow(corners[kept - 2], corners[kept - 1], corner)) --kept;
    corners[kept++] = corner;
  }
  std::size_t to = 1;
  while (to + 1 < kept && corners[to].at < middle) ++to;
  return {corners[to - 1], corners[to]};
}

}  // namespace

void DelayFloor::at(lb::Nanoseconds now) noexcept {
  const std::int64_t passed = between(now_, now);
  now_ = now;
  if (passed < 0 || passed > window) {
    begun_ = false;
    lowest_over_ = none;
  }
  if (!begun_) return;
  if (between(bucket_begin_, now) >= bucket_length_) end_bucket();
  line_now_ = line_at(now);
}

/// The line goes through a sample that is below it, or is the first. Returns what it is above the line now.
std::int64_t DelayFloor::lower(std::int64_t raw, std::int64_t over) noexcept {
  if (!begun_ || over < -step) {
    begin({now_, raw});
  } else {
    level_ = value(later(lb::Nanoseconds{level_}, over));
    line_now_ = raw;
  }
  return 0;
}

/// The line goes through this sample, with the slope as it is known.
void DelayFloor::begin(const Point& first) noexcept {
  begun_ = true;
  level_at_ = first.at;
  level_ = first.raw;
  line_now_ = line_at(now_);
  lowest_ = first;
  lowest_over_ = 0;
  bucket_begin_ = now_;
  bucket_length_ = shortest_bucket;
  count_ = 0;
}

void DelayFloor::end_bucket() noexcept {
  if (lowest_over_ != none) {
    if (lowest_over_ > step) {
      begin(lowest_);
      return;
    }
    if (count_ == buckets) make_room();
    ended_[count_++] = lowest_;
    if (count_ >= 2) fit();
  }
  bucket_begin_ = now_;
  lowest_over_ = none;
}

/// Of eight buckets makes four of twice the length, or forgets the oldest.
void DelayFloor::make_room() noexcept {
  if (bucket_length_ == longest_bucket) {
    std::shift_left(ended_.begin(), ended_.end(), 1);
    --count_;
    return;
  }
  const auto over = [this](const Point& point) { return wrapping_minus(point.raw, line_at(point.at)); };
  for (std::size_t i = 0; i < buckets / 2; ++i) {
    const Point& first = ended_[2 * i];
    const Point& second = ended_[2 * i + 1];
    ended_[i] = over(first) <= over(second) ? first : second;
  }
  count_ = buckets / 2;
  bucket_length_ *= 2;
}

void DelayFloor::fit() noexcept {
  // What was lowered again and again lies high above the line. Heights of 0.1 s and times of eight windows
  // multiply to less than 2^63.
  constexpr std::int64_t highest = 10 * step;
  std::array<Corner, buckets> corners;
  for (std::size_t i = 0; i < count_; ++i) {
    const Point& point = ended_[i];
    const std::int64_t over = wrapping_minus(point.raw, line_at(point.at));
    corners[i] = {between(now_, point.at), std::clamp<std::int64_t>(over, 0, highest)};
  }
  std::array<Corner, buckets> hull = corners;
  const auto [from, to] = middle_edge(std::span{hull}.first(count_));
  assert(to.at > from.at);  // a bucket's samples are later than those of the one before
  const std::int64_t steeper = ((to.over - from.over) << slope_bits) / (to.at - from.at);
  const std::int64_t slope = std::clamp(slope_ + steeper, -most_slope, most_slope);
  const std::int64_t turned = slope - slope_;

  std::int64_t level = highest;
  for (std::size_t i = 0; i < count_; ++i) {
    level = std::min(level, corners[i].over - (turned * corners[i].at >> slope_bits));
  }
  level_ = value(later(lb::Nanoseconds{line_at(now_)}, level));
  level_at_ = now_;
  slope_ = slope;
}

}  // namespace braidway::telemetry
