#include "ctrl/forecast/loop.hpp"

#include <algorithm>
#include <array>
#include <pthread.h>

#include "ctrl/forecast/refits.hpp"

namespace braidway::ctrl::forecast {
namespace {

constexpr std::size_t feedbacks_at_once = 32;
/// How often the paths' rates are asked for: a link comes up at another speed after seconds.
constexpr std::uint64_t rate_turns = 256;
/// A loop that has not gone on for so many ticks, and so long, has stalled.
constexpr int stalled_ticks = 20;
constexpr std::chrono::milliseconds least_stall{200};

std::int64_t wall_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Loop::Loop(dataplane::PathView& view, const Parameters& parameters)
    : view_(view),
      parameters_(parameters),
      tick_(parameters.forecast.tick_us),
      rates_(parameters.paths),
      heard_(feedbacks_at_once),
      readings_(parameters.paths),
      went_on_(Clock::now().time_since_epoch().count()) {
  view_.read_rates(rates_);
  begin();
  thread_ = std::thread([this] { run(); });
}

Loop::~Loop() {
  {
    const std::scoped_lock lock(mutex_);
    end_ = true;
  }
  ending_.notify_all();
  thread_.join();
  const std::vector<float> nothing(parameters_.paths, 1.0F);
  view_.tell(nothing);
}

void Loop::begin() { forecast_ = std::make_unique<PeerForecast>(rates_, parameters_.forecast); }

/// Models of another rate are of another path.
void Loop::heed_rates() {
  std::vector<double> now(rates_.size());
  view_.read_rates(now);
  if (now == rates_) return;
  rates_ = std::move(now);
  ++state_.restarts;
  if (recorder_ && recording_failed_.empty()) {
    recording_failed_ = recorder_->name() + " ends where a path's rate changed; record anew";
    if (auto closed = recorder_->close(); !closed) recording_failed_ = closed.error();
  }
  begin();
  view_.tell(forecast_->biases());
}

void Loop::hear() {
  for (std::size_t count = feedbacks_at_once; count == feedbacks_at_once;) {
    count = view_.take_feedbacks(heard_);
    state_.feedbacks += count;
    for (std::size_t i = 0; i < count; ++i) {
      const auto news = forecast_->hear(heard_[i]);
      if (!recorder_) continue;
      if (auto done = recorder_->append(heard_[i].at, news); !done) recording_failed_ = done.error();
    }
  }
}

void Loop::turn() {
  if (state_.turns++ % rate_turns == 0) heed_rates();
  hear();
  view_.read(readings_);
  const std::uint64_t published = forecast_->publications();
  state_.ticks += forecast_->advance(view_.now(), readings_, wall_ns());
  if (!parameters_.applies) return;
  if (forecast_->publications() != published) view_.tell(forecast_->biases());
  view_.go_on();
}

void Loop::run() {
  pthread_setname_np(pthread_self(), "forecast");
  Refits refits;
  std::unique_lock lock(mutex_);
  state_.refit_threads = refits.threads();
  for (auto next = Clock::now(); !ending_.wait_until(lock, next, [this] { return end_; });) {
    const auto began = Clock::now();
    turn();
    const auto ended = Clock::now();
    took_.record(telemetry::saturated(std::chrono::nanoseconds(ended - began).count()));
    went_on_.store(ended.time_since_epoch().count(), std::memory_order_relaxed);
    const auto due = forecast_->take_refits();
    refits.run(due.count, [&](std::size_t i) { forecast_->refit(due.first + i); });
    state_.refits += due.count;
    next += tick_;
    if (Clock::now() > next) {
      ++state_.late;
      next = Clock::now() + tick_;
    }
  }
}

LoopState Loop::state() const {
  LoopState out = state_;
  out.took.add(took_);
  return out;
}

std::unique_lock<std::mutex> Loop::between_ticks() const {
  constexpr std::chrono::milliseconds patience{1'000};
  constexpr std::chrono::microseconds between_tries{100};
  std::unique_lock lock(mutex_, std::try_to_lock);
  for (const auto until = Clock::now() + patience; !lock && Clock::now() < until; lock.try_lock()) {
    std::this_thread::sleep_for(between_tries);
  }
  return lock;
}

tl::expected<void, std::string> Loop::start_recording(const std::string& file, record::TraceHeader header) {
  const auto lock = between_ticks();
  if (!lock) return tl::unexpected<std::string>(has_stalled);
  if (recorder_) return tl::unexpected(recorder_->name() + " is being recorded; stop that first");
  for (std::size_t i = 0; i < header.paths.size(); ++i) header.paths[i].capacity = rates_[i];
  auto writer = record::TraceWriter::create(file, header);
  if (!writer) return tl::unexpected(writer.error());
  recorder_.emplace(std::move(*writer));
  recording_failed_.clear();
  return {};
}

tl::expected<Loop::Recorded, std::string> Loop::stop_recording() {
  const auto lock = between_ticks();
  if (!lock) return tl::unexpected<std::string>(has_stalled);
  if (!recorder_) return tl::unexpected<std::string>("nothing is being recorded; record start first");
  const auto closed = recorder_->close();
  Recorded recorded{.file = recorder_->name(), .messages = recorder_->messages()};
  recorder_.reset();
  if (!recording_failed_.empty()) return tl::unexpected(recording_failed_);
  if (!closed) return tl::unexpected(closed.error());
  return recorded;
}

std::optional<std::chrono::milliseconds> Loop::stalled() const noexcept {
  const Clock::duration went_on{went_on_.load(std::memory_order_relaxed)};
  const auto silence = Clock::now().time_since_epoch() - went_on;
  if (silence <= std::max<Clock::duration>(least_stall, stalled_ticks * tick_)) return std::nullopt;
  return std::chrono::duration_cast<std::chrono::milliseconds>(silence);
}

}  // namespace braidway::ctrl::forecast
