#include "ctrl/forecast/peer_forecast.hpp"

#include <algorithm>
#include <utility>

#include "ctrl/model/members.hpp"
#include "telemetry/message.hpp"

namespace braidway::ctrl::forecast {
namespace {

constexpr std::uint32_t bin_us = 100;
/// What is placed now is under way for so long: the horizons up to it count for weights.
constexpr unsigned placed_ms = 5;
/// Which of the horizons History shows.
constexpr std::size_t shown = 1;
/// How often a path is refitted.
constexpr double refit_every_us = 250'000;

/// Ticks, each once.
std::vector<unsigned> horizons_of(std::uint32_t tick_us) {
  std::vector<unsigned> out;
  for (const unsigned ms : horizons_ms) {
    const unsigned ticks = std::max(1U, ms * 1'000 / tick_us);
    if (out.empty() || ticks > out.back()) out.push_back(ticks);
  }
  return out;
}

model::LoadBins::Parameters bins_of(const PeerForecast::Parameters& parameters, std::size_t paths) {
  const std::size_t told_every =
      (telemetry::feedbacks_for(paths) * parameters.messages_us + bin_us - 1) / bin_us;
  return {.tick_bins = parameters.tick_us / bin_us, .lag = static_cast<std::int64_t>(2 + told_every)};
}

/// Of a path whose rate is not known nothing is told: any will do.
std::vector<double> capacities_of(std::span<const double> rates) {
  std::vector<double> out;
  std::ranges::transform(rates, std::back_inserter(out), [](double rate) { return rate > 0 ? rate : 1; });
  return out;
}

}  // namespace

PeerForecast::PeerForecast(std::span<const double> rates, const Parameters& parameters)
    : parameters_(parameters),
      rates_(rates.begin(), rates.end()),
      shape_{.paths = rates.size(),
             .bins = parameters.tick_us / bin_us,
             .horizons = horizons_of(parameters.tick_us)},
      ahead_(static_cast<std::size_t>(std::ranges::count_if(
          shape_.horizons,
          [&](unsigned ticks) { return ticks == 1 || ticks * parameters.tick_us <= placed_ms * 1'000; }))),
      reader_(rates.size()),
      bins_(capacities_of(rates), bins_of(parameters, rates.size())),
      predictor_(shape_, model::make_members(shape_)),
      weights_(std::vector<float>(rates.size(), 1.0F)),
      history_(rates.size(), shape_.bins, parameters.tick_us),
      loads_(rates.size()),
      since_(rates.size()),
      expected_soon_(rates.size() * shape_.horizons[std::min(shown, shape_.horizons.size() - 1)]),
      reactive_(rates.size()),
      outlooks_(rates.size()),
      before_(rates.size()) {}

std::span<const model::LoadBins::Heard> PeerForecast::hear(const dataplane::HeardFeedback& heard) noexcept {
  const auto news = reader_.read(heard.message);
  for (std::size_t path = 0; path < news.size(); ++path) {
    // Of a capacity that is not known nothing is known to be left.
    news[path].told = news[path].told && rates_[path] > 0;
    SinceTick& since = since_[path];
    since.own += static_cast<double>(news[path].bytes);
    if (news[path].mean_delay_ns < 0) continue;
    since.delay_sum += static_cast<double>(news[path].mean_delay_ns);
    ++since.delays;
  }
  bins_.hear(news, heard.at);
  return news;
}

void PeerForecast::observe(std::span<const model::Sample> samples,
                           std::span<const dataplane::PathReading> paths) {
  const std::size_t horizon = std::min(shown, shape_.horizons.size() - 1);
  const std::size_t depth = shape_.horizons[horizon];
  predictor_.observe(samples);
  events_.observe(++ticks_, samples);
  for (std::size_t path = 0; path < samples.size(); ++path) {
    loads_[path] = samples[path].load;
    known_ += loads_[path].unknown() ? 0 : 1;
    SinceTick& since = since_[path];
    float& expected = expected_soon_[path * depth + ticks_ % depth];
    const double capacity = rates_[path] * parameters_.tick_us * 1'000;
    const HistoryTick tick{
        .load = loads_[path],
        .own = capacity > 0 ? static_cast<float>(since.own / capacity) : 0,
        .delay_us = since.delays > 0 ? static_cast<float>(since.delay_sum / since.delays / 1'000) : 0,
        .forecast = std::exchange(expected, predictor_.ensemble().forecast(path, horizon).load),
        .share = paths[path].share,
        .sent = since.known ? paths[path].sent - since.sent : 0,
        .held = since.known ? static_cast<std::uint32_t>(
                                  std::min<std::uint64_t>(paths[path].held - since.held, UINT32_MAX))
                            : 0};
    history_.add(path, tick, samples[path].bins);
    since = {.sent = paths[path].sent, .held = paths[path].held, .known = true};
  }
  history_.advance();
}

std::size_t PeerForecast::advance(lb::Nanoseconds now, std::span<const dataplane::PathReading> paths,
                                  std::int64_t wall_ns) {
  std::size_t over = 0;
  for (auto samples = bins_.next_tick(now); !samples.empty(); samples = bins_.next_tick(now)) {
    observe(samples, paths);
    ++over;
  }
  if (over == 0) return 0;
  refits_due_ += static_cast<double>(over * loads_.size()) * parameters_.tick_us / refit_every_us;
  for (std::size_t path = 0; path < paths.size(); ++path) reactive_[path] = paths[path].reactive;
  model::look_ahead(predictor_, ahead_, outlooks_);
  std::ranges::copy(weights_.biases(), before_.begin());
  if (weights_.update(reactive_, outlooks_)) {
    ++publications_;
    explain(before_, wall_ns);
  }
  return over;
}

void PeerForecast::explain(std::span<const float> before, std::int64_t wall_ns) {
  for (std::size_t path = 0; path < before.size(); ++path) {
    const float now = weights_.biases()[path];
    if (now == before[path]) continue;
    const std::size_t horizon = outlooks_[path].horizon;
    events_.add({.at_ns = wall_ns,
                 .path = path,
                 .from = before[path],
                 .to = now,
                 .foreseen = now != 1,
                 .horizon = shape_.horizons[horizon],
                 .forecast = predictor_.ensemble().forecast(path, horizon),
                 .skill = predictor_.gate(path, horizon).skill(),
                 .load = {}},
                ticks_);
  }
}

PeerForecast::Refits PeerForecast::take_refits() noexcept {
  const auto whole = static_cast<std::size_t>(refits_due_);
  const Refits refits{.first = refitted_, .count = std::min(whole, loads_.size())};
  refits_due_ -= static_cast<double>(whole);
  refitted_ = (refitted_ + refits.count) % loads_.size();
  return refits;
}

}  // namespace braidway::ctrl::forecast
