// Finds trains among onsets that belong to none: jobs that begin, and those of several that were taken for
// one. As radars sort the pulses of several emitters: the shortest gap that repeats back from the latest
// onset, among onsets of like height, is a period (Mardia, "New techniques for the deinterleaving of
// repetitive sequences", 1989; Milojevic and Popovic, "Improved algorithm for the deinterleaving of radar
// pulses", 1992).
//
// Chance makes trains too, of onsets that are dense enough: six in a row are asked for, with gaps that
// differ by less than 10 % of the period on average. Who uses trains has to see whether they go on.
//
// Pure; owner: one thread. Times in bins (edges.hpp).
#pragma once

#include <array>
#include <cstddef>
#include <optional>

#include "ctrl/model/burst_train.hpp"

namespace braidway::ctrl::model {

class TrainSearch {
 public:
  struct Parameters {
    double shortest_period = 15;  ///< bins: below, a burst is no longer than a tick
    double longest_period = 2'500;
    double tolerance = 0.15;   ///< of a gap against the period so far
    double most_uneven = 0.1;  ///< mean error of the gaps, part of the period
    std::size_t onsets = 6;    ///< that make a train
  };

  TrainSearch() : TrainSearch(Parameters{}) {}
  explicit TrainSearch(const Parameters& parameters) : parameters_(parameters) {}

  /// An onset that belongs to no train. Answers the train that it completes, whose onsets are then taken.
  /// `tolerance`: that heights are measured to.
  std::optional<BurstTrain> add(double at, float height, float tolerance) noexcept;

 private:
  static constexpr std::size_t room = 48;  ///< the oldest make way
  static constexpr std::size_t longest = 8;

  struct Onset {
    double at = 0;
    float height = 0;
  };
  struct Chain {
    std::array<std::size_t, longest> places{};
    std::size_t length = 0;
    double period = 0;
    double error = 0;
  };

  [[nodiscard]] std::size_t nearest(double wanted, double within, std::size_t before, float height,
                                    float tolerance) const noexcept;
  [[nodiscard]] Chain chain_from(std::size_t second, float tolerance) const noexcept;
  void remove(const Chain& chain) noexcept;

  Parameters parameters_;
  std::array<Onset, room> onsets_{};  ///< oldest first
  std::size_t count_ = 0;
};

}  // namespace braidway::ctrl::model
