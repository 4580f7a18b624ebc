// The slow weights of a peer's paths, moved by that peer's feedback.
//
// Each message moves each weight once, multiplicatively, by the path's delay relative to the peer's other
// paths. Delay that all paths share is the receiver's own congestion: it moves nothing. Delay is one-way,
// above the path's minimum, and net of the sender's own backlog at departure (which the spray knows by
// itself, at once).
//
// A queue integrates the rate that is too much, and a weight that integrates the queue would swing for ever.
// So the weight follows above all the growth of the relative delay, and what stands of it only slowly: a PI
// controller in the weight's logarithm, critically damped where growth is 2 x sqrt(standing). What is far
// out, is out: a path's share is cut to a trickle while its queue stands.
//
// A message's delay is halfway between its mean and its maximum: what a queue that grows has reached lately,
// and not one packet's chance. By the mean alone a queue that fills within two messages is seen too late:
// with eight uplinks of 128 at a tenth, a permutation's tail is 1.29 times its bound (worst of 16 seeds
// 1.72), and 1.25 (1.31) with both.
//
// While the receiver's own congestion delays more than half of the paths by more than a message's interval,
// what they differ by says how PFC happens to pause them, and is over before a message tells it: weights that
// follow it tear the paths apart. So they rest then and for a while after, all paths get what their weights
// say, and an incast's paths fill and drain together.
//
// A path that has not been heard for long is tried again as if nothing were known of it.
//
// Who expects something of a path that no message can tell yet (the slow loop's forecast) biases it: its
// share is multiplied by that, but falls no lower by it than to a trickle. Weights and relative delays know
// nothing of biases, and a path without a share gets none.
//
// Pure; owner: whoever handles the peer's messages. All memory at construction.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "lb/path_delay.hpp"
#include "lb/types.hpp"

namespace braidway::lb {

class PathWeights {
 public:
  struct Parameters {
    /// Time between messages, ns: relative delays count in units of it.
    float interval_ns = 100'000;
    /// What a weight loses (e-folds a message) to a relative delay of one interval that grew since the
    /// message before.
    float growth = 0.6F;
    /// The same to one that only stands.
    float standing = 0.1F;
    /// Relative delay that is chance, ns, plus a share of the other paths' delay: queues of a fair split
    /// differ. With 5 us and a half the same permutation's tail is 1.37 (2.37).
    float ignored_ns = 1'000;
    float ignored_share = 0.2F;
    /// The most a message takes from a weight and gives to it, factors. Too much on a path makes a queue, too
    /// little none.
    float steepest_cut = 0.8F;
    float steepest_raise = 1.02F;
    /// Part of the way back to the configured weight that a message goes: a path that was slow for a while is
    /// tried again within 30 ms, and chance does not add up.
    float recovery = 0.003F;
    /// Smallest and largest part of its configured weight that a weight may be.
    float floor = 1.0F / 64;
    float ceiling = 2;
    /// Relative delay beyond which the share falls, and over how much more it falls to `trickle`.
    float outlying_ns = 3'000;
    float outlying_span_ns = 10'000;
    /// What an outlying path still gets, so that it is heard.
    float trickle = 0.02F;
    /// Messages in a row without news of a path after which what it was is forgotten, and it is tried again:
    /// where little is sent, a path whose share fell would not be heard again. Where much is sent, a trickle
    /// is heard in each message. 100 ms.
    unsigned forgotten = 1'000;
    /// The same after which its delay is no longer what the last message told, and its weight recovers. Where
    /// flows keep their paths a path that is outlying gets no trickle, and nothing tells that its queue has
    /// drained: `stale_kept` then. Where packets are sprayed it is not: with two of sixteen uplinks at a
    /// quarter of their rate, p99 slowdown would be 1.41 times that without instead of 1.24 (simulated, a
    /// seed).
    unsigned stale = 1'000;
    static constexpr unsigned stale_kept = 10;
    /// Delay of more than half of the paths that is the receiver's congestion, ns, and for how many messages
    /// the weights rest then.
    float congested_ns = lb::congested_ns;
    unsigned rest = 10;
  };

  explicit PathWeights(std::span<const float> configured) : PathWeights(configured, Parameters{}) {}
  /// `configured`: a weight for each of 1..256 paths, 0 or more. Throws std::invalid_argument for what it
  /// cannot work with.
  PathWeights(std::span<const float> configured, const Parameters& parameters);

  /// One message: the paths that were heard since the message before, each once.
  void update(std::span<const PathDelay> heard) noexcept;
  /// By path, finite and 0 or more: what shares are multiplied by from now on. 1 at first.
  void set_biases(std::span<const float> biases) noexcept;
  /// By path, what to spray by: the weight, less while the path's delay is outlying, times the bias.
  [[nodiscard]] std::span<const float> shares() const noexcept { return shares_; }
  /// The same without the bias.
  [[nodiscard]] std::span<const float> reactive_shares() const noexcept { return reactive_; }
  [[nodiscard]] std::span<const float> weights() const noexcept { return weights_; }
  /// By path: how far its delay was above the others' in the last message that told it, ns, less what is
  /// chance; 0 while the weights rest.
  [[nodiscard]] float relative_delay_ns(PathId path) const noexcept {
    return relative_[value(path)] * parameters_.interval_ns;
  }
  /// The path is so far behind the others that it gets no more than a trickle.
  [[nodiscard]] bool outlying(PathId path) const noexcept {
    return relative_delay_ns(path) >= parameters_.outlying_ns + parameters_.outlying_span_ns;
  }

 private:
  void forget_unheard(std::span<const PathDelay> heard) noexcept;
  [[nodiscard]] float biased(std::size_t path) const noexcept;

  Parameters parameters_;
  std::vector<float> configured_;
  std::vector<float> weights_;
  std::vector<float> reactive_;  ///< shares without biases
  std::vector<float> biases_;
  std::vector<float> shares_;
  std::vector<float> relative_;    ///< delay above the others', in intervals
  std::vector<unsigned> unheard_;  ///< messages in a row
  unsigned resting_ = 0;           ///< messages
};

}  // namespace braidway::lb
