// What a forecast does to the weights of one peer's paths: it biases, it does not command.
//
//     weight = reactive x bias,  bias = 1 + confidence x adjustment
//
// The weight is not less than the probing share, so that a path that is expected to be full is still heard;
// it is less than half of the reactive one only where the forecast is all but certain, and never more than
// twice that. Where the reactive weight is below the probing share by itself, no forecast lowers it further.
// A path that is out (weight 0) stays out.
//
// A new set of biases is worth a publication only if it changes some path's part of the traffic by a good
// share of itself, since the last that was published: a forecast that wavers moves nothing, nor does one that
// all paths have in common. A forecast that is withdrawn (confidence 0 on all paths) always is.
//
// Confidence and adjustment come from models: what is no number, or a confidence below 0, is no forecast.
//
// Pure; owner: the control thread. All memory at construction. Source: section 7 of the design.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace braidway::ctrl::model {

/// What is expected of a path.
struct Outlook {
  float adjustment = 0;     ///< by what part of the reactive weight it should change; -1: nothing is left
  float confidence = 0;     ///< 0 to 1
  std::size_t horizon = 0;  ///< which of the Predictor's says so, if the confidence is above 0
};

class BiasedWeights {
 public:
  struct Parameters {
    /// The confidence above which a bias may be less than `least_unsure`.
    float certain = 0.9F;
    float least_unsure = 0.5F;
    float most = 2;
    /// The least that a forecast leaves of a path, part of its configured weight: what PathWeights leaves of
    /// one that is outlying.
    float probing_share = 0.02F;
    /// Change of a path's part of the traffic, relative to the larger one, that is worth a publication.
    float matters = 0.2F;
  };

  explicit BiasedWeights(std::span<const float> configured) : BiasedWeights(configured, Parameters{}) {}
  /// `configured`: a weight for each of 1..256 paths, 0 or more. Throws std::invalid_argument for what it
  /// cannot work with.
  BiasedWeights(std::span<const float> configured, const Parameters& parameters);

  /// One tick: the reactive weights as they are, and what is expected, by path. Answers whether the biases
  /// are worth a publication; biases() has changed then, and only then.
  bool update(std::span<const float> reactive, std::span<const Outlook> expected) noexcept;
  /// By path, as last published: what reactive weights are to be multiplied by. 1 at first.
  [[nodiscard]] std::span<const float> biases() const noexcept { return biases_; }

 private:
  [[nodiscard]] float bias_of(std::size_t path, float reactive, const Outlook& expected) const noexcept;

  Parameters parameters_;
  std::vector<float> configured_;
  std::vector<float> biases_;
  std::vector<float> wanted_;
};

}  // namespace braidway::ctrl::model
