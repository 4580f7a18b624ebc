// The forecast of one peer's paths, tick by tick: what the peer says becomes loads of others, loads become
// forecasts, and those whose gate is open become biases of the paths' weights, each with its reason.
//
// Time is an argument, and nothing here is a thread: loop.hpp is.
//
// Owner: the slow loop's thread, or who excludes it. All memory at construction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "ctrl/forecast/events.hpp"
#include "ctrl/forecast/feedback_reader.hpp"
#include "ctrl/forecast/history.hpp"
#include "ctrl/model/load_bins.hpp"
#include "ctrl/model/outlook.hpp"
#include "ctrl/model/predictor.hpp"
#include "ctrl/model/weights.hpp"
#include "dataplane/heard_feedback.hpp"
#include "dataplane/path_view.hpp"

namespace braidway::ctrl::forecast {

/// Milliseconds ahead that are forecast; where a tick is longer than the first ones, they are one tick.
inline constexpr std::array<unsigned, 4> horizons_ms{1, 5, 20, 100};

class PeerForecast {
 public:
  struct Parameters {
    std::uint32_t tick_us = 1'000;
    std::uint32_t messages_us = 100;  ///< between two of the peer
  };

  /// `rates`: of the paths, bytes a nanosecond; 0: not known, and then nothing of the path is.
  PeerForecast(std::span<const double> rates, const Parameters& parameters);

  /// Answers what it says, by path, good until the next call.
  std::span<const model::LoadBins::Heard> hear(const dataplane::HeardFeedback& heard) noexcept;
  /// Looks at what is over by `now`, by the lanes' clock, and at the paths as they are. Returns the ticks
  /// that were. `wall_ns`: the time since 1970, for events.
  std::size_t advance(lb::Nanoseconds now, std::span<const dataplane::PathReading> paths,
                      std::int64_t wall_ns);
  /// By path: what weights should be multiplied by.
  [[nodiscard]] std::span<const float> biases() const noexcept { return weights_.biases(); }
  /// Times that biases() changed.
  [[nodiscard]] std::uint64_t publications() const noexcept { return publications_; }

  /// Paths whose turn it is to be refitted: so many since the last call, that all are four times a second.
  struct Refits {
    std::size_t first = 0;
    std::size_t count = 0;  ///< path `first` and so many from it on, and round
  };
  [[nodiscard]] Refits take_refits() noexcept;
  /// Of different paths by several threads at once, while nothing else is called.
  void refit(std::size_t path) noexcept { predictor_.refit(path % loads_.size()); }

  [[nodiscard]] std::size_t paths() const noexcept { return loads_.size(); }
  /// By path, bytes a nanosecond; 0: not known.
  [[nodiscard]] std::span<const double> rates() const noexcept { return rates_; }
  /// Ticks ahead, by horizon.
  [[nodiscard]] const std::vector<unsigned>& horizons() const noexcept { return shape_.horizons; }
  [[nodiscard]] const model::Predictor& predictor() const noexcept { return predictor_; }
  /// By path: the last tick.
  [[nodiscard]] std::span<const model::CrossLoad> loads() const noexcept { return loads_; }
  [[nodiscard]] const History& history() const noexcept { return history_; }
  [[nodiscard]] const Events& events() const noexcept { return events_; }
  [[nodiscard]] std::uint64_t ticks() const noexcept { return ticks_; }
  /// Of these, paths and ticks of which something was known: loads measured, or bounds below the capacity.
  [[nodiscard]] std::uint64_t known() const noexcept { return known_; }

 private:
  struct SinceTick {
    double own = 0;        ///< bytes
    double delay_sum = 0;  ///< ns, of `delays` messages
    unsigned delays = 0;
    std::uint32_t sent = 0;  ///< packets, as last read
    std::uint64_t held = 0;  ///< the same
    bool known = false;      ///< these are
  };

  void observe(std::span<const model::Sample> samples, std::span<const dataplane::PathReading> paths);
  void explain(std::span<const float> before, std::int64_t wall_ns);

  Parameters parameters_;
  std::vector<double> rates_;
  model::Shape shape_;
  std::size_t ahead_;  ///< horizons that weights go by
  FeedbackReader reader_;
  model::LoadBins bins_;
  model::Predictor predictor_;
  model::BiasedWeights weights_;
  History history_;
  Events events_;
  std::vector<model::CrossLoad> loads_;
  std::vector<SinceTick> since_;          ///< by path
  std::vector<float> expected_soon_;      ///< by path: forecast of the tick that comes due; a ring a path
  std::vector<float> reactive_;           ///< of the tick in hand
  std::vector<model::Outlook> outlooks_;  ///< the same
  std::vector<float> before_;             ///< the same
  std::uint64_t ticks_ = 0;
  std::uint64_t known_ = 0;
  std::uint64_t publications_ = 0;
  std::size_t refitted_ = 0;  ///< path that is next
  double refits_due_ = 0;
};

}  // namespace braidway::ctrl::forecast
