// The policy `spray`: every packet takes the path on which it would be through first, as far as the source
// can know: the bytes that wait before it here, and a virtual queue per path that drains at the rate of the
// path's slow weight and holds what this lane has sent on it of late. Nothing remote is compared per packet:
// feedback is a round trip old and the same for all flows, and whoever follows it herds. It moves the weights
// instead (path_weights.hpp), and with them how fast a virtual queue drains.
//
// What was learnt in the simulator, on the anchors' fabric:
// - Byte credits that are a share of the traffic (weighted round robin) make a slow path take its share of a
//   burst that is beyond its rate: with two of sixteen uplinks at a quarter of their rate the mean slowdown
//   at 50 % load was 2.2; it is 1.3 with virtual queues, which know time.
// - Virtual queues alone send everything to the first path while no queue stands, and so does every other
//   gateway: at 80 % load the mean grew from 1.6 to 2.8. So what a path has had of late breaks ties.
// - More than a few packets' time of that memory is debt: a path is given packets because it has had few, not
//   because it is free. With eight uplinks of 128 at a tenth, a permutation's tail grew from 1.4 to 6 times
//   its ideal when the memory was long enough for slow paths to get their full share.
//
// Pure; owner: one lane, with one Spray a peer. All memory at construction.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "lb/spray_set.hpp"
#include "lb/types.hpp"

namespace braidway::lb {

class Spray {
 public:
  struct Parameters {
    /// Rate of a path of weight 1, bytes a nanosecond: 100 Gbit/s.
    float rate = 12.5F;
    /// How far a path may be behind the most used one for that alone to give it packets, ns: two packets of
    /// 1 kB.
    float turn_ns = 200;
    /// Longest virtual queue, ns: more than that has been sent elsewhere or is lost, and is forgotten.
    float longest_queue_ns = 1'000'000;
  };

  Spray(std::size_t paths, const Parameters& parameters)
      : parameters_(parameters),
        ns_per_byte_(paths, 1 / parameters.rate),
        free_at_(paths, 0.0F),
        used_(paths, 0.0F) {}

  /// The slow weight of a path: its rate over Parameters::rate; 0 takes nothing.
  void set_weight(PathId path, float weight) noexcept {
    ns_per_byte_[value(path)] = weight > 0 ? 1 / (weight * parameters_.rate) : unusable;
  }
  [[nodiscard]] bool usable(PathId path) const noexcept { return ns_per_byte_[value(path)] < unusable; }

  /// The time of the packets that follow, once a burst. Never goes back.
  void advance(Nanoseconds now) noexcept {
    if (value(now) - origin_ > rebase_ns) rebase(value(now));
    now_ = static_cast<float>(value(now) - origin_);
  }

  /// The path of a packet of `bytes`. `wait_ns` is by path: how long what waits at its egress here takes.
  /// The set must have a usable path, else its first is the answer.
  PathId choose(const SpraySet& set, std::uint32_t bytes, std::span<const float> wait_ns) noexcept {
    const auto size = static_cast<float>(bytes);
    const float least_used = most_used_ - parameters_.turn_ns;
    std::size_t best = value(set.paths[0]);
    float least = unusable;
    for (std::size_t i = 0; i < set.count; ++i) {
      const std::size_t path = value(set.paths[i]);
      const float takes = size * ns_per_byte_[path];
      const float cost =
          std::max(free_at_[path], now_) + takes + wait_ns[path] + std::max(used_[path], least_used);
      best = cost < least ? path : best;
      least = std::min(cost, least);
    }
    const float takes = size * ns_per_byte_[best];
    free_at_[best] = std::min(std::max(free_at_[best], now_) + takes, now_ + parameters_.longest_queue_ns);
    used_[best] = std::max(used_[best], least_used) + takes;
    most_used_ = std::max(most_used_, used_[best]);
    return static_cast<PathId>(best);
  }

 private:
  static constexpr float unusable = 1e20F;
  /// Single precision counts nanoseconds exactly up to 16.7 ms.
  static constexpr std::int64_t rebase_ns = 4'000'000;

  void rebase(std::int64_t now) noexcept {
    const auto passed = static_cast<float>(now - origin_);
    for (float& free_at : free_at_) free_at = std::max(free_at - passed, 0.0F);
    for (float& used : used_) used = std::max(used - most_used_, -parameters_.turn_ns);
    most_used_ = 0;
    origin_ = now;
  }

  Parameters parameters_;
  std::int64_t origin_ = 0;         ///< of the times below
  float now_ = 0;                   ///< ns since origin_
  float most_used_ = 0;             ///< of used_
  std::vector<float> ns_per_byte_;  ///< by path
  std::vector<float> free_at_;      ///< by path: when its virtual queue is empty, ns since origin_
  std::vector<float> used_;         ///< by path: time it has been given, ns
};

}  // namespace braidway::lb
