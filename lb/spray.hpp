// The policy `spray`: every packet takes the path on which it would be through first, as far as the source
// can know: the bytes that wait before it here, and a virtual queue per path that drains at the rate of the
// path's slow weight and holds what this lane has sent on it of late. Nothing remote is compared per packet:
// feedback is a round trip old and the same for all flows, and whoever follows it herds. It moves the weights
// instead (path_weights.hpp), and with them how fast a virtual queue drains.
//
// What earlier versions taught, in the simulator, on the anchors' fabric unless it says otherwise:
// - Byte credits that are a share of the traffic (weighted round robin) make a slow path take its share of a
//   burst that is beyond its rate: with two of sixteen uplinks at a quarter of their rate the mean slowdown
//   at 50 % load was 2.2; it is 1.3 with virtual queues, which know time.
// - Virtual queues alone send everything to the first path while no queue stands, and so does every other
//   gateway: at 80 % load the mean grew from 1.6 to 2.8. So what a path has had of late breaks ties.
// - Two packets' time of that memory is too little: packets that local queues send elsewhere are forgotten,
//   and what one far leaf gets by each of its down-links drifts apart until one of them marks. With eight
//   uplinks of 128 at a tenth, a permutation's tail is 1.29 times its bound so (worst of 8 seeds 1.70), and
//   1.24 (1.27) with 2 us.
// - Memory of a slow path is debt: it is given packets because it has had few, not because it is free. The
//   same tail was 6 when slow paths were remembered for long enough to get their full share. So memory is in
//   proportion to the weight.
//
// A flow that will keep its path (place()) is not a packet: what it sends later goes there too, and cannot be
// told from what other flows send there now. So it takes the path whose part is the largest if it shares it
// evenly with as many flows as have lately been placed there and still send: what was sent on a path in
// 200 us is remembered, and each flow counts at once as what fills it. By choose(), which remembers 2 us,
// six flows over eight paths of which some have a weight of 0.9 meet on one path while others are free.
//
// Each choice hangs on the one before it, so what a choice costs is the time it takes from one to the next:
// eight paths are compared at once, without a branch (lanes.hpp).
//
// Pure; owner: one lane, with one Spray a peer. All memory at construction.
#pragma once

#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "lb/lanes.hpp"
#include "lb/require.hpp"
#include "lb/spray_set.hpp"
#include "lb/types.hpp"

namespace braidway::lb {

/// Neighbours on the ring of a peer's paths: first, first + 1, ..., modulo their number.
struct PathWindow {
  PathId first{};
  std::uint8_t count = 0;  ///< 1, or all there are, or SpraySet::most of them if there are more
};

class Spray {
  /// What a choice reads and writes of the paths in a window.
  template <std::size_t groups>
  struct Window {
    std::array<Lanes, groups> ns_per_byte;
    std::array<Lanes, groups> waits;
    std::array<Lanes, groups> turns;
    std::array<Lanes, groups> queues;
    std::array<Lanes, groups> used;
  };

 public:
  struct Parameters {
    /// Rate of a path of weight 1, bytes a nanosecond: 100 Gbit/s.
    float rate = 12.5F;
    /// How far a path of weight 1 may be behind the most used one for that alone to give it packets, ns; a
    /// slower one by its weight's part of it. Longer than local queues differ by, and short enough that a
    /// peer's few packets do not choose for its burst a while later.
    float turn_ns = 2'000;
    /// Longest virtual queue, ns: more than that has been sent elsewhere or is lost, and is forgotten.
    float longest_queue_ns = 1'000'000;
    /// For how long what was sent on a path counts for place(), ns: by exponential forgetting.
    float placed_ns = 200'000;
  };

  /// For 1..256 paths. Throws std::invalid_argument for what it cannot work with.
  Spray(std::size_t paths, const Parameters& parameters)
      : parameters_(checked(paths, parameters)),
        paths_(paths),
        ns_per_byte_(room(paths), unusable),
        waits_(room(paths)),
        queues_(room(paths)),
        used_(room(paths)),
        turns_(room(paths)),
        lately_(paths) {
    for (std::size_t i = 0; i < paths; ++i) set_weight(static_cast<PathId>(i), 1);
  }

  /// The slow weight of a path: its rate over Parameters::rate; 0 takes nothing.
  void set_weight(PathId path, float weight) noexcept {
    set(ns_per_byte_, value(path), weight > 0 ? 1 / (weight * parameters_.rate) : unusable);
    set(turns_, value(path), parameters_.turn_ns * std::min(weight, 1.0F));
  }
  [[nodiscard]] bool usable(PathId path) const noexcept { return ns_per_byte_[value(path)] < unusable; }
  /// How long what waits at the path's egress here takes, ns.
  void set_wait(PathId path, float ns) noexcept { set(waits_, value(path), ns); }

  /// The time of the packets that follow, once a burst. Never goes back.
  void advance(Nanoseconds now) noexcept {
    const auto passed = static_cast<float>(value(now) - value(now_));
    now_ = now;
    for (float& queue : queues_) queue = std::max(queue - passed, 0.0F);
    const float kept = std::max(1 - passed / parameters_.placed_ns, 0.0F);
    for (float& lately : lately_) lately *= kept;
    // Counted anew from a turn below the most used one: whoever is behind that is at 0.
    const float passed_by_all = most_used_[0] - parameters_.turn_ns;
    for (float& used : used_) used = std::max(used - passed_by_all, 0.0F);
    most_used_ = Lanes{} + parameters_.turn_ns;
  }

  /// The path of a packet of `bytes`, at least one. The window must have a usable path.
  PathId choose(const PathWindow& window, std::uint32_t bytes) noexcept {
    const std::size_t first = value(window.first);
    if (window.count == 1) {
      take(window.first, bytes);
      return window.first;
    }
    return window.count <= lane_count ? choose_among<1>(first, bytes) : choose_among<2>(first, bytes);
  }

  /// The path of a flow that will keep it, whose first packet has `bytes`. The window must have a usable
  /// path.
  PathId place(const PathWindow& window, std::uint32_t bytes) noexcept {
    std::size_t best = value(window.first);
    float least = unusable;
    for (std::size_t i = 0; i < window.count; ++i) {
      const std::size_t path = (value(window.first) + i) % paths_;
      const float sharing = parameters_.placed_ns * parameters_.rate + lately_[path];
      const float used = std::max(used_[path], most_used_[0] - turns_[path]);
      const float cost = sharing * ns_per_byte_[path] + queues_[path] + waits_[path] + used;
      if (!(cost < least)) continue;
      least = cost;
      best = path;
    }
    const auto path = static_cast<PathId>(best);
    lately_[best] += parameters_.placed_ns * parameters_.rate;
    take(path, bytes);
    return path;
  }

  /// A packet of `bytes` takes this path, which must be usable, whatever else is free.
  void take(PathId path, std::uint32_t bytes) noexcept {
    const std::size_t i = value(path);
    const float takes = static_cast<float>(bytes) * ns_per_byte_[i];
    lately_[i] += static_cast<float>(bytes);
    const float used = std::max(used_[i], most_used_[0] - turns_[i]) + takes;
    set(queues_, i, std::min(queues_[i] + takes, parameters_.longest_queue_ns));
    set(used_, i, used);
    most_used_ = greater(most_used_, Lanes{} + used);
  }

  /// Whether a Run may be over the window: all paths of a small peer, in so many groups.
  [[nodiscard]] bool runs_over(const PathWindow& window) const noexcept {
    return window.count > 1 && !mirrored();
  }

  /// choose() for one packet after the other, which may all be taken back: nothing has happened until keep().
  /// What one choice leaves to the next stays in registers meanwhile.
  template <std::size_t groups>
  class Run {
   public:
    /// Of a window of at most groups * lane_count paths of which runs_over().
    explicit Run(const Spray& spray) noexcept
        : window_(spray.load<groups>(0)),
          most_used_(spray.most_used_),
          longest_queue_ns_(spray.parameters_.longest_queue_ns) {}
    PathId choose(std::uint32_t bytes) noexcept {
      return static_cast<PathId>(choose_in(window_, most_used_, longest_queue_ns_, bytes));
    }
    /// `spray`: as it was.
    void keep(Spray& spray) const noexcept {
      spray.store(0, window_);
      spray.most_used_ = most_used_;
    }

   private:
    Window<groups> window_;
    Lanes most_used_;
    float longest_queue_ns_;
  };

 private:
  static constexpr float unusable = std::numeric_limits<float>::infinity();
  static_assert(SpraySet::most == 2 * lane_count);

  static Parameters checked(std::size_t paths, const Parameters& p) {
    const Requirements require{"Spray"};
    require.within("paths", paths, 1, max_paths_per_peer);
    require.within("rate", p.rate, 1e-6F, 1e6F);
    require.within("turn_ns", p.turn_ns, 0, 1e9F);
    require.within("longest_queue_ns", p.longest_queue_ns, 1, 1e9F);
    require.within("placed_ns", p.placed_ns, 1, 1e9F);
    return p;
  }

  /// By path, and behind the last the first ones again, so that a window lies in one piece. What is behind
  /// the last path of a small peer is unusable.
  static constexpr std::size_t room(std::size_t paths) noexcept {
    return paths <= SpraySet::most ? SpraySet::most : paths + SpraySet::most;
  }
  [[nodiscard]] bool mirrored() const noexcept { return paths_ > SpraySet::most; }
  void set(std::vector<float>& values, std::size_t path, float value) const noexcept {
    values[path] = value;
    if (mirrored() && path < SpraySet::most) values[paths_ + path] = value;
  }

  /// The numbers of a group's lanes in its window.
  static LaneNumbers numbers(std::size_t group) noexcept {
    return LaneNumbers{0, 1, 2, 3, 4, 5, 6, 7} + static_cast<std::int32_t>(group * lane_count);
  }

  /// Costs are never negative, so that as integers they have the same order. Their last bits give way to the
  /// lane's number: the least of these numbers is the least cost, to 2 millionths, of the first path that has
  /// it.
  static LaneNumbers ranks(const Lanes& cost, std::size_t group) noexcept {
    return (__builtin_bit_cast(LaneNumbers, cost) & ~lane_bits) | numbers(group);
  }
  static constexpr std::int32_t lane_bits = SpraySet::most - 1;

  template <std::size_t groups>
  [[nodiscard]] Window<groups> load(std::size_t first) const noexcept {
    Window<groups> window;
    for (std::size_t g = 0; g < groups; ++g) {
      const std::size_t at = first + g * lane_count;
      window.ns_per_byte[g] = load_lanes(&ns_per_byte_[at]);
      window.waits[g] = load_lanes(&waits_[at]);
      window.turns[g] = load_lanes(&turns_[at]);
      window.queues[g] = load_lanes(&queues_[at]);
      window.used[g] = load_lanes(&used_[at]);
    }
    return window;
  }
  template <std::size_t groups>
  void store(std::size_t first, const Window<groups>& window) noexcept {
    for (std::size_t g = 0; g < groups; ++g) {
      store_lanes(&queues_[first + g * lane_count], window.queues[g]);
      store_lanes(&used_[first + g * lane_count], window.used[g]);
    }
  }

  /// The place in the window of the path for a packet of `bytes`, which takes it.
  template <std::size_t groups>
  static std::size_t choose_in(Window<groups>& window, Lanes& most_used, float longest_queue_ns,
                               std::uint32_t bytes) noexcept {
    const auto size = static_cast<float>(bytes);
    std::array<Lanes, groups> queue;
    std::array<Lanes, groups> used;
    std::array<LaneNumbers, groups> rank;
    for (std::size_t g = 0; g < groups; ++g) {
      const Lanes takes = size * window.ns_per_byte[g];
      // What does not hang on the last choice is added first.
      const Lanes alone = takes + window.waits[g];
      const Lanes used_before = greater(window.used[g], most_used - window.turns[g]);
      rank[g] = ranks(window.queues[g] + alone + used_before, g);
      queue[g] = lesser(window.queues[g] + takes, Lanes{} + longest_queue_ns);
      used[g] = used_before + takes;
    }
    const LaneNumbers least = least_lane(least_of(rank));
    Lanes used_by_chosen = lane_of(used[0], least);
    for (std::size_t g = 1; g < groups; ++g) {
      const LaneNumbers before = (least & lane_bits) < static_cast<std::int32_t>(g * lane_count);
      used_by_chosen = before ? used_by_chosen : lane_of(used[g], least);
    }
    most_used = greater(most_used, used_by_chosen);
    for (std::size_t g = 0; g < groups; ++g) {
      const LaneNumbers chosen = rank[g] == least;
      window.queues[g] = chosen ? queue[g] : window.queues[g];
      window.used[g] = chosen ? used[g] : window.used[g];
    }
    return static_cast<std::size_t>(least[0] & lane_bits);
  }

  template <std::size_t groups>
  PathId choose_among(std::size_t first, std::uint32_t bytes) noexcept {
    auto window = load<groups>(first);
    const std::size_t chosen = choose_in(window, most_used_, parameters_.longest_queue_ns, bytes);
    store(first, window);
    return settle(first + chosen);
  }

  /// The path at a place in the arrays; what the choice has written there is written in its other place too.
  PathId settle(std::size_t place) noexcept {
    if (!mirrored()) return static_cast<PathId>(place);
    const std::size_t path = place < paths_ ? place : place - paths_;
    set(queues_, path, queues_[place]);
    set(used_, path, used_[place]);
    return static_cast<PathId>(path);
  }

  Parameters parameters_;
  std::size_t paths_;
  Nanoseconds now_{};
  /// Time that the most used path has been given, ns, in every lane. One that has been given less than this
  /// but for its turn counts as having been given so much.
  Lanes most_used_{};
  std::vector<float> ns_per_byte_;  ///< by path
  std::vector<float> waits_;        ///< by path, ns
  std::vector<float> queues_;       ///< by path: what is in its virtual queue, ns
  std::vector<float> used_;         ///< by path: time it has been given, ns
  std::vector<float> turns_;        ///< by path, ns
  std::vector<float> lately_;       ///< by path: bytes sent of late by flows that keep a path
};

}  // namespace braidway::lb
