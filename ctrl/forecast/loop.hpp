// The slow loop: a thread on the control cores that every tick takes what the peer has said, forecasts
// (peer_forecast.hpp), and where it may publishes what it expects. Workers never wait for it, and go on
// without it: what it last published is void when it stops (dataplane/path_control.hpp).
//
// Owner: the control thread, which makes it and ends it; it and the API's threads may ask, which waits for a
// tick, and not for long if that does not end. The view outlives this.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include <tl/expected.hpp>

#include "ctrl/forecast/peer_forecast.hpp"
#include "ctrl/record/trace_file.hpp"
#include "dataplane/path_view.hpp"
#include "telemetry/log_linear_histogram.hpp"

namespace braidway::ctrl::forecast {

/// How the loop does.
struct LoopState {
  std::uint64_t turns = 0;      ///< of the thread: one a tick
  std::uint64_t late = 0;       ///< ticks that began later than a tick after they should have
  std::uint64_t ticks = 0;      ///< of loads that were looked at
  std::uint64_t feedbacks = 0;  ///< that were heard
  std::uint64_t refits = 0;     ///< of paths
  std::uint64_t restarts = 0;   ///< of all models, since a path's rate changed
  int refit_threads = 0;
  telemetry::HistogramCounts took;  ///< turns without refits, ns
};

class Loop {
 public:
  struct Parameters {
    PeerForecast::Parameters forecast;
    std::size_t paths = 1;
    bool applies = false;
  };

  /// Starts the thread, on the cores that the caller may run on.
  Loop(dataplane::PathView& view, const Parameters& parameters);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// What `ask` answers of the forecast as it is after some tick, and of how the loop does. Error: the loop
  /// has stalled in the middle of one.
  template <typename Ask>
  auto ask(const Ask& ask) const
      -> tl::expected<std::invoke_result_t<Ask, const PeerForecast&, const LoopState&>, std::string> {
    const auto lock = between_ticks();
    if (!lock) return tl::unexpected<std::string>(has_stalled);
    return ask(*forecast_, state());
  }
  [[nodiscard]] const Parameters& parameters() const noexcept { return parameters_; }

  /// Writes what the peer says from now on into a new file; `header`: without capacities. Error: one
  /// sentence.
  tl::expected<void, std::string> start_recording(const std::string& file, record::TraceHeader header);
  struct Recorded {
    std::string file;
    std::uint64_t messages = 0;
  };
  /// Error: there is none, or the file does not hold all.
  tl::expected<Recorded, std::string> stop_recording();
  /// How long ago the loop last went on, if that is longer than it should be: it has stalled.
  [[nodiscard]] std::optional<std::chrono::milliseconds> stalled() const noexcept;

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr const char* has_stalled = "the forecast has stalled; weights are those without it";

  [[nodiscard]] std::unique_lock<std::mutex> between_ticks() const;
  [[nodiscard]] LoopState state() const;
  void run();
  void turn();
  void hear();
  void heed_rates();
  void begin();

  dataplane::PathView& view_;
  Parameters parameters_;
  std::chrono::microseconds tick_;
  std::vector<double> rates_;
  std::unique_ptr<PeerForecast> forecast_;
  std::vector<dataplane::HeardFeedback> heard_;   ///< of the turn in hand
  std::vector<dataplane::PathReading> readings_;  ///< the same
  LoopState state_;
  telemetry::LogLinearHistogram took_;
  std::optional<record::TraceWriter> recorder_;
  std::string recording_failed_;  ///< why the recording ended by itself
  std::atomic<Clock::rep> went_on_{0};

  mutable std::mutex mutex_;  ///< all of the above, but for a turn
  std::condition_variable ending_;
  bool end_ = false;
  std::thread thread_;  ///< the last member: it uses the others
};

}  // namespace braidway::ctrl::forecast
