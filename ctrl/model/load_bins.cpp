#include "ctrl/model/load_bins.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "lb/require.hpp"

namespace braidway::ctrl::model {
namespace {

/// Bins beside a tick's.
constexpr std::int64_t longest_lag = 16;

std::vector<double> per_bin(std::span<const double> capacities, const LoadBins::Parameters& p) {
  const lb::Requirements require{"LoadBins"};
  require.within("bin", p.bin, lb::Nanoseconds{1'000}, lb::Nanoseconds{1'000'000'000});
  require.within("tick_bins", p.tick_bins, 1, std::size_t{1'000});
  require.within("queued_ns", p.queued_ns, 0, 1e9F);
  require.within("lag", p.lag, 1, static_cast<std::int64_t>(p.tick_bins) + longest_lag);
  require.within("least_part", p.least_part, 0, 1);
  require.within("covered", p.covered, 0, 1);
  require.within("paths", capacities.size(), 1, lb::max_paths_per_peer);
  std::vector<double> bytes;
  for (std::size_t i = 0; i < capacities.size(); ++i) {
    require.within("capacities[" + std::to_string(i) + "]", capacities[i], 1e-9, 1e9);
    bytes.push_back(capacities[i] * static_cast<double>(lb::value(p.bin)));
  }
  return bytes;
}

}  // namespace

LoadBins::LoadBins(std::span<const double> capacities, const Parameters& parameters)
    : parameters_(parameters),
      capacities_(per_bin(capacities, parameters)),
      open_(capacities.size() * room()),
      told_(capacities.size()),
      own_(capacities.size()),
      heard_at_(capacities.size(), never),
      closed_(capacities.size() * parameters.tick_bins),
      samples_(capacities.size()) {
  for (std::size_t path = 0; path < samples_.size(); ++path) {
    samples_[path].bins = std::span{closed_}.subspan(path * parameters.tick_bins, parameters.tick_bins);
  }
}

/// What was open is of another time.
void LoadBins::begin(std::int64_t first) noexcept {
  first_ = first;
  std::ranges::fill(open_, Bin{});
}

/// What was received in the time `passed` until `now`, in bins, came from where the last message ended until
/// as long ago as it is late.
void LoadBins::add(std::size_t path, const Heard& heard, double now, double passed) noexcept {
  const double queued = heard.least_delay_ns >= parameters_.queued_ns ? 1 : 0;
  const double late = std::max(static_cast<double>(heard.mean_delay_ns), 0.0) /
                      static_cast<double>(lb::value(parameters_.bin));
  const double own = static_cast<double>(heard.bytes) / passed;
  const double own_change = std::abs(own - std::exchange(own_[path], own));
  const double from = told_[path];
  const double to = now - late;
  // It is later by more than the time that passed: nothing of it is new.
  if (!(to > from)) return;
  told_[path] = to;
  for (double at = from; at < to;) {
    const double begins = std::floor(at);
    const double until = std::min(begins + 1, to);
    if (const auto number = static_cast<std::int64_t>(begins); number >= first_) {
      const double part = (until - at) / (to - from);
      Bin& of = bin(path, number);
      of.bytes += static_cast<double>(heard.bytes) * part;
      of.carried += capacities_[path] * passed * part;
      of.covered += until - at;
      of.queued += queued * (until - at);
      if (heard.utilisation >= 0) {
        of.told += until - at;
        of.left_by += capacities_[path] * std::min<double>(heard.utilisation, 1) * (until - at);
        of.own_change += own_change * (until - at);
      }
    }
    at = until;
  }
}

void LoadBins::hear(std::span<const Heard> paths, lb::Nanoseconds now) noexcept {
  const double to = static_cast<double>(lb::value(now)) / static_cast<double>(lb::value(parameters_.bin));
  const auto current = static_cast<std::int64_t>(to);
  if (first_ < 0 || current + static_cast<std::int64_t>(room()) < first_) begin(current);
  const bool has_room = to < static_cast<double>(first_) + static_cast<double>(room());
  for (std::size_t path = 0; path < capacities_.size() && path < paths.size(); ++path) {
    if (!paths[path].told) continue;
    const double passed = to - std::exchange(heard_at_[path], to);
    if (has_room && passed > 0 && passed <= longest_gap_bins) {
      add(path, paths[path], to, passed);
    } else {
      told_[path] = to;
    }
  }
}

void LoadBins::close_tick() noexcept {
  for (std::size_t path = 0; path < capacities_.size(); ++path) {
    for (std::size_t i = 0; i < parameters_.tick_bins; ++i) {
      Bin& of = bin(path, first_ + static_cast<std::int64_t>(i));
      CrossLoad& load = closed_[path * parameters_.tick_bins + i];
      load = {};
      if (of.covered >= parameters_.covered) {
        const double capacity = capacities_[path] * of.covered;
        load = cross_load(
            {.capacity = capacity,
             .own = of.bytes,
             .own_change = of.own_change,
             .left_by = of.told >= of.covered ? of.left_by : -1,
             .growth = of.carried - capacity,
             .queued = of.queued >= of.covered && of.bytes >= parameters_.least_part * of.carried});
      }
      of = {};
    }
    samples_[path].load = over(samples_[path].bins);
  }
  first_ += static_cast<std::int64_t>(parameters_.tick_bins);
}

std::span<const Sample> LoadBins::next_tick(lb::Nanoseconds now) noexcept {
  const std::int64_t current = lb::value(now) / lb::value(parameters_.bin);
  const auto tick = static_cast<std::int64_t>(parameters_.tick_bins);
  // The clock jumped, or nobody asked for long.
  if (first_ >= 0 && (current < first_ || current - first_ > static_cast<std::int64_t>(room()))) {
    begin(current - tick - parameters_.lag);
  }
  if (first_ < 0 || current < first_ + tick + parameters_.lag) return {};
  close_tick();
  return samples_;
}

}  // namespace braidway::ctrl::model
