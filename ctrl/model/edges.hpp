// Where the load of a path steps from one level to another: the onsets and ends of bursts, from bins of
// 100 us.
//
// A step is told from noise by its size: more than four times what the bins of a level usually differ by, and
// more than `least`; and by lasting, for two bins. A step falls somewhere into a bin, which then is partly of
// both levels: by how much tells when it was, to a few microseconds. What is one bin alone is a blip and no
// step.
//
// A step behind bins of which nothing is known fell into these or its own: it is told in their middle, and
// how unsure that is.
//
// Pure; owner: one thread. Time is counted in bins since the first.
#pragma once

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

namespace braidway::ctrl::model {

/// From one level to another.
struct Edge {
  double at = 0;      ///< bins
  float height = 0;   ///< by how much the load rose, part of the capacity; negative: it fell
  double unsure = 0;  ///< it may have been so much earlier or later, bins
};

class Edges {
 public:
  struct Parameters {
    /// The least step, part of the capacity: less than that is no burst worth avoiding.
    float least = 0.08F;
    /// So many times what bins of one level usually differ by.
    float noises = 4;
    /// What a bin adds to what is known of the noise, and to the level at most.
    float learning = 1.0F / 64;
    float level_learning = 1.0F / 20;
  };

  explicit Edges(const Parameters& parameters) : parameters_(parameters) {}
  Edges() : Edges(Parameters{}) {}

  /// The next bin's load. Answers the edge that it makes sure of, which began in the bin before.
  std::optional<Edge> observe(float load) noexcept {
    const double begins = bins_;
    bins_ += 1;
    if (!begun_) {
      begun_ = true;
      level_ = load;
      return std::nullopt;
    }
    const float apart = load - level_;
    if (std::abs(apart) <= tolerance()) {
      deviates_ = false;
      skipped_ = 0;
      settle(load);
      return std::nullopt;
    }
    if (!deviates_ || (first_ - level_) * apart < 0) {
      deviates_ = true;
      first_ = load;
      first_skipped_ = std::exchange(skipped_, 0.0);
      return std::nullopt;
    }
    // The first of the two is of both levels, unless it is beyond the second.
    const float part = std::clamp((first_ - level_) / apart, 0.0F, 1.0F);
    const double hidden = first_skipped_ / 2;
    const Edge edge{.at = begins - static_cast<double>(part) - hidden, .height = apart, .unsure = hidden};
    level_ = load;
    in_level_ = 1;
    deviates_ = false;
    return edge;
  }
  /// A bin of which it is known only that there was no step.
  void stay() noexcept {
    bins_ += 1;
    deviates_ = false;
    skipped_ = 0;
  }
  /// A bin of which nothing is known.
  void skip() noexcept {
    bins_ += 1;
    // The bin before is not made sure of: it is as good as not known.
    skipped_ += deviates_ ? first_skipped_ + 2 : 1;
    deviates_ = false;
  }

  /// The load of the level that it is at.
  [[nodiscard]] float level() const noexcept { return level_; }
  /// What counts as the same level.
  [[nodiscard]] float tolerance() const noexcept {
    return std::max(parameters_.least, parameters_.noises * noise_);
  }
  /// Bins so far: the time.
  [[nodiscard]] double bins() const noexcept { return bins_; }

 private:
  void settle(float load) noexcept {
    noise_ += (std::abs(load - level_) - noise_) * parameters_.learning;
    in_level_ += 1;
    level_ += (load - level_) * std::max(1 / in_level_, parameters_.level_learning);
  }

  Parameters parameters_;
  double bins_ = 0;
  float level_ = 0;
  float in_level_ = 1;  ///< bins of the level
  float noise_ = 0.01F;
  float first_ = 0;           ///< the bin before, if it deviates
  double first_skipped_ = 0;  ///< bins of which nothing was known before that one
  double skipped_ = 0;        ///< the same before the next one
  bool deviates_ = false;
  bool begun_ = false;
};

}  // namespace braidway::ctrl::model
